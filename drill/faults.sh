# shellcheck shell=bash
# What is done to the system, one function for each drill; each returns once the system is whole again. Sourced by
# drill/system.sh after ops/native.sh, whose supervisord restarts what dies.

# Process of a program: its name for supervisord.
pid_of() {
    local pid
    pid=$(ctl pid "$1") && [[ $pid -gt 1 ]] && echo "$pid"
}

# Kills a program as a power cut would; supervisord starts it again.
strike() {
    local pid
    pid=$(pid_of "$1") || fail "$1 does not run" "bash init.sh --native status"
    # shellcheck disable=SC2034 # for drills that measure
    STRUCK=$EPOCHREALTIME
    kill -KILL "$pid"
}

# Kills a program and keeps it down. The first stroke comes without a warning; supervisord, which may have started it
# again meanwhile, is then told to leave it, and what it started is killed as well, since it might take long to end.
strike_down() {
    local stopping pid
    strike "$1"
    ctl stop "$1" >/dev/null 2>&1 &
    stopping=$!
    sleep 0.3
    if pid=$(pid_of "$1"); then kill -KILL "$pid" 2>/dev/null || true; fi
    wait "$stopping" || true
}

ready_again() {
    local name
    for name in "$@"; do wait_until "$name is ready again" "$name" is_ready "$name"; done
}

mongodb_is_whole() {
    local member ports=()
    for member in "${MONGODS[@]}"; do ports+=("${PORTS[$member]}"); done
    /usr/bin/python3 drill/primary.py "${ports[@]}"
}

photos_are_taken() {
    s3_works "http://127.0.0.1:${PORTS[s3]}" "$STACK_S3_ACCESS_KEY" "$STACK_S3_SECRET_KEY"
}

# One after the other, so that requests of several kinds and ages are cut off, and never two instances are away.
one_instance_dies() {
    local name
    for name in "${INSTANCES[@]}"; do
        strike "app:$name"
        sleep 1
        ready_again "$name"
    done
}

two_instances_die() {
    strike app:app2
    strike app:app3
    sleep 1
    ready_again app2 app3
}

instances_are_updated() {
    local name
    for name in "${INSTANCES[@]}"; do
        ctl restart "app:$name" >/dev/null || fail "$name does not start" "bash init.sh --native status"
        ready_again "$name"
    done
}

primary_dies() {
    local port member
    port=$(mongodb_is_whole) || fail "the replica set is not whole" "bash init.sh --native status"
    for member in "${MONGODS[@]}"; do
        [[ ${PORTS[$member]} != "$port" ]] || strike "stores:$member"
    done
    wait_until "all members of the replica set are back" mongod1 mongodb_is_whole
}

redis_dies_and_forgets() {
    strike_down stores:redis
    find "$STACK/redis" -mindepth 1 -delete
    sleep "$AWAY_REDIS"
    ctl start stores:redis >/dev/null
    wait_until "Redis answers" redis redis_works
}

photo_store_is_away() {
    strike_down stores:weed
    sleep "$AWAY_S3"
    ctl start stores:weed >/dev/null
    wait_until "the photo store keeps an object" weed photos_are_taken
}

upload_memory_is_full() {
    local name doors=()
    for name in "${INSTANCES[@]}"; do doors+=("${PORTS[$name]}:${PORTS[ops${name#app}]}"); done
    /usr/bin/python3 drill/fill.py "$FULL" "${doors[@]}" >&2
}

# Whatever happened, everything runs afterwards.
make_whole() {
    ctl start "stores:*" "app:*" "door:*" >/dev/null 2>&1 || true
    wait_until "all members of the replica set are back" mongod1 mongodb_is_whole
    wait_until "the photo store keeps an object" weed photos_are_taken
    ready_again "${INSTANCES[@]}"
}
