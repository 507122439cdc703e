#!/usr/bin/env bash
# The drill of the watcher: under load, kills instances of the running native system, watchers and the mail server, and
# counts the mails that a real SMTP server accepted.
#
#   bash drill/watch.sh [--short] [DRILL ...]   all drills, or those named (see DRILLS below)
#
# The drill uses its own watchers, with the settings of the system's watcher except the mail server. The system's watcher is
# in maintenance meanwhile, so that nobody gets a real alert. Exit code 0: every goal is met.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=drill/system.sh
source drill/system.sh
# shellcheck source=drill/mails.sh
source drill/mails.sh

# In order.
DRILLS=(one-instance watcher-dies smtp-away flapping two-watchers all-instances)

AWAY_SMTP=300 RATE=40
MAX_SECONDS=12 # from the kill to the acceptance of the mail

one_instance() {
    local killed
    start_watcher one
    kill_and_stop app:app2
    killed=$KILLED_AT
    expect_mails 1 && mail_says 1 "app2 is down (2 of 3 left)"
    check_delay "$killed" "$MAX_SECONDS"
    bring_back app2
    expect_mails 2 && mail_says 2 "app2 is back"
}

# Kills the watcher after it raised the incident and before it sent the mail, which a long grouping time delays.
watcher_dies() {
    JORNADA_WATCH_GROUP=15s start_watcher one
    kill_and_stop app:app2
    until_down one 1
    kill_watcher one
    expect_mails 0
    JORNADA_WATCH_GROUP=15s start_watcher one
    expect_mails 1 && mail_says 1 "app2 is down"
    bring_back app2
    expect_mails 2 && mail_says 2 "app2 is back"
}

smtp_away() {
    start_watcher one
    stop_catcher
    kill_and_stop app:app3
    until_down one 1
    bring_back app3
    until_down one 0
    sleep "$AWAY_SMTP"
    start_catcher
    expect_mails 2 && mail_says 1 "app3 is down" && mail_says 2 "app3 is back"
}

flapping() {
    local flap
    start_watcher one
    for flap in {1..10}; do
        say "flap $flap"
        kill_and_stop app:app1
        sleep 2.5
        ctl start app:app1 >/dev/null
        sleep 1
    done
    wait_until_ready app1
    expect_mails 2 && mail_says 1 "app1 is down" && mail_says 2 "app1 is back"
}

two_watchers() {
    start_watcher one
    start_watcher two
    kill_and_stop app:app2
    until_down one 1
    until_down two 1
    expect_mails 1
    # Kills the leader, which sends.
    if sends one; then kill_watcher one; else kill_watcher two; fi
    expect_mails 1
    bring_back app2
    expect_mails 2 && mail_says 2 "app2 is back"
}

all_instances() {
    local name pids=()
    start_watcher one
    for name in "${INSTANCES[@]}"; do pids+=("$(pid_of "app:$name")"); done
    # At the same time: stopping three by supervisord takes longer than the grouping time of incidents.
    kill -KILL "${pids[@]}"
    ctl stop "app:*" >/dev/null
    expect_mails 1 && mail_says 1 "ALL instances are down"
    bring_back "${INSTANCES[@]}"
    # They recover one after the other.
    expect_back one 1
}

bring_back() {
    local name
    for name in "$@"; do ctl start "app:$name" >/dev/null; done
    wait_until_ready "$@"
}

# Runs one drill with its own mails and watchers, and prints its line.
drill() {
    local name=$1 start=$SECONDS
    say "-- $name"
    MISSED=()
    reset_mails "$name"
    "${name//-/_}"
    end_watchers
    restore_system
    printf '%-15s %4d s  %s  %s\n' "$name" "$((SECONDS - start))" "${TOOK:-}" "${MISSED[*]:+MISSED: ${MISSED[*]}}" |
        tee -a "$WORK/table" >&2
}

prepare() {
    find_system
    need_packages python3-aiosmtpd
    restore_system
    WORK=$STACK/drill-watch
    recreate_folder "$WORK"
    (cd "$STACK/watch" && as_owner "$STACK/bin/jornada" watch --pause 2h --reason "simulacro / drill") >&2
}

clean_up() {
    local code=$?
    trap - EXIT
    end_watchers
    stop_catcher
    stop_load
    restore_system
    (cd "$STACK/watch" && as_owner "$STACK/bin/jornada" watch --resume) >&2 || true
    exit "$code"
}

main() {
    local name chosen=' '
    while [[ $# -gt 0 ]]; do
        case $1 in
            --short) AWAY_SMTP=10 RATE=20 ;;
            -*) fail "unknown option: $1" "bash drill/watch.sh [--short] [DRILL ...]" ;;
            *) chosen+="$1 " ;;
        esac
        shift
    done
    prepare
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    start_load
    for name in "${DRILLS[@]}"; do
        [[ $chosen != ' ' && $chosen != *" $name "* ]] || drill "$name"
    done
    echo
    cat "$WORK/table"
    ! grep -q MISSED "$WORK/table"
}

main "$@"
