#!/usr/bin/env bash
# Starts a temporary system, in a temporary folder on free ports, runs the short drills, restores it from a backup made under load, attacks
# it with the hostile client, runs Locust and the short drills of votes on each queue and removes it. Part of test.sh, and for machines
# whose own system must not be affected. Arguments: those of drill/run.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=ops/parts.sh
source ops/parts.sh
# shellcheck source=ops/layout.sh
source ops/layout.sh

TRIES=20

are_free() {
    local port
    for port in "$@"; do /usr/bin/python3 ops/free_ports.py --is-free "$port" || return 1; done
}

# Sets STACK_BASE_PORT, STACK_LISTEN and STACK_GRPC_LISTEN so that every port of the system is free.
choose_ports() {
    local tries=0
    until ((tries++ >= TRIES)); do
        read -r STACK_BASE_PORT STACK_LISTEN STACK_GRPC_LISTEN < <(/usr/bin/python3 ops/free_ports.py 3)
        STACK_LISTEN=127.0.0.1:$STACK_LISTEN STACK_GRPC_LISTEN=127.0.0.1:$STACK_GRPC_LISTEN
        number_ports
        are_free "${ALL_PORTS[@]}" && return
    done
    fail "no free ports for a whole system" "ss -ltnp"
}

remove() {
    local code=$?
    trap - EXIT
    [[ $code -eq 0 ]] || tail -n 5 "$STACK_DATA"/log/*.log >&2 2>/dev/null || true
    bash init.sh --native down --yes >&2 || true
    rm -rf "$FOLDER"
    exit "$code"
}

choose_ports
FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/jornada-drill.XXXXXX")
chmod 711 "$FOLDER" # the system may run as another user
export STACK_BASE_PORT STACK_LISTEN STACK_GRPC_LISTEN STACK_DATA=$FOLDER/stack STACK_ENV_FILE=$FOLDER/env
trap remove EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# Its output contains the staff token.
bash init.sh --native >/dev/null
bash drill/run.sh --short "$@"
say "-- backup and restore"
bash drill/backup.sh "$FOLDER/backup"
say "-- the hostile client"
bash drill/hostile.sh --short
for queue in redis kafka; do
    say "-- votes through $queue"
    STACK_QUEUE=$queue bash init.sh --native >/dev/null
    bash drill/locust.sh
    bash drill/votes.sh --short
done
