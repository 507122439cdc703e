# shellcheck shell=bash
# Starts the containers in the order of their dependencies, and brings in what changed without stopping what runs: one
# service after the other, each when the one before it is ready. Sourced by ops/docker.sh.

# shellcheck disable=SC2034 # used by ops/docker.sh
STORES=(mongo1 mongo2 mongo3 s3 redis)
MONITORING=(watch prometheus alertmanager node-exporter nginx-exporter redis-exporter mongodb-exporter1 mongodb-exporter2
    mongodb-exporter3 loki alloy grafana)
# A new version may build indexes before it is ready.
SECONDS_TO_UPGRADE=660
SECONDS_TO_SERVE=120
RAN_BEFORE=""

# Stops what this start brought up, and nothing that ran before it.
undo_docker_start() {
    local code=$? service fresh=()
    [[ $code -ne 0 && -n $STEP ]] || exit "$code"
    for service in $(running_services); do
        [[ " $RAN_BEFORE " == *" $service "* ]] || fresh+=("$service")
    done
    if [[ -z $RAN_BEFORE ]]; then
        say "failed at: $STEP; stopping what was started"
    else
        say "failed at: $STEP; what ran before was not stopped"
    fi
    [[ ${#fresh[@]} -eq 0 ]] || compose stop "${fresh[@]}" >/dev/null 2>&1 || true
    exit "$code"
}

# Creates or recreates containers if needed: services.
bring_up() {
    compose up --detach --no-deps --no-build "$@" >"$STACK/log" 2>&1 || {
        tail -n 5 "$STACK/log" >&2
        fail "$* cannot be started" "docker compose up $*"
    }
}

# Waits until a command succeeds. Fails sooner if the service's container has ended or restarts again and again:
# service, seconds, condition, command...
await() {
    local service=$1 deadline=$((SECONDS + $2)) condition=$3 restarts
    shift 3
    restarts=$(restarts_of "$service")
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= deadline || $(restarts_of "$service") > ${restarts:-0} + 3)); then
            last_lines "$service"
            fail "not reached: $condition ($service is $(health_of "$service"))" "docker compose logs $service"
        fi
        sleep 0.5
    done
}

is_healthy() {
    [[ $(health_of "$1") == healthy ]]
}

# Asks an instance from inside the network, which the host cannot reach everywhere. The image of MongoDB has a shell.
instance_is_ready() {
    local member
    for member in mongo1 mongo2 mongo3; do
        runs "$member" || continue
        # shellcheck disable=SC2016 # for the inner shell
        inside -- "$member" timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/4100" && printf "GET /readyz HTTP/1.0\r\nHost: $0\r\n\r\n" >&3 &&
            read -r line <&3 && [[ $line == *" 200 "* ]]' "$1" && return
    done
    return 1
}

# Brings up services that run already, one after the other, and waits for each whose container was replaced: a function
# that waits for one, services.
renew_in_turn() {
    local wait=$1 service before
    shift
    for service in "$@"; do
        before=$(containers_of "$service")
        bring_up "$service"
        [[ $before == "$(containers_of "$service")" ]] || { say "applied changes to $service" && "$wait" "$service"; }
    done
}

# Brings up a group: together if none of it runs; otherwise the missing ones first, then the running ones in turn. A
# function that waits for one service, services.
bring_up_group() {
    local wait=$1 service missing=() running=()
    shift
    for service in "$@"; do
        if [[ " $RAN_BEFORE " == *" $service "* ]]; then running+=("$service"); else missing+=("$service"); fi
    done
    if [[ ${#missing[@]} -gt 0 ]]; then
        bring_up "${missing[@]}"
        for service in "${missing[@]}"; do "$wait" "$service"; done
    fi
    renew_in_turn "$wait" "${running[@]}"
}

wait_for_store() {
    await "$1" "$SECONDS_TO_SERVE" "$1 answers" is_healthy "$1"
    # The next member must not stop before this one holds the data again.
    [[ -z $RAN_BEFORE || $1 != mongo* ]] || await "$1" "$SECONDS_TO_SERVE" "$1 has caught up" replica_set complete
}

wait_for_instance() {
    await "$1" "$SECONDS_TO_UPGRADE" "$1 is ready" instance_is_ready "$1"
}

# Creates the replica set and its users if they are missing, or waits for it, until it is initiated or complete: in a member's own container, because a mongod
# without users accepts logins only from its own machine. Its client keeps no files.
replica_set() {
    local member
    for member in mongo1 mongo2 mongo3; do
        runs "$member" || continue
        inside -e HOME=/tmp -e UNTIL="$1" -- "$member" mongosh --quiet --nodb /etc/jornada/replica_set.js && return
    done
    return 1
}

# Builds the image once; all services of the program use it. Without attestations, which differ with each build and would
# replace every container.
build_image() {
    BUILDX_NO_DEFAULT_ATTESTATIONS=1 compose build app1 >"$STACK/log" 2>&1 || {
        tail -n 20 "$STACK/log" >&2
        fail "the image cannot be built" "docker compose build app1"
    }
}

# Checks changed settings in a container of their own, before the running nginx gets them.
start_docker_nginx() {
    local image now before
    image=$(image_of nginx)
    now="$(sum_of nginx) $(docker image inspect --format '{{.Id}}' "$image")"
    before=$(containers_of nginx)
    if [[ $now != "$(cat "$STACK/nginx.stamp" 2>/dev/null)" ]]; then
        docker run --rm --network "${PROJECT}_inside" --volume "$STACK/nginx:/etc/nginx/site:ro" --tmpfs /var/cache/nginx \
            --entrypoint nginx "$image" -q -t -e stderr -p /var/cache/nginx -c /etc/nginx/site/nginx.conf >"$STACK/log" 2>&1 ||
            { tail -n 3 "$STACK/log" >&2 && fail "nginx rejects its settings" "correct the line named above"; }
        bring_up nginx
        if [[ $before == "$(containers_of nginx)" ]]; then reload_nginx; fi
        write_file nginx.stamp <<<"$now"
    else
        bring_up nginx
    fi
}

# By its own program: a signal of the engine would count as a stop by hand, and nginx would not start with the machine.
reload_nginx() {
    inside -- nginx nginx -q -e stderr -p /var/cache/nginx -c /etc/nginx/site/nginx.conf -s reload
    say "reloaded nginx"
}

# Starts the monitoring, on which nothing depends: together, and if that fails each missing part alone, to name it.
start_monitoring() {
    local service
    if ! compose up --detach --no-deps --no-build "${MONITORING[@]}" >"$STACK/log" 2>&1; then
        for service in "${MONITORING[@]}"; do
            runs "$service" || compose up --detach --no-deps --no-build "$service" >"$STACK/log" 2>&1 ||
                say "the site runs without $service: $(grep -i -m 1 error "$STACK/log" | cut -c 1-300)"
        done
    fi
}
