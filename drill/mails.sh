# shellcheck shell=bash
# Mails, watchers and load of the watcher drill. Sourced by drill/watch.sh after drill/system.sh.

SETTLED=6 # seconds in which no further mail may arrive
SECONDS_TO_MAIL=90
declare -A WATCHERS=() PAGES=()
CATCHER_PID="" LOAD_PID="" MAILS="" SMTP_PORT="" TOOK=""
MISSED=()

miss() {
    say "MISSED: $*"
    MISSED+=("$*;")
}

free_port() {
    /usr/bin/python3 ops/free_ports.py 1
}

# --- The mail server

start_catcher() {
    /usr/bin/python3 drill/catcher.py "$SMTP_PORT" "$MAILS" &
    CATCHER_PID=$!
    wait_until "the mail server listens" supervisord smtp_answers
}

smtp_answers() {
    (exec 3<>"/dev/tcp/127.0.0.1/$SMTP_PORT") 2>/dev/null
}

stop_catcher() {
    [[ -n $CATCHER_PID ]] || return 0
    kill -TERM "$CATCHER_PID" 2>/dev/null || true
    wait "$CATCHER_PID" || true
    CATCHER_PID=
}

# Starts a mail server with a new file for the mails of one drill: its name.
reset_mails() {
    stop_catcher
    TOOK=
    DRILL=$1 RUN=$1-$EPOCHSECONDS
    MAILS=$WORK/$1.mails
    : >"$MAILS"
    SMTP_PORT=$(free_port)
    start_catcher
}

# Waits for a number of mails, and then checks that no further one arrives: count.
expect_mails() {
    local deadline=$((SECONDS + SECONDS_TO_MAIL)) count
    until (($(wc -l <"$MAILS") >= $1)); do
        ((SECONDS < deadline)) || { miss "only $(wc -l <"$MAILS") of $1 mails" && return 0; }
        sleep 0.2
    done
    sleep "$SETTLED"
    count=$(wc -l <"$MAILS")
    ((count == $1)) || miss "$count mails instead of $1"
}

# Waits until a watcher has no open incident; all mails after the first ones must report a recovery: watcher, first mails.
expect_back() {
    until_down "$1" 0
    sleep "$SETTLED"
    (($(wc -l <"$MAILS") > $2)) || miss "no mail reports the recovery"
    ! tail -n "+$(($2 + 1))" "$MAILS" | grep -qv " back" || miss "an unexpected mail"
}

mail_says() {
    sed -n "$1p" "$MAILS" | grep -qF "$2" || miss "mail $1 does not contain: $2"
}

# Checks that the first mail arrived in time: start (Unix time), seconds.
check_delay() {
    TOOK=$(/usr/bin/python3 -c 'import json, sys
print(round(json.loads(open(sys.argv[1]).readline() or "{\"at\": 1e12}")["at"] - float(sys.argv[2]), 1))' "$MAILS" "$1")
    /usr/bin/python3 -c 'import sys; sys.exit(float(sys.argv[1]) > float(sys.argv[2]))' "$TOOK" "$2" ||
        miss "the mail arrived after $TOOK s"
    TOOK="mail after $TOOK s"
}

# --- The watchers

# Starts a watcher with its own data folder; passes JORNADA_WATCH_GROUP on: name.
start_watcher() {
    local name=$1 port urls
    port=$(free_port)
    PAGES[$name]=http://127.0.0.1:$port
    # Its URLs differ from those of the system's watcher and of earlier drills: with the same URLs they would share the mails.
    urls=$(sed -n "s/^JORNADA_WATCH='\(.*\)'$/\1/p" "$STACK/watch/.env")
    urls="${urls//,//readyz?drill=$RUN,}/readyz?drill=$RUN"
    mkdir -p "$WORK/$DRILL-$name"
    sed -e "/^JORNADA_\(INSTANCE\|WATCH\|WATCH_ALSO\|WATCH_LISTEN\|WATCH_DATA\|SMTP\|MAIL_FROM\|MAIL_TO\)=/d" \
        "$STACK/watch/.env" >"$WORK/$DRILL-$name/.env"
    cat >>"$WORK/$DRILL-$name/.env" <<ENV
JORNADA_INSTANCE='$name'
JORNADA_WATCH='$urls'
JORNADA_WATCH_LISTEN='127.0.0.1:$port'
JORNADA_WATCH_DATA='$WORK/$DRILL-$name/data'
JORNADA_WATCH_GROUP='${JORNADA_WATCH_GROUP:-3s}'
JORNADA_SMTP='smtp://127.0.0.1:$SMTP_PORT'
JORNADA_MAIL_FROM='jornada@example.org'
JORNADA_MAIL_TO='admin@example.org'
ENV
    [[ $OWNER == "$(id -un)" ]] || chown -R "$OWNER:" "$WORK/$DRILL-$name"
    # shellcheck disable=SC2016 # for the inner shell, which replaces itself by the watcher
    (cd "$WORK/$DRILL-$name" && as_owner sh -c 'echo $$ >pid && exec "$@"' watch "$STACK/bin/jornada" watch) \
        >>"$WORK/$DRILL-$name.log" 2>&1 &
    WATCHERS[$name]=$!
    wait_until "the watcher $name has probed" "../drill-watch/$DRILL-$name" has_probed "$name"
}

status_of() {
    curl --silent --fail --max-time 3 "${PAGES[$1]}/status.json"
}

# Checks an expression over the status of a watcher: name, expression over `status`.
status_holds() {
    status_of "$1" | /usr/bin/python3 -c "import json, sys
status = json.load(sys.stdin)
sys.exit(not ($2))"
}

has_probed() {
    status_holds "$1" 'status["at"] and status["instances"]["up"] > 0'
}

sends() {
    status_holds "$1" 'status["sends"]'
}

# Waits until a watcher has a number of open incidents: watcher, count.
until_down() {
    wait_until "$1 has $2 open incidents" "../drill-watch/$DRILL-$1" \
        status_holds "$1" "sum(1 for one in status['targets'] if one['down_since']) == $2"
}

kill_watcher() {
    kill -KILL "$(cat "$WORK/$DRILL-$1/pid")" 2>/dev/null || true
    wait "${WATCHERS[$1]}" 2>/dev/null || true
    unset "WATCHERS[$1]"
}

end_watchers() {
    local name
    for name in "${!WATCHERS[@]}"; do kill_watcher "$name"; done
}

# --- The load

start_load() {
    # shellcheck disable=SC2016 # for the inner shell, which replaces itself by the program
    (cd "$STACK/app1" && as_owner sh -c 'echo $$ >"$1" && shift && exec "$@"' load "$WORK/load.pid" \
        "$STACK/bin/jornada" load run --to "$(site_url)" --journal "$WORK/journal" --rate "$RATE" --seconds 7200) \
        >"$WORK/load.summary" &
    LOAD_PID=$!
    sleep 1
    kill -0 "$LOAD_PID" 2>/dev/null || fail "the load did not start"
}

stop_load() {
    [[ -n $LOAD_PID ]] || return 0
    kill -TERM "$(cat "$WORK/load.pid")" 2>/dev/null || true
    wait "$LOAD_PID" || true
    LOAD_PID=
}
