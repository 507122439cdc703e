#!/usr/bin/env bash
# The hostile client: attacks the running native system, the site through nginx and an instance directly at once, one
# attack after the other, while others use both; see docs/fuzzing.md.
#
#   bash drill/hostile.sh [--short]
#
# The attacks come from 127.0.0.66 to 127.0.0.81, the invented people of the campaign `simulacro` from 127.0.0.1. Exit
# code 0: the attacks got nowhere, everyone else was served within a second (within five in the short form, which test.sh
# runs on machines that have other work), and no process grew beyond its bound.
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

# Runs one attack on the site and on the instance while others use both: attack, how many, seconds.
attack() {
    local others port attacker attackers=() missed=0
    coproc OTHERS { /usr/bin/python3 -B drill/others.py "$SECONDS_TO_ANSWER" "$MEMORY_MB" "$USED" "$WEIGHED"; }
    # shellcheck disable=SC2153 # set by coproc
    others=$OTHERS_PID
    exec {told}<&"${OTHERS[0]}" {over}>&"${OTHERS[1]}"
    for port in "$SITE" "${PORTS[app1]}"; do
        timeout "$SECONDS_AT_MOST" /usr/bin/python3 -B drill/hostile.py "$port" "$@" &
        attackers+=($!)
    done
    for attacker in "${attackers[@]}"; do wait "$attacker" || missed=1; done
    exec {over}>&-
    eval "exec ${OTHERS[1]}>&-"
    cat <&"$told"
    wait "$others" || missed=1
    exec {told}<&-
    [[ $missed -eq 0 ]] || { say "MISSED: $*" && MISSED=1; }
}

MISSED=
if [[ ${1:-} == --short ]]; then ATTACKS=("${SHORT[@]}") && SECONDS_TO_ANSWER=5; fi
find_system
[[ $(site_url) == http://127.* ]] || fail "the hostile client speaks plain HTTP on loopback, not $(site_url)" "STACK_LISTEN=127.0.0.1:8080, without a certificate"
SITE=$(site_url)
SITE=${SITE##*:}
USED=$SITE,${PORTS[app1]}
WEIGHED=$(for name in app:app1 app:app2 app:app3; do pid_of "$name"; done | paste -sd,)
for line in "${ATTACKS[@]}"; do
    # shellcheck disable=SC2086 # the line's words
    attack $line
done
[[ -z $MISSED ]]
