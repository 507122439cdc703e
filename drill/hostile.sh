#!/usr/bin/env bash
# The hostile client: attacks the running native system, through nginx and one instance directly at the same time, one
# attack after the other, while other clients use both; see docs/fuzzing.md.
#
#   bash drill/hostile.sh [--short]
#
# The attacks come from 127.0.0.66 to 127.0.0.81, the invented people of the campaign `simulacro` from 127.0.0.1. Exit
# code 0: the attacks failed, all other clients were served within a second (within five in the short form, because test.sh
# may run on a busy machine), and no process exceeded its memory limit.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=drill/system.sh
source drill/system.sh

SECONDS_TO_ANSWER=1
MEMORY_MB=512
MAX_SECONDS=180 # for one attack
# Attack, amount, seconds.
ATTACKS=("slow-headers 1000 40" "slow-body 200 30" "idle 10000 30" "garbage 100000" "image-bombs 400" "multipart 50")
SHORT=("slow-headers 200 4" "slow-body 60 4" "idle 10000 2" "garbage 2000" "image-bombs 24" "multipart 5")

# Runs one attack on nginx and on the instance while other clients use both: attack, amount, seconds.
attack() {
    local others port attacker attackers=() missed=0
    coproc OTHERS { /usr/bin/python3 -B drill/others.py "$SECONDS_TO_ANSWER" "$MEMORY_MB" "$PORTS_IN_USE" "$MEASURED"; }
    # shellcheck disable=SC2153 # set by coproc
    others=$OTHERS_PID
    exec {output}<&"${OTHERS[0]}" {input}>&"${OTHERS[1]}"
    for port in "$SITE" "${PORTS[app1]}"; do
        timeout "$MAX_SECONDS" /usr/bin/python3 -B drill/hostile.py "$port" "$@" &
        attackers+=($!)
    done
    for attacker in "${attackers[@]}"; do wait "$attacker" || missed=1; done
    exec {input}>&-
    eval "exec ${OTHERS[1]}>&-"
    cat <&"$output"
    wait "$others" || missed=1
    exec {output}<&-
    [[ $missed -eq 0 ]] || { say "MISSED: $*" && MISSED=1; }
}

MISSED=
if [[ ${1:-} == --short ]]; then ATTACKS=("${SHORT[@]}") && SECONDS_TO_ANSWER=5; fi
find_system
[[ $(site_url) == http://127.* ]] || fail "the hostile client uses plain HTTP on loopback, not $(site_url)" "STACK_LISTEN=127.0.0.1:8080, without a certificate"
SITE=$(site_url)
SITE=${SITE##*:}
PORTS_IN_USE=$SITE,${PORTS[app1]}
MEASURED=$(for name in app:app1 app:app2 app:app3; do pid_of "$name"; done | paste -sd,)
for line in "${ATTACKS[@]}"; do
    # shellcheck disable=SC2086 # split into words
    attack $line
done
[[ -z $MISSED ]]
