# shellcheck shell=bash
# The Docker engine, Compose and the containers of this system. Sourced by ops/docker.sh.

# The newest API that docker-compose 1.29 speaks.
OLD_COMPOSE_API=1.41

has_engine() {
    command -v docker >/dev/null && docker version >/dev/null 2>&1
}

# Fails unless an engine and a Compose that fits it are there; sets COMPOSE and PROJECT.
find_engine() {
    local oldest
    command -v docker >/dev/null || fail "the system of $ENV_FILE is in Docker, which is not installed" "see https://docs.docker.com/engine/install"
    docker version >/dev/null 2>&1 ||
        fail "the Docker engine does not answer: $(docker version 2>&1 | tail -n 1)" "systemctl start docker; or, without permission: usermod -aG docker $(id -un), and log in again"
    if docker compose version >/dev/null 2>&1; then
        COMPOSE=(docker compose)
    elif command -v docker-compose >/dev/null; then
        COMPOSE=(docker-compose)
        oldest=$(docker version --format '{{.Server.MinAPIVersion}}')
        [[ $(printf '%s\n' "$oldest" "$OLD_COMPOSE_API" | sort -V | head -n 1) == "$oldest" ]] ||
            fail "docker-compose 1.29 is too old for this engine" "install the plugin docker-compose-plugin"
    else
        fail "Docker Compose is not installed" "install the plugin docker-compose-plugin; on Debian 12: apt-get install docker-compose"
    fi
    # Named once, so that the volumes stay those of this system if its folder is renamed.
    PROJECT=${COMPOSE_PROJECT_NAME:-$(saved_setting COMPOSE_PROJECT_NAME)}
    [[ -n $PROJECT ]] || PROJECT=$(basename "$PWD" | tr '[:upper:]' '[:lower:]' | tr -cd 'a-z0-9_-')
    export COMPOSE_PROJECT_NAME=$PROJECT
}

compose() {
    "${COMPOSE[@]}" --env-file "$ENV_FILE" "$@"
}

# Prints a line for each container of the system, except those of single commands: service, id, state. Arguments: further
# filters.
containers() {
    docker ps --no-trunc "$@" --filter "label=com.docker.compose.project=$PROJECT" \
        --filter label=com.docker.compose.oneoff=False --format '{{.Label "com.docker.compose.service"}} {{.ID}} {{.State}}'
}

# Prints the names of the services that run.
running_services() {
    containers | cut -d ' ' -f 1 | sort -u
}

runs() {
    [[ -n $(containers --filter "label=com.docker.compose.service=$1") ]]
}

# Prints the ids of the containers of a service.
containers_of() {
    containers --all --filter "label=com.docker.compose.service=$1" | cut -d ' ' -f 2
}

# Runs a command in the container of a service: options of `docker exec`, --, service, command...
inside() {
    local options=() id
    while [[ $1 != -- ]]; do options+=("$1") && shift; done
    id=$(containers --filter "label=com.docker.compose.service=$2" | cut -d ' ' -f 2 | head -n 1)
    docker exec "${options[@]}" "$id" "${@:3}"
}

# Prints starting, healthy, unhealthy, or the state of a container that is not running or has no check: service.
health_of() {
    # shellcheck disable=SC2046 # ids
    docker inspect --format '{{if and .State.Health (eq .State.Status "running")}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}' \
        $(containers_of "$1") 2>/dev/null | sort | head -n 1
}

restarts_of() {
    # shellcheck disable=SC2046 # ids
    docker inspect --format '{{.RestartCount}}' $(containers_of "$1") 2>/dev/null | sort -n | tail -n 1
}

# Prints the last lines of a service.
last_lines() {
    compose logs --no-color --tail 15 "$1" 2>&1 | tail -n 15 >&2 || true
}
