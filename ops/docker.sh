# shellcheck shell=bash
# The whole system in Docker, from docker-compose.yml. Sourced by init.sh after ops/settings.sh.

has_docker() {
    command -v docker >/dev/null && docker info >/dev/null 2>&1
}

compose() {
    if docker compose version >/dev/null 2>&1; then docker compose "$@"; else docker-compose "$@"; fi
}

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
        compose stop nginx >&2
        former_is_empty || {
            compose start nginx >&2 || true
            fail "votes in the former queue ($former) are not stored yet: nothing was changed" "STACK_QUEUE=${former%-queue} bash init.sh"
        }
        compose rm --stop --force consumer "$former" >&2
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
    until [[ $({ compose exec -T app1 /jornada queue status 2>/dev/null || true; } | read_lag) == 0 ]]; do
        ((SECONDS < deadline)) || return 1
        sleep 1
    done
}

# Creates the topic or the stream, when its server answers: deadline. Until then the instances insert votes directly.
create_queue() {
    local why
    until why=$(compose exec -T app1 /jornada queue create --partitions "$QUEUE_PARTITIONS" 2>&1); do
        ((SECONDS < $1)) || fail "cannot create the queue ($why)" "docker compose logs kafka redis-queue"
        sleep 1
    done
}

docker_up() {
    local deadline=$((SECONDS + 180)) why token
    load_settings
    change_queue
    compose up --build --detach >&2 || {
        compose stop >&2 || true
        fail "the containers do not start; they were stopped" "docker compose up"
    }
    until why=$(registration_works "$(site_url)"); do
        ((SECONDS < deadline)) || {
            compose logs --tail 20 >&2 || true
            compose stop >&2 || true
            fail "cannot make a registration ($why); the containers were stopped" "docker compose logs"
        }
        sleep 1
    done
    [[ $STACK_QUEUE == direct ]] || create_queue "$deadline"
    token=$(first_token docker_token)
    print_summary "docker compose logs" "docker compose ps" "$token"
    print_panels
}

print_panels() {
    echo "  panels  http://$STACK_GRAFANA_LISTEN (Grafana: admin, STACK_GRAFANA_PASSWORD in .env)"
}

docker_token() {
    compose exec -T app1 /jornada token new "$1"
}

docker_staff() {
    compose exec -T -e JORNADA_PUBLIC_URL="${STACK_PUBLIC_URL:-$(site_url)}" app1 /jornada staff "$@"
}

docker_audit() {
    compose exec -T app1 /jornada audit "$@"
}

docker_queue() {
    compose exec -T app1 /jornada queue "$@"
}

docker_dead-letters() {
    compose exec -T app1 /jornada dead-letters "$@"
}

docker_status() {
    local bad=0
    load_settings
    compose ps
    if registration_works "$(site_url)" >/dev/null; then
        echo "$(site_url) accepts registrations"
    else
        echo "$(site_url) does NOT accept registrations" && bad=1
    fi
    if [[ $STACK_QUEUE != direct ]]; then
        compose exec -T app1 /jornada queue status || { echo "the queue is NOT in order" && bad=1; }
    fi
    print_panels
    return "$bad"
}

docker_stop() {
    load_settings
    compose stop
}

docker_down() {
    load_settings
    confirm "the containers and their volumes, with every registration and photo"
    compose --profile redis-queue --profile kafka down --volumes
    forget_queue
    save_setting STACK_STAFF_TOKEN
}
