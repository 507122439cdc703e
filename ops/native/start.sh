# shellcheck shell=bash
# How the parts of the native system start: in the order in which they need each other. Sourced by ops/native.sh.

start_stores() {
    local addresses
    ctl start "stores:*" >/dev/null || fail "a store does not start" "bash init.sh status; look into $STACK/log"
    mapfile -t addresses < <(members)
    MONGODB_ADMIN_PASSWORD=$STACK_MONGODB_ADMIN_PASSWORD MONGODB_PASSWORD=$STACK_MONGODB_PASSWORD \
        MONGODB_MONITOR_PASSWORD=$STACK_MONGODB_MONITOR_PASSWORD \
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

native_audit() {
    choose_owner
    (cd "$STACK/app1" && as_owner "$STACK/bin/jornada" audit "$@")
}
