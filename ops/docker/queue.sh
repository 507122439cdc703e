# shellcheck shell=bash
# The queue of votes in Docker: a profile of docker-compose.yml. Sourced by ops/docker.sh.

# Saves what docker-compose.yml needs to know of STACK_QUEUE. If an earlier queue is in use, nginx stops until the votes
# in it are stored, and its services are removed; its volume is kept.
change_queue() {
    local profile=redis-queue url="redis://:$STACK_REDIS_PASSWORD@redis-queue:6379/" former
    case $STACK_QUEUE in
        kafka) profile=kafka url=kafka://kafka:9092/votes ;;
        direct) profile='' ;;
    esac
    former=$(former_profile)
    if [[ -n $former && $former != "$profile" ]]; then
        say "waiting until the votes in the former queue are stored"
        compose stop nginx >/dev/null 2>&1
        former_is_empty || {
            compose start nginx >/dev/null 2>&1 || true
            fail "votes in the former queue ($former) are not stored yet: nothing was changed" "STACK_QUEUE=${former%-queue} bash init.sh"
        }
        compose rm --stop --force consumer "$former" >/dev/null 2>&1
    fi
    if [[ -z $profile ]]; then
        forget_queue
    else
        save_setting COMPOSE_PROFILES "$profile"
        save_setting STACK_QUEUE_URL "$url"
        save_setting STACK_QUEUE_WATCH ",http://consumer:4100/readyz"
    fi
}

# Prints the profile of the queue in use, if there is one.
former_profile() {
    sed -n 's/^COMPOSE_PROFILES=\(redis-queue\|kafka\)$/\1/p' "$ENV_FILE"
}

forget_queue() {
    local name
    [[ -n $(former_profile) ]] || return 0
    for name in COMPOSE_PROFILES STACK_QUEUE_URL STACK_QUEUE_WATCH; do save_setting "$name"; done
}

# Waits for at most a minute.
former_is_empty() {
    local deadline=$((SECONDS + 60))
    until [[ $({ run_program -- queue status 2>/dev/null || true; } | read_lag) == 0 ]]; do
        ((SECONDS < deadline)) || return 1
        sleep 1
    done
}

# Starts the server of the queue, creates the topic or the stream, and starts the consumers. Until then the instances insert
# votes directly.
start_docker_queue() {
    local server
    [[ $STACK_QUEUE != direct ]] || return 0
    server=$(queue_server "$STACK_QUEUE")
    bring_up "$server"
    await "$server" "$SECONDS_TO_SERVE" "the queue can be created" run_program -- queue create --partitions "$QUEUE_PARTITIONS"
    bring_up consumer
}
