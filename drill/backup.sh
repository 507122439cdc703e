#!/usr/bin/env bash
# The drill of backups: backs the running native system up under load, kills a backup, erases one person, removes the system
# with all data and restores it. Verifies that every receipt of before the backup stands with photo and count, that nobody
# erased is back, and that accounts and audit log are the same. Called by drill/fresh.sh, whose system it replaces.
#
#   bash drill/backup.sh FOLDER        a folder beside the data, which the system's user may write to
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=drill/system.sh
source drill/system.sh
# shellcheck source=ops/probe.sh
source ops/probe.sh

RATE=40
SECONDS_OF_LOAD=240
LOAD_PID=

jornada() {
    (cd "$STACK/app1" && as_owner "$STACK/bin/jornada" "$@")
}

# Registers a person and prints the receipt: document.
register() {
    base64 -d <<<"$PROBE_PHOTO" | curl --silent --show-error --fail --max-time 30 --form nombre="Ana Ejemplo" --form "documento=$1" \
        --form ciudad=Cali --form "foto=@-;filename=a.png;type=image/png" \
        "$(site_url)/api/v1/campaigns/simulacro/registrations" | sed -n 's/.*"receipt":"\([^"]*\)".*/\1/p'
}

# Prints the status of a receipt.
status_of() {
    curl --silent --max-time 10 --output /dev/null --write-out '%{http_code}' "$(site_url)/r/$1"
}

start_load() {
    # shellcheck disable=SC2016 # for the inner shell
    (cd "$STACK/app1" && as_owner sh -c 'echo $$ >"$1" && shift && exec "$@"' load "$WORK/load.pid" \
        "$STACK/bin/jornada" load run --to "$(site_url)" --journal "$WORK/load.journal" --rate "$RATE" \
        --seconds "$SECONDS_OF_LOAD") >"$WORK/load.summary" &
    LOAD_PID=$!
    sleep 3
    kill -0 "$LOAD_PID" 2>/dev/null || fail "the load did not start"
}

stop_load() {
    [[ -n $LOAD_PID ]] || return 0
    kill -TERM "$(cat "$WORK/load.pid")" || true
    wait "$LOAD_PID" || say "the load was aborted"
    LOAD_PID=
}

# Kills a backup while it copies photos. The next one must not mind.
kill_a_backup() {
    local code=0
    # shellcheck disable=SC2016 # for the inner shell
    (cd "$STACK/app1" && as_owner timeout --signal=KILL 0.4 "$STACK/bin/jornada" backup "$WORK/backups") >/dev/null 2>&1 || code=$?
    say "killed a backup (exit code $code)"
}

back_up_under_load() {
    start_load
    # Everything in this journal was acknowledged before the backup began.
    cp "$WORK/load.journal" "$WORK/before.journal"
    give_to_owner "$WORK/before.journal"
    [[ $(wc -l <"$WORK/before.journal") -gt 10 ]] || fail "nothing was acknowledged before the backup"
    kill_a_backup
    bash init.sh --native backup "$WORK/backups" >&2
    # Erased after the backup: only the list knows it.
    jornada erase "$1" --reason "drill of backups" >/dev/null
    bash init.sh --native backup "$WORK/backups" --only-erased >&2
    sleep 1
    stop_load
}

prove() {
    jornada load verify --to "$(site_url)" --journal "$WORK/before.journal" --within 60 >"$WORK/findings" || true
    /usr/bin/python3 drill/judge.py
    /usr/bin/python3 drill/judge.py backup served "$WORK/load.summary" "$WORK/findings"
}

main() {
    local kept erased staff head
    find_system
    WORK=$1
    recreate_folder "$WORK"
    trap stop_load EXIT
    cp -rp "$STACK/drill" "$WORK/former"
    kept=$(register 70000001) erased=$(register 70000002)
    [[ -n $kept && -n $erased ]] || fail "cannot register"
    bash init.sh --native staff add ana@example.org --role clerk --place Cali >/dev/null
    staff=$(bash init.sh --native staff list)
    head=$(bash init.sh --native audit verify)
    back_up_under_load "$erased"
    cp -p "$ENV_FILE" "$WORK/env"
    bash init.sh --native down --yes >&2
    cp -p "$WORK/env" "$ENV_FILE"
    bash init.sh --native restore "$WORK/backups" >&2
    find_system
    prove
    cp -rp "$WORK/former" "$STACK/drill"
    give_to_owner "$STACK/drill"
    bash drill/run.sh --prove
    [[ $(status_of "$kept") == 200 ]] || fail "the receipt of a registration is gone"
    [[ $(status_of "$erased") != 200 ]] || fail "an erased person is back"
    jornada erased export | grep -q . || fail "the erased are not listed"
    [[ $staff == ana@example.org* && $(bash init.sh --native staff list) == "$staff" ]] || fail "the accounts have changed"
    bash init.sh --native audit verify --head "$head" >/dev/null || fail "the audit log is not intact"
}

main "$@"
