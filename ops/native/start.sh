# shellcheck shell=bash
# Starts the parts of the native system in the order of their dependencies. Sourced by ops/native.sh.

start_stores() {
    local addresses
    ctl start "stores:*" >/dev/null || fail "a store does not start" "bash init.sh status; look into $STACK/log"
    mapfile -t addresses < <(members)
    MONGODB_ADMIN_PASSWORD=$STACK_MONGODB_ADMIN_PASSWORD MONGODB_PASSWORD=$STACK_MONGODB_PASSWORD \
        MONGODB_MONITOR_PASSWORD=$STACK_MONGODB_MONITOR_PASSWORD \
        /usr/bin/python3 ops/replica_set.py "${addresses[@]}" || fail "MongoDB accepts no writes" "look into $STACK/log/mongod1.log"
    wait_until "Redis answers" redis redis_works
    wait_until "the object store stores an object" weed \
        s3_works "http://127.0.0.1:${PORTS[s3]}" "$STACK_S3_ACCESS_KEY" "$STACK_S3_SECRET_KEY"
}

redis_works() {
    [[ $(REDISCLI_AUTH=$STACK_REDIS_PASSWORD redis-cli -h 127.0.0.1 -p "${PORTS[redis]}" ping) == PONG ]]
}

is_ready() {
    curl --silent --fail --output /dev/null --max-time 3 "http://127.0.0.1:${PORTS[ops${1#app}]}/readyz"
}

# Prints a checksum of everything from which an instance is started: name.
fingerprint() {
    cat "$STACK/bin/jornada" "$STACK/$1/.env" "$STACK"/campaigns/* | sha256sum
}

is_running() {
    [[ $RUNNING == *" $1 "* ]]
}

read_running() {
    RUNNING=" $({ ctl status || true; } | awk '$2 == "RUNNING" { print $1 }' | paste -sd' ') "
}

# Starts instances or consumers, and restarts changed ones one after the other, each when the previous one is ready: an
# update without downtime. The group followed by a colon, or an empty text; names.
start_in_turn() {
    local group=$1 name fresh=()
    shift
    read_running
    for name in "$@"; do is_running "$group$name" || fresh+=("$group$name"); done
    # As a group they start in parallel.
    [[ -z $group || ${#fresh[@]} -lt $# ]] || fresh=("$group*")
    [[ ${#fresh[@]} -eq 0 ]] || ctl start "${fresh[@]}" >/dev/null || fail "${fresh[*]} does not start" "look into $STACK/log/$1.log"
    for name in "$@"; do
        if is_running "$group$name" && [[ $(fingerprint "$name") != "$(cat "$STACK/$name/stamp" 2>/dev/null)" ]]; then
            say "restarting $name to apply changes"
            ctl restart "$group$name" >/dev/null || fail "$name does not start" "look into $STACK/log/$name.log"
        fi
        wait_until "$name is ready" "$name" is_ready "$name"
        fingerprint "$name" | write_file "$name/stamp"
    done
}

start_nginx() {
    local now
    # Its access log is /dev/stdout: another user cannot open the one of this shell.
    as_owner /usr/sbin/nginx -e stderr -q -p "$STACK/nginx" -c "$STACK/nginx/nginx.conf" -t >/dev/null ||
        fail "nginx rejects its settings" "nginx -p $STACK/nginx -c $STACK/nginx/nginx.conf -t"
    now=$(cat "$STACK"/nginx/nginx.conf "$STACK"/nginx/here/* | sha256sum)
    if ! is_running door:nginx; then
        ctl start "door:*" >/dev/null || fail "nginx does not start" "look into $STACK/log/nginx.log"
    elif [[ $now != "$(cat "$STACK/nginx/stamp" 2>/dev/null)" ]]; then
        say "reloading nginx"
        ctl signal HUP door:nginx >/dev/null
    fi
    write_file nginx/stamp <<<"$now"
}

# Runs a command of the program with the settings of an instance.
native_program() {
    need_native_system
    (cd "$STACK/app1" && as_owner "$STACK/bin/jornada" "$@")
}

native_token() {
    native_program token new "$1"
}

native_staff() {
    need_native_system
    local url=${STACK_PUBLIC_URL:-$(site_url)}
    (cd "$STACK/app1" && as_owner env "JORNADA_PUBLIC_URL=$url" "$STACK/bin/jornada" staff "$@")
}

native_audit() {
    native_program audit "$@"
}

native_queue() {
    native_program queue "$@"
}

native_dead-letters() {
    native_program dead-letters "$@"
}
