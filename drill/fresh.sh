#!/usr/bin/env bash
# Brings up a whole system of its own, in a temporary folder on free ports, drills it in the short form, restores it from
# a backup, lets the hostile client at it and removes it: part of test.sh, and for a machine whose own system must not be
# touched. Arguments: those of drill/run.sh.
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

# Sets STACK_BASE_PORT and STACK_LISTEN so that every port of the system is free.
choose_ports() {
    local tries=0
    until ((tries++ >= TRIES)); do
        read -r STACK_BASE_PORT STACK_LISTEN < <(/usr/bin/python3 ops/free_ports.py 2)
        STACK_LISTEN=127.0.0.1:$STACK_LISTEN
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

# Backs the system up as docs/operations.md says, loses it, restores it, and proves that every receipt of the drills
# still stands for its registration, its photo and its count, and that staff and record are what they were.
back_up_and_restore() {
    local staff head
    say "-- backup and restore"
    bash init.sh --native staff add ana@example.org --role clerk --place Cali >/dev/null
    staff=$(bash init.sh --native staff list)
    head=$(bash init.sh --native audit verify)
    bash init.sh --native stop >&2
    tar -C "$FOLDER" -czpf "$FOLDER/backup.tgz" stack
    cp -p "$STACK_ENV_FILE" "$FOLDER/backup.env"
    bash init.sh --native down --yes >&2
    cp -p "$FOLDER/backup.env" "$STACK_ENV_FILE"
    tar -C "$FOLDER" -xzpf "$FOLDER/backup.tgz"
    bash init.sh --native >/dev/null
    bash drill/run.sh --prove
    [[ $staff == ana@example.org* && $(bash init.sh --native staff list) == "$staff" ]] || fail "the accounts are not what they were"
    bash init.sh --native audit verify --head "$head" >/dev/null || fail "the record of who looked at what is not whole"
}

choose_ports
FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/jornada-drill.XXXXXX")
chmod 711 "$FOLDER" # the system may run as another user
export STACK_BASE_PORT STACK_LISTEN STACK_DATA=$FOLDER/stack STACK_ENV_FILE=$FOLDER/env
trap remove EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# What it prints holds the token of the staff.
bash init.sh --native >/dev/null
bash drill/run.sh --short "$@"
back_up_and_restore
say "-- the hostile client"
bash drill/hostile.sh --short
