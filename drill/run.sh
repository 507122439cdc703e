#!/usr/bin/env bash
# The failure drill: under a steady load of invented registrations through nginx, kills parts of the running native system
# one after the other. After each drill it verifies that every acknowledged registration is stored once, with its photo.
#
#   bash drill/run.sh [--short] [DRILL ...]   all drills, or those named (see DRILLS below)
#   bash drill/run.sh --prove                 no drill: verify that everything acknowledged in the last drills is still
#                                             stored, as after a restore from a backup
#
# The system must be running (bash init.sh --native) and is restored afterwards. The invented people are in a separate
# campaign, `simulacro`. Real requests are affected by the same faults; emptying Redis loses data that exists only there.
# Exit code 0: every goal is met.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=drill/system.sh
source drill/system.sh

# In order: name, fault, goal (see drill/judge.py), further arguments for the load.
DRILLS=(
    "instance       one_instance_dies         served"
    "two-instances  two_instances_die         served"
    "keyless        one_instance_dies         served --keyless"
    "rolling-update instances_are_updated     served"
    "primary        primary_dies              silence-5000"
    "redis          redis_dies_and_is_emptied served"
    "photo-store    object_store_is_down      served"
    "upload-memory  upload_memory_is_full     kept"
    "frozen-instance  an_instance_freezes     passed-by"
    "frozen-primary   primary_freezes         passed-by"
    "frozen-secondary a_secondary_freezes     passed-by"
    "frozen-redis     redis_freezes           passed-by"
    "frozen-photos    object_store_freezes    passed-by"
)

# Registrations a second; seconds before and after a fault; seconds for which parts stay down.
RATE=100 AROUND=3 AWAY_REDIS=5 AWAY_S3=20 FULL=10 SECONDS_FROZEN=15
# Longest page and registration in milliseconds while a part is frozen.
PASSED_BY=2500-6000
MAX_SECONDS=240 # for the load of one drill
LOAD_PID='' VISITS_PID=''

shorten() {
    RATE=40 AROUND=1 AWAY_REDIS=2 AWAY_S3=4 FULL=3 SECONDS_FROZEN=10
    # A test must not fail because the machine is busy: without passing by it would take as long as the freeze, or 25 s.
    PASSED_BY=5000-9000
}

# Runs the program with the settings of an instance: command and arguments.
jornada() {
    (cd "$STACK/app1" && as_owner "$STACK/bin/jornada" "$@")
}

# Starts the load of one drill: name, further arguments.
start_load() {
    local name=$1
    shift
    # The shell replaces itself by the program, so that its pid is the pid of the program.
    # shellcheck disable=SC2016 # for the inner shell
    (cd "$STACK/app1" && as_owner sh -c 'echo $$ >"$1" && shift && exec "$@"' load "$WORK/$name.pid" \
        "$STACK/bin/jornada" load run --to "$(site_url)" --journal "$WORK/$name.journal" --rate "$RATE" \
        --seconds "$MAX_SECONDS" "$@") >"$WORK/$name.summary" &
    LOAD_PID=$!
    sleep "$AROUND"
    kill -0 "$LOAD_PID" 2>/dev/null || fail "the load did not start"
}

# Continues the load for a while, stops it and waits until all people have a receipt: name.
stop_load() {
    sleep "$AROUND"
    kill -TERM "$(cat "$WORK/$1.pid")" || true
    wait "$LOAD_PID" || say "the load of $1 was aborted"
    LOAD_PID=
}

# Visits pages beside the load: name.
start_visits() {
    /usr/bin/python3 drill/visits.py "$(site_url)" "$WORK/$1.journal" >"$WORK/$1.visits" 2>"$WORK/$1.visiting" &
    VISITS_PID=$!
    wait_until "pages are visited" app1 test -s "$WORK/$1.visiting"
}

stop_visits() {
    [[ -n $VISITS_PID ]] || return 0
    kill -TERM "$VISITS_PID" 2>/dev/null || true
    wait "$VISITS_PID" || say "the visits were aborted"
    VISITS_PID=
}

# Runs one drill: name, fault, goal, further arguments for the load.
drill() {
    local name=$1 fault=$2 goal=$3
    shift 3
    [[ $goal != passed-by ]] || goal+=-$PASSED_BY
    say "-- $name"
    start_load "$name" "$@"
    [[ $goal != passed-by-* ]] || start_visits "$name"
    "$fault"
    stop_visits
    stop_load "$name"
    prove "$name" "$goal"
}

# Verifies the receipts of a drill's load, and adds its line to the table: name, goal.
prove() {
    local name=$1 goal=$2
    jornada load verify --to "$(site_url)" --journal "$WORK/$name.journal" --within 60 >"$WORK/$name.findings" ||
        say "the verification of $name failed"
    { /usr/bin/python3 drill/judge.py "$name" "$goal" "$WORK/$name.summary" "$WORK/$name.findings" "$WORK/$name.visits" || true; } |
        tee -a "$WORK/table" >&2
}

prepare() {
    find_system
    [[ $(site_url) == http://127.* ]] || fail "the drill uses plain HTTP on loopback, not $(site_url)" "STACK_LISTEN=0.0.0.0:8080, without a certificate"
    restore_system
    WORK=$STACK/drill
}

# Runs however the drill ends: stops the load and restores the system.
clean_up() {
    local code=$?
    trap - EXIT
    stop_visits
    if [[ -n $LOAD_PID ]]; then
        kill -TERM "$(cat "$WORK"/*.pid 2>/dev/null | tail -n 1)" 2>/dev/null || true
        wait "$LOAD_PID" || true
    fi
    restore_system
    exit "$code"
}

run_drills() {
    local line name chosen=$1
    recreate_folder "$WORK"
    for line in "${DRILLS[@]}"; do
        name=${line%% *}
        # shellcheck disable=SC2086 # split into words
        [[ $chosen != ' ' && $chosen != *" $name "* ]] || drill $line
    done
}

prove_again() {
    local journal
    : >"$WORK/table"
    for journal in "$WORK"/*.journal; do
        [[ -e $journal ]] || fail "no drill has been run" "bash drill/run.sh"
        prove "$(basename "$journal" .journal)" kept
    done
}

main() {
    local chosen=' ' again=
    while [[ $# -gt 0 ]]; do
        case $1 in
            --short) shorten ;;
            --prove) again=1 ;;
            -*) fail "unknown option: $1" "bash drill/run.sh [--short | --prove] [DRILL ...]" ;;
            *) chosen+="$1 " ;;
        esac
        shift
    done
    prepare
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    if [[ -n $again ]]; then prove_again; else run_drills "$chosen"; fi
    echo
    /usr/bin/python3 drill/judge.py
    cat "$WORK/table"
    ! grep -q MISSED "$WORK/table"
}

main "$@"
