# shellcheck shell=bash
# The whole system on this machine without Docker: each part a process under a supervisord of our own. Sourced by
# init.sh after ops/layout.sh.

SECONDS_TO_READY=60
STEP="" # what is being done, for the words of a failure

# --- Who runs it, and where its data lie

# Root owns nothing that listens: the parts run as a user of their own, whose data lie where that user can reach them.
choose_owner() {
    OWNER=$(id -un)
    STACK=${STACK_DATA:-$PWD/data/stack}
    if [[ $(id -u) -eq 0 ]]; then
        OWNER=jornada
        STACK=${STACK_DATA:-/var/lib/jornada}
    fi
    [[ $STACK =~ ^/[A-Za-z0-9._/+-]+$ && ${#STACK} -lt 80 ]] ||
        fail "$STACK cannot hold the data: a short full path of plain letters is needed" "STACK_DATA=/srv/jornada bash init.sh"
}

make_owner() {
    [[ $OWNER == "$(id -un)" ]] || id "$OWNER" >/dev/null 2>&1 ||
        useradd --system --user-group --home-dir "$STACK" --no-create-home --shell /usr/sbin/nologin "$OWNER" ||
        fail "cannot make the user $OWNER" "useradd --system $OWNER"
}

# Runs a command as the owner with nothing of this shell's environment, so that no setting of it reaches an instance.
as_owner() {
    local drop=()
    [[ $OWNER == "$(id -un)" ]] || drop=(setpriv "--reuid=$OWNER" "--regid=$OWNER" --clear-groups)
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$STACK" LANG=C.UTF-8 \
        "${drop[@]}" "$@" 9>&-
}

# --- What must be there first

# Debian starts some servers as soon as they are installed; ours run under our own supervisord.
install_quietly() {
    local package missing=()
    for package in "$@"; do is_installed "$package" || missing+=("$package"); done
    need_packages "$@"
    [[ -d /run/systemd/system ]] || return 0
    for package in "${missing[@]}"; do
        as_root systemctl disable --quiet --now "$package" 2>/dev/null || true
    done
}

install_parts() {
    mkdir -p "$TOOLS"
    need_command curl curl
    install_quietly nginx redis-server supervisor python3 python3-pymongo
    need_mongod
    need_weed
}

build() {
    need_command cc build-essential
    command -v cargo >/dev/null || fail "there is no cargo, which builds the program" "see https://rustup.rs"
    cargo build --quiet --release --locked >&2 || fail "the program does not build" "cargo build --release --locked"
}

# --- supervisord

ctl() {
    as_owner /usr/bin/supervisorctl -c "$STACK/supervisord.conf" "$@"
}

supervisord_pid() {
    local pid
    pid=$(cat "$STACK/run/supervisord.pid" 2>/dev/null) && [[ -n $pid ]] || return 1
    [[ -r /proc/$pid/cmdline && $(tr '\0' ' ' <"/proc/$pid/cmdline") == *"$STACK/supervisord.conf"* ]] && echo "$pid"
}

# Processes of the stack: each works in a folder of its own below $STACK, whoever started it.
own_processes() {
    local process folder
    for process in /proc/[0-9]*; do
        folder=$(readlink "$process/cwd" 2>/dev/null) || continue
        [[ $folder == "$STACK"/* ]] && echo "${process#/proc/}"
    done
    return 0
}

# A supervisord that was killed leaves its children; they would hold the ports and the data.
end_leftovers() {
    local pid left deadline=$((SECONDS + 40))
    left=$(own_processes)
    [[ -n $left ]] || return 0
    say "ending processes that an earlier run left: ${left//$'\n'/ }"
    for pid in $left; do kill -TERM "$pid" 2>/dev/null || true; done
    while [[ -n $(own_processes) ]] && ((SECONDS < deadline)); do sleep 0.2; done
    for pid in $(own_processes); do kill -KILL "$pid" 2>/dev/null || true; done
}

check_ports() {
    local port
    for port in "${ALL_PORTS[@]}"; do
        /usr/bin/python3 ops/free_ports.py --is-free "$port" ||
            fail "port $port is taken by another program" "STACK_BASE_PORT=6000 STACK_LISTEN=0.0.0.0:8088 bash init.sh"
    done
}

start_supervisord() {
    end_leftovers
    check_ports
    rm -f "$STACK/run/supervisor.sock"
    STARTED_HERE=1
    as_owner /usr/bin/supervisord -c "$STACK/supervisord.conf" || fail "supervisord does not start" "cat $STACK/log/supervisord.log"
    until_true "supervisord answers" supervisord ctl pid
}

# Repeats a command until it succeeds: claim, name of the log to show otherwise, command...
until_true() {
    local claim=$1 log=$2 deadline=$((SECONDS + SECONDS_TO_READY))
    shift 2
    until "$@" >"$STACK/log/last-try" 2>&1; do
        if ((SECONDS > deadline)); then
            tail -n 15 "$STACK/log/$log.log" >&2 || true
            say "the last try said: $(tail -n 3 "$STACK/log/last-try")"
            fail "after $SECONDS_TO_READY s it is still not true: $claim" "look into $STACK/log/$log.log"
        fi
        sleep 0.2
    done
}

# --- The parts, in the order in which they need each other

start_stores() {
    local addresses
    ctl start "stores:*" >/dev/null || fail "a store does not start" "bash init.sh status; look into $STACK/log"
    mapfile -t addresses < <(members)
    MONGODB_ADMIN_PASSWORD=$STACK_MONGODB_ADMIN_PASSWORD MONGODB_PASSWORD=$STACK_MONGODB_PASSWORD \
        /usr/bin/python3 ops/replica_set.py "${addresses[@]}" || fail "MongoDB takes no writes" "look into $STACK/log/mongod1.log"
    until_true "Redis answers" redis redis_works
    until_true "the photo store keeps an object" weed \
        s3_works "http://127.0.0.1:${PORTS[s3]}" "$STACK_S3_ACCESS_KEY" "$STACK_S3_SECRET_KEY"
}

redis_works() {
    [[ $(REDISCLI_AUTH=$STACK_REDIS_PASSWORD redis-cli -h 127.0.0.1 -p "${PORTS[redis]}" ping) == PONG ]]
}

is_ready() {
    curl --silent --fail --output /dev/null --max-time 3 "http://127.0.0.1:${PORTS[ops${1#app}]}/readyz"
}

# What an instance was started from.
stamp() {
    cat "$STACK/bin/jornada" "$STACK/$1/.env" "$STACK"/campaigns/* | sha256sum
}

is_running() {
    [[ $RUNNING == *" $1 "* ]]
}

# One after the other, each only when the one before is ready: a new version comes in without anyone noticing.
start_instances() {
    local name fresh=()
    RUNNING=" $({ ctl status || true; } | awk '$2 == "RUNNING" { print $1 }' | paste -sd' ') "
    for name in "${INSTANCES[@]}"; do is_running "app:$name" || fresh+=("app:$name"); done
    [[ ${#fresh[@]} -lt ${#INSTANCES[@]} ]] || fresh=("app:*")
    [[ ${#fresh[@]} -eq 0 ]] || ctl start "${fresh[@]}" >/dev/null || fail "an instance does not start" "look into $STACK/log/app1.log"
    for name in "${INSTANCES[@]}"; do
        if [[ ${#fresh[@]} -eq 0 && $(stamp "$name") != "$(cat "$STACK/$name/stamp")" ]]; then
            say "restarting $name with what is new"
            ctl restart "app:$name" >/dev/null || fail "$name does not start" "look into $STACK/log/$name.log"
        fi
        until_true "$name is ready" "$name" is_ready "$name"
        stamp "$name" | lay "$name/stamp"
    done
}

start_nginx() {
    local now
    # Its access log is /dev/stdout, which another user could not open if it were this shell's.
    as_owner /usr/sbin/nginx -e stderr -q -p "$STACK/nginx" -c "$STACK/nginx/nginx.conf" -t >/dev/null ||
        fail "nginx refuses its settings" "nginx -p $STACK/nginx -c $STACK/nginx/nginx.conf -t"
    now=$(cat "$STACK"/nginx/nginx.conf "$STACK"/nginx/here/* | sha256sum)
    if ! is_running door:nginx; then
        ctl start "door:*" >/dev/null || fail "nginx does not start" "look into $STACK/log/nginx.log"
    elif [[ $now != "$(cat "$STACK/nginx/stamp" 2>/dev/null)" ]]; then
        say "nginx reads its new settings"
        ctl signal HUP door:nginx >/dev/null
    fi
    lay nginx/stamp <<<"$now"
}

native_token() {
    choose_owner
    (cd "$STACK/app1" && as_owner "$STACK/bin/jornada" token new "$1")
}

native_staff() {
    choose_owner
    local url=${STACK_PUBLIC_URL:-$(site_url)}
    (cd "$STACK/app1" && as_owner env "JORNADA_PUBLIC_URL=$url" "$STACK/bin/jornada" staff "$@")
}

# --- The verbs

# Whatever stopped a start, nothing that this start brought up stays.
undo_start() {
    local code=$?
    [[ $code -eq 0 ]] && return 0
    if [[ ${STARTED_HERE:-} ]]; then
        say "not started ($STEP); stopping what was started"
        native_stop >/dev/null 2>&1
    elif [[ -n $STEP ]]; then
        say "stopped at: $STEP"
    fi
    exit "$code"
}

native_up() {
    local token
    choose_owner
    trap undo_start EXIT
    STEP="installing" && install_parts
    STEP="building" && build
    settle
    number_ports
    make_owner
    mkdir -p "$STACK/run"
    chmod 700 "$STACK"
    exec 9>"$STACK/run/lock"
    flock --nonblock 9 || fail "another init.sh is at work here" "wait for it"
    STEP="writing the settings" && lay_all
    if supervisord_pid >/dev/null; then ctl update >/dev/null; else STEP="starting supervisord" && start_supervisord; fi
    STEP="starting the stores" && start_stores
    STEP="starting the instances" && start_instances
    STEP="starting nginx" && start_nginx
    STEP="proving that it works"
    until_true "a registration can be made and read back at $(site_url)" app1 registration_works "$(site_url)"
    STEP="making the first token" && token=$(first_token native_token)
    trap - EXIT
    tell "$STACK/log" "bash init.sh --native ctl help" "$token"
}

native_status() {
    local name bad=0
    choose_owner
    settle
    number_ports
    supervisord_pid >/dev/null || { say "it does not run (data: $STACK)" && return 3; }
    ctl status || bad=1
    for name in "${INSTANCES[@]}"; do
        if is_ready "$name"; then echo "$name ready"; else echo "$name NOT ready" && bad=1; fi
    done
    if registration_works "$(site_url)" >/dev/null; then
        echo "$(site_url) takes registrations"
    else
        echo "$(site_url) takes NO registrations" && bad=1
    fi
    return "$bad"
}

native_stop() {
    local pid
    choose_owner
    if pid=$(supervisord_pid); then
        say "stopping; requests in flight finish"
        for name in door app stores; do ctl stop "$name:*" >/dev/null || true; done
        ctl shutdown >/dev/null || kill -TERM "$pid"
        while [[ -d /proc/$pid ]]; do sleep 0.1; done
    fi
    end_leftovers
    say "stopped; the data stay in $STACK"
}

native_down() {
    choose_owner
    [[ -f $STACK/.jornada-stack ]] || fail "there is no system of ours in $STACK" "bash init.sh"
    confirm "$STACK, with every registration and photo"
    native_stop
    # The folder itself may be a mount, or /var/lib/jornada of a package.
    find "$STACK" -mindepth 1 -delete
    rmdir "$STACK" 2>/dev/null || true
    keep STACK_STAFF_TOKEN
    say "removed; the other secrets stay in $ENV_FILE"
}
