#!/usr/bin/env bash
# The failure drill of votes: under a steady load of invented votes through nginx, breaks the queue, its consumers and the
# store of the running native system one after the other. After each drill it verifies that every acknowledged vote is stored
# once, that nothing else is stored, and that every instance counts what is stored.
#
#   bash drill/votes.sh [--short] [DRILL ...]   all drills, a few short ones, or those named (see DRILLS below)
#
# The system must be running with a queue (STACK_QUEUE=redis or kafka) and is restored afterwards; the votes are of a separate
# campaign, ops/votes.toml, and are erased. Real requests are affected by the same faults. Exit code 0: every goal is met.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=drill/system.sh
source drill/system.sh
# shellcheck source=ops/probe.sh
source ops/probe.sh
# shellcheck source=drill/queue_faults.sh
source drill/queue_faults.sh

# In order: name, fault, goal (see drill/votes.py), the queue if there is only one that it applies to.
DRILLS=(
    "instance         one_instance_dies          served"
    "consumer         consumers_die              served"
    "queue            queue_dies                 served"
    "primary          primary_dies               served"
    "cache            redis_dies_and_is_emptied  served"
    "instance-frozen  an_instance_freezes        served"
    "consumer-frozen  consumers_freeze           served"
    "queue-frozen     queue_freezes              silence-5000"
    "primary-frozen   primary_freezes            served"
    "scaled           consumers_are_scaled       served"
    "garbage          garbage_is_written         served"
    "memory-full      memory_is_full             served redis"
    "disk-full        disk_is_full               served"
    "store-away       store_is_away              served"
    "queue-away       queue_is_away              served"
    "both-away        store_and_queue_are_away   refused"
)
declare -A SHORT=([redis]=" queue garbage both-away " [kafka]=" consumer queue-frozen store-away ")

CAMPAIGN=simulacro-votos
# Votes a second; seconds before and after a fault; of the faults; kills of each consumer.
RATE=600 AROUND=3 SECONDS_FROZEN=15 SECONDS_AWAY=60 SECONDS_FULL=10 AWAY_REDIS=5 KILLS=5
SECONDS_TO_CATCH_UP=180
SECONDS_TO_READY=180 # MongoDB replays what its members had not written when they were killed
MAX_LETTERS=1000
LOAD_PID=

shorten() {
    RATE=300 AROUND=1 SECONDS_FROZEN=6 SECONDS_AWAY=8 SECONDS_FULL=4 AWAY_REDIS=2 KILLS=2
}

# --- The load

# Starts the load of one drill: name.
start_load() {
    /usr/bin/python3 -B drill/votes.py load "$(site_url)" "$WORK/token" "$WORK/$1.ledger" "$1-$EPOCHSECONDS" "$RATE" \
        >"$WORK/$1.summary" &
    LOAD_PID=$!
    sleep "$AROUND"
    kill -0 "$LOAD_PID" 2>/dev/null || fail "the load did not start"
}

# Stops the load and waits until its votes are acknowledged.
stop_load() {
    [[ -n $LOAD_PID ]] || return 0
    kill -TERM "$LOAD_PID" 2>/dev/null || true
    wait "$LOAD_PID" || say "the load was aborted"
    LOAD_PID=
}

# --- One drill

# Prints the ids of the dead letters in the store, sorted.
dead_letters() {
    native_program dead-letters list --limit "$MAX_LETTERS" | cut -d' ' -f1 | sort
}

# Checks that there are as many new dead letters as records of garbage, and drops them.
check_dead_letters() {
    local letters
    dead_letters >"$WORK/letters.now"
    mapfile -t letters < <(comm -13 "$WORK/letters" "$WORK/letters.now")
    [[ ${#letters[@]} -eq $GARBAGE ]] || NOTE+="${#letters[@]} dead letters instead of $GARBAGE; "
    GARBAGE=0
    [[ ${#letters[@]} -eq 0 ]] || native_program dead-letters drop "${letters[@]}" >&2
}

# Runs one drill: name, fault, goal.
drill() {
    local name=$1 fault=$2 goal=$3 instances=() instance end empty_after
    say "-- $name"
    NOTE="" SKIPPED=""
    start_load "$name"
    "$fault"
    end=$SECONDS
    sleep "$AROUND"
    stop_load
    wait_until_empty "$STACK_QUEUE" "$SECONDS_TO_CATCH_UP" || NOTE+="votes are left in the queue; "
    empty_after=$((SECONDS - end))
    check_dead_letters
    for instance in "${INSTANCES[@]}"; do instances+=("http://127.0.0.1:${PORTS[$instance]}"); done
    native_program votes export "$CAMPAIGN" >"$WORK/export"
    if [[ -n $SKIPPED ]]; then printf '%-16s skipped: %s\n' "$name" "$SKIPPED"; else
        /usr/bin/python3 -B drill/votes.py compare "$name" "$goal" "$WORK/$name.summary" "$WORK/$name.ledger" "$WORK/export" \
            "$empty_after" "$NOTE" "${instances[@]}" || true
    fi | tee -a "$WORK/table" >&2
    native_program votes erase "$CAMPAIGN" --yes >&2
}

# --- All

prepare() {
    find_system
    [[ $STACK_QUEUE != direct ]] || fail "the system has no queue of votes" "STACK_QUEUE=redis bash init.sh --native"
    [[ $(site_url) == http://127.* ]] || fail "the drill uses plain HTTP on loopback, not $(site_url)" "STACK_LISTEN=0.0.0.0:8080, without a certificate"
    choose_queues
    SERVER=$(queue_server "$STACK_QUEUE")
    CONSUMERS_BEFORE=$STACK_CONSUMERS
    restore_queue
    WORK=$STACK/drill-votes
    recreate_folder "$WORK"
    (umask 077 && native_program token new "drill of votes" --scope votes --days 1 >"$WORK/token")
    native_program votes erase "$CAMPAIGN" --yes >&2
    dead_letters >"$WORK/letters"
    : >"$WORK/table"
}

# Runs however the drill ends: ends the load and the fault, and erases the votes.
clean_up() {
    local code=$?
    trap - EXIT
    thaw
    stop_load
    restore_queue
    wait_until_empty "$STACK_QUEUE" "$SECONDS_TO_EMPTY" || true
    native_program votes erase "$CAMPAIGN" --yes >&2 || true
    rm -f "$WORK/token" "$WORK/export"
    exit "$code"
}

main() {
    local chosen=' ' line name fault goal queue
    while [[ $# -gt 0 ]]; do
        case $1 in
            --short) shorten && SHORTENED=1 ;;
            -*) fail "unknown option: $1" "bash drill/votes.sh [--short] [DRILL ...]" ;;
            *) chosen+="$1 " ;;
        esac
        shift
    done
    prepare
    [[ $chosen != ' ' || -z ${SHORTENED:-} ]] || chosen=${SHORT[$STACK_QUEUE]}
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    for line in "${DRILLS[@]}"; do
        read -r name fault goal queue <<<"$line"
        [[ $chosen == ' ' || $chosen == *" $name "* ]] || continue
        [[ -z $queue || $queue == "$STACK_QUEUE" ]] || continue
        drill "$name" "$fault" "$goal"
    done
    echo
    /usr/bin/python3 -B drill/votes.py head
    cat "$WORK/table"
    ! grep -q MISSED "$WORK/table"
}

main "$@"
