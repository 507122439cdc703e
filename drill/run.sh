#!/usr/bin/env bash
# The failure drill: under a steady load of invented registrations through nginx, parts of the running native system are
# killed, one after the other; after each it is proven that what was acknowledged is kept once, with its photo.
#
#   bash drill/run.sh [--short] [DRILL ...]   all drills, or those named (see DRILLS below)
#   bash drill/run.sh --prove                 no drill: whether what the last drills acknowledged still stands, as after
#                                             a backup was restored
#
# The system must run (bash init.sh --native), is whole again afterwards, and keeps the invented people in a campaign of
# their own, `simulacro`. Real requests meet the same faults; emptying Redis drops what only it keeps. Exit code 0: every
# goal holds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=drill/system.sh
source drill/system.sh

# In their order: name, what is done, goal (see drill/judge.py), more words for the load.
DRILLS=(
    "instance       one_instance_dies       served"
    "two-instances  two_instances_die       served"
    "keyless        one_instance_dies       served --keyless"
    "rolling-update instances_are_updated   served"
    "primary        primary_dies            silence-5000"
    "redis          redis_dies_and_forgets  served"
    "photo-store    photo_store_is_away     served"
    "upload-memory  upload_memory_is_full   kept"
)

# Registrations a second; seconds before and after a fault; seconds for which parts stay away.
RATE=100 AROUND=3 AWAY_REDIS=5 AWAY_S3=20 FULL=10
SECONDS_AT_MOST=240 # for the load of one drill
LOAD_PID=

shorten() {
    RATE=40 AROUND=1 AWAY_REDIS=2 AWAY_S3=4 FULL=3
}

# Runs the program as an instance would, with its settings: role and arguments.
jornada() {
    (cd "$STACK/app1" && as_owner "$STACK/bin/jornada" "$@")
}

# Starts the load of one drill: name, more words.
begin_load() {
    local name=$1
    shift
    # The shell gives its own process to the program, so that the pid is that of the program.
    # shellcheck disable=SC2016 # for the inner shell
    (cd "$STACK/app1" && as_owner sh -c 'echo $$ >"$1" && shift && exec "$@"' load "$WORK/$name.pid" \
        "$STACK/bin/jornada" load run --to "$(site_url)" --journal "$WORK/$name.journal" --rate "$RATE" \
        --seconds "$SECONDS_AT_MOST" "$@") >"$WORK/$name.summary" &
    LOAD_PID=$!
    sleep "$AROUND"
    kill -0 "$LOAD_PID" 2>/dev/null || fail "the load did not start"
}

# Lets the load go on for a while, and waits until everyone has a receipt: name.
end_load() {
    sleep "$AROUND"
    kill -TERM "$(cat "$WORK/$1.pid")" || true
    wait "$LOAD_PID" || say "the load of $1 broke off"
    LOAD_PID=
}

# Runs one drill: name, fault, goal, more words for the load.
drill() {
    local name=$1 fault=$2 goal=$3
    shift 3
    say "-- $name"
    begin_load "$name" "$@"
    "$fault"
    end_load "$name"
    prove "$name" "$goal"
}

# Proves what the load of a drill was promised, and adds its line to the table: name, goal.
prove() {
    local name=$1 goal=$2
    jornada load verify --to "$(site_url)" --journal "$WORK/$name.journal" --within 60 >"$WORK/$name.findings" ||
        say "the proof of $name failed"
    { /usr/bin/python3 drill/judge.py "$name" "$goal" "$WORK/$name.summary" "$WORK/$name.findings" || true; } |
        tee -a "$WORK/table" >&2
}

prepare() {
    find_system
    [[ $(site_url) == http://127.* ]] || fail "the drill speaks plain HTTP on loopback, not $(site_url)" "STACK_LISTEN=0.0.0.0:8080, without a certificate"
    make_whole
    WORK=$STACK/drill
}

# Whatever ends the drill, no load goes on and the system is whole.
clean_up() {
    local code=$?
    trap - EXIT
    if [[ -n $LOAD_PID ]]; then
        kill -TERM "$(cat "$WORK"/*.pid 2>/dev/null | tail -n 1)" 2>/dev/null || true
        wait "$LOAD_PID" || true
    fi
    make_whole
    exit "$code"
}

run_drills() {
    local line name chosen=$1
    make_anew "$WORK"
    for line in "${DRILLS[@]}"; do
        name=${line%% *}
        # shellcheck disable=SC2086 # the line's words
        [[ $chosen != ' ' && $chosen != *" $name "* ]] || drill $line
    done
}

prove_again() {
    local journal
    : >"$WORK/table"
    for journal in "$WORK"/*.journal; do
        [[ -e $journal ]] || fail "no drill was run" "bash drill/run.sh"
        prove "$(basename "$journal" .journal)" kept
    done
}

main() {
    local chosen=' ' again=
    while [[ $# -gt 0 ]]; do
        case $1 in
            --short) shorten ;;
            --prove) again=1 ;;
            -*) fail "not understood: $1" "bash drill/run.sh [--short | --prove] [DRILL ...]" ;;
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
