# shellcheck shell=bash
# The whole system in Docker, from docker-compose.yml. Sourced by init.sh after ops/settings.sh.

has_docker() {
    command -v docker >/dev/null && docker info >/dev/null 2>&1
}

compose() {
    if docker compose version >/dev/null 2>&1; then docker compose "$@"; else docker-compose "$@"; fi
}

docker_up() {
    local deadline=$((SECONDS + 180)) why token
    load_settings
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
    compose down --volumes
    save_setting STACK_STAFF_TOKEN
}
