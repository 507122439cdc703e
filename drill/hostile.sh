#!/usr/bin/env bash
# The hostile client: attacks the running native system, an instance directly and the site through nginx, one attack after
# the other, while others use both; see docs/fuzzing.md.
#
#   bash drill/hostile.sh [--short]
#
# The attacks come from 127.0.0.66, the invented people of the campaign `simulacro` from 127.0.0.1. Exit code 0: the
# attacks got nowhere, everyone else was served within a second, and no process grew beyond its bound.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=drill/system.sh
source drill/system.sh

SECONDS_TO_ANSWER=1
MEMORY_MB=512
SECONDS_AT_MOST=180 # for one attack
# Attack, how many, seconds.
ATTACKS=("slow-headers 1000 40" "slow-body 200 30" "idle 10000 30" "garbage 100000" "image-bombs 400" "multipart 50")
SHORT=("slow-headers 200 4" "slow-body 60 4" "idle 10000 2" "garbage 2000" "image-bombs 24" "multipart 5")

# Runs one attack on a port while others use the site and the instance: port, attack, how many, seconds.
attack() {
    local others missed=0
    coproc OTHERS { /usr/bin/python3 -B drill/others.py "$SECONDS_TO_ANSWER" "$MEMORY_MB" "$USED" "$WEIGHED"; }
    # shellcheck disable=SC2153 # set by coproc
    others=$OTHERS_PID
    exec {told}<&"${OTHERS[0]}" {over}>&"${OTHERS[1]}"
    timeout "$SECONDS_AT_MOST" /usr/bin/python3 -B drill/hostile.py "$@" || missed=1
    exec {over}>&-
    eval "exec ${OTHERS[1]}>&-"
    cat <&"$told"
    wait "$others" || missed=1
    exec {told}<&-
    [[ $missed -eq 0 ]] || { say "MISSED: $*" && MISSED=1; }
}

MISSED=
[[ ${1:-} != --short ]] || ATTACKS=("${SHORT[@]}")
find_system
[[ $(site_url) == http://127.* ]] || fail "the hostile client speaks plain HTTP on loopback, not $(site_url)" "STACK_LISTEN=127.0.0.1:8080, without a certificate"
SITE=$(site_url)
SITE=${SITE##*:}
USED=$SITE,${PORTS[app1]}
WEIGHED=$(for name in app:app1 app:app2 app:app3; do pid_of "$name"; done | paste -sd,)
for line in "${ATTACKS[@]}"; do
    for port in "$SITE" "${PORTS[app1]}"; do
        # shellcheck disable=SC2086 # the line's words
        attack "$port" $line
    done
done
[[ -z $MISSED ]]
