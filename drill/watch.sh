#!/usr/bin/env bash
# The drill of the alerter: under load, instances of the running native system are killed, and watchers, and the mail
# server; counted are the mails that a real SMTP server took.
#
#   bash drill/watch.sh [--short] [DRILL ...]   all drills, or those named (see DRILLS below)
#
# The watchers of the drill are its own, with the settings of the system's but for the mail server; the system's own
# watch has planned maintenance meanwhile, so that nobody is woken. Exit code 0: every goal holds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=drill/system.sh
source drill/system.sh
# shellcheck source=drill/mails.sh
source drill/mails.sh

# In their order.
DRILLS=(one-instance watcher-dies smtp-away flapping two-watchers all-instances)

AWAY_SMTP=300 RATE=40
MOST_SECONDS=12 # from the kill to the mail that SMTP took

one_instance() {
    local killed
    watch_with one
    strike_down app:app2
    killed=$STRUCK
    expect_mails 1 && mail_says 1 "app2 is down (2 of 3 left)"
    within "$killed" "$MOST_SECONDS"
    bring_back app2
    expect_mails 2 && mail_says 2 "app2 is back"
}

# Killed after it has raised, before it has sent: a long time for gathering keeps the mail back.
watcher_dies() {
    JORNADA_WATCH_GROUP=15s watch_with one
    strike_down app:app2
    until_down one 1
    kill_watcher one
    expect_mails 0
    JORNADA_WATCH_GROUP=15s watch_with one
    expect_mails 1 && mail_says 1 "app2 is down"
    bring_back app2
    expect_mails 2 && mail_says 2 "app2 is back"
}

smtp_away() {
    watch_with one
    stop_catcher
    strike_down app:app3
    until_down one 1
    bring_back app3
    until_down one 0
    sleep "$AWAY_SMTP"
    start_catcher
    expect_mails 2 && mail_says 1 "app3 is down" && mail_says 2 "app3 is back"
}

flapping() {
    local flap
    watch_with one
    for flap in {1..10}; do
        say "flap $flap"
        strike_down app:app1
        sleep 2.5
        ctl start app:app1 >/dev/null
        sleep 1
    done
    ready_again app1
    expect_mails 2 && mail_says 1 "app1 is down" && mail_says 2 "app1 is back"
}

two_watchers() {
    watch_with one
    watch_with two
    strike_down app:app2
    until_down one 1
    until_down two 1
    expect_mails 1
    # The one that sends dies.
    if sends one; then kill_watcher one; else kill_watcher two; fi
    expect_mails 1
    bring_back app2
    expect_mails 2 && mail_says 2 "app2 is back"
}

all_instances() {
    local name pids=()
    watch_with one
    for name in "${INSTANCES[@]}"; do pids+=("$(pid_of "app:$name")"); done
    # At one moment: supervisord takes longer to be asked of three than incidents may lie apart.
    kill -KILL "${pids[@]}"
    ctl stop "app:*" >/dev/null
    expect_mails 1 && mail_says 1 "ALL instances are down"
    bring_back "${INSTANCES[@]}"
    # They come back one after the other, each as fast as it can.
    expect_back one 1
}

bring_back() {
    local name
    for name in "$@"; do ctl start "app:$name" >/dev/null; done
    ready_again "$@"
}

# Runs one drill on mails and watchers of its own, and prints its line.
drill() {
    local name=$1 begun=$SECONDS
    say "-- $name"
    MISSED=()
    begin_mails "$name"
    "${name//-/_}"
    end_watchers
    make_whole
    printf '%-15s %4d s  %s  %s\n' "$name" "$((SECONDS - begun))" "${TOOK:-}" "${MISSED[*]:+MISSED: ${MISSED[*]}}" |
        tee -a "$WORK/table" >&2
}

prepare() {
    find_system
    need_packages python3-aiosmtpd
    make_whole
    WORK=$STACK/drill-watch
    make_anew "$WORK"
    (cd "$STACK/watch" && as_owner "$STACK/bin/jornada" watch --pause 2h --reason "simulacro / drill") >&2
}

clean_up() {
    local code=$?
    trap - EXIT
    end_watchers
    stop_catcher
    stop_load
    make_whole
    (cd "$STACK/watch" && as_owner "$STACK/bin/jornada" watch --resume) >&2 || true
    exit "$code"
}

main() {
    local name chosen=' '
    while [[ $# -gt 0 ]]; do
        case $1 in
            --short) AWAY_SMTP=10 RATE=20 ;;
            -*) fail "not understood: $1" "bash drill/watch.sh [--short] [DRILL ...]" ;;
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
