#!/usr/bin/env bash
# Sends a sample of votes by Locust, with two workers, through nginx to the running native system: over HTTP, then over
# gRPC. The results must have each vote of the sample once.
#
#   bash drill/locust.sh [VOTES]   number of votes over each door, by default 600
#
# The votes are of a separate campaign, ops/votes.toml, and are erased. Exit code 0: every vote was counted once.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=drill/system.sh
source drill/system.sh
# shellcheck source=ops/probe.sh
source ops/probe.sh

VOTES=${1:-600}
CAMPAIGN=simulacro-votos

# Runs Locust over one door: door.
run_locust() {
    local port
    say "-- Locust, $VOTES votes over $1"
    read -r port < <(/usr/bin/python3 ops/free_ports.py 1)
    PYTHONPATH=$TOOLS/locust /usr/bin/python3 -B -m locust --locustfile locust/locustfile.py --headless \
        --only-summary --loglevel WARNING --host "$(site_url)" --processes 2 \
        --master-port "$port" --master-bind-port "$port" --users 16 --spawn-rate 16 --stop-timeout 10 \
        --votes "$WORK/votes.json" --campaign "$CAMPAIGN" --door "$1" --grpc "$STACK_GRPC_LISTEN" --token-file "$WORK/token" \
        --tally opciones --tally mesas --compare all --once >&2
}

# Erases the votes, once none of them waits in the queue.
erase() {
    [[ $STACK_QUEUE == direct ]] || wait_until_empty "$STACK_QUEUE" "$SECONDS_TO_EMPTY" || say "votes are left in the queue"
    native_program votes erase "$CAMPAIGN" --yes >&2
}

clean_up() {
    local code=$?
    trap - EXIT
    erase || true
    rm -rf "$WORK"
    exit "$code"
}

find_system
need_locust
[[ $(site_url) == http://127.* ]] || fail "the drill uses plain HTTP on loopback, not $(site_url)" "STACK_LISTEN=0.0.0.0:8080, without a certificate"
WORK=$STACK/drill-locust
recreate_folder "$WORK"
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
(umask 077 && native_program token new "Locust" --scope votes --days 1 >"$WORK/token")
/usr/bin/python3 -B locust/make_votes.py ops/votes.toml --votes "$VOTES" >"$WORK/votes.json"
for door in http grpc; do
    erase
    run_locust "$door"
done
