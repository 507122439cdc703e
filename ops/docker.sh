# shellcheck shell=bash
# The whole system in Docker, from docker-compose.yml. Sourced by init.sh after ops/settings.sh.

# shellcheck source=ops/docker/engine.sh
source ops/docker/engine.sh
# shellcheck source=ops/docker/files.sh
source ops/docker/files.sh
# shellcheck source=ops/docker/queue.sh
source ops/docker/queue.sh
# shellcheck source=ops/docker/start.sh
source ops/docker/start.sh
# shellcheck source=ops/docker/backup.sh
source ops/docker/backup.sh

# Reads the settings and finds the engine.
open_docker() {
    load_settings
    find_engine
    choose_files
    number_ports
}

# Fails if the system does not run, with the command that starts it.
need_docker_system() {
    open_docker
    [[ -n $(running_services) ]] || fail "the system is not running" "bash init.sh"
}

# Runs a command of the program in an instance that runs: options of `docker exec`, --, arguments.
run_program() {
    local name options=()
    while [[ $1 != -- ]]; do options+=("$1") && shift; done
    shift
    for name in "${INSTANCES[@]}"; do
        runs "$name" || continue
        inside "${options[@]}" -- "$name" /jornada "$@"
        return
    done
    fail "no instance is running" "bash init.sh"
}

# Saves what docker-compose.yml cannot find out.
save_docker_settings() {
    local files=docker-compose.yml
    save_setting STACK_WAY docker
    save_setting COMPOSE_PROJECT_NAME "$PROJECT"
    save_setting STACK_SMTP_CA_INSIDE "${STACK_SMTP_CA:+/etc/smtp-ca.pem}"
    [[ -z $STACK_TLS_CERTIFICATE ]] || files+=:ops/docker/tls.yml
    save_setting COMPOSE_FILE "$files"
    [[ -n $STACK_DOCKER_LOGS ]] || save_setting STACK_DOCKER_LOGS "$(docker info --format '{{.DockerRootDir}}')/containers"
}

docker_up() {
    local token
    need_command curl curl
    open_docker
    exec 9>"$STACK/lock"
    flock --nonblock 9 || fail "another init.sh is running here" "wait for it"
    RAN_BEFORE=$(running_services | paste -sd' ')
    trap undo_docker_start EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    STEP="building the image" && build_image
    STEP="checking the program" && check_docker_update
    STEP="checking the backup" && prepare_restore
    STEP="writing the settings" && save_docker_settings && write_docker_files
    STEP="changing the queue" && change_queue
    STEP="starting the stores" && bring_up_group wait_for_store "${STORES[@]}"
    STEP="creating the replica set" && create_replica_set
    STEP="restoring" && restore_docker_stores
    STEP="checking the data" && { check_docker_data >/dev/null || fail "the program does not take the data" "correct the reason above"; }
    STEP="starting the instances" && bring_up_group wait_for_instance "${INSTANCES[@]}"
    STEP="starting the queue" && start_docker_queue
    STEP="starting nginx" && start_docker_nginx
    STEP="checking that it works"
    await nginx "$SECONDS_TO_SERVE" "a registration can be made and read back at $(site_url)" registration_works "$(site_url)"
    STEP="creating the first token" && token=$(first_token docker_token)
    STEP=
    start_monitoring
    trap - EXIT
    print_summary "docker compose logs" "docker compose ps" "$token"
    print_panels
    warn_of_rootless
}

create_replica_set() {
    replica_set initiated >"$STACK/log" 2>&1 || { tail -n 3 "$STACK/log" >&2 && fail "MongoDB accepts no writes" "docker compose logs mongo1"; }
}

# A rootless engine hides the addresses of clients.
warn_of_rootless() {
    [[ $(docker info --format '{{.SecurityOptions}}' 2>/dev/null) != *rootless* ]] ||
        say "The engine is rootless: all visitors have one address and share one rate limit (docs/operations.md)."
}

print_panels() {
    echo "  panels  http://$STACK_GRAFANA_LISTEN (Grafana: admin, STACK_GRAFANA_PASSWORD in .env)"
}

docker_token() {
    need_docker_system
    run_program -- token new "$1"
}

docker_staff() {
    need_docker_system
    run_program -e JORNADA_PUBLIC_URL="${STACK_PUBLIC_URL:-$(site_url)}" -- staff "$@"
}

docker_audit() {
    need_docker_system
    run_program -- audit "$@"
}

docker_queue() {
    need_docker_system
    run_program -- queue "$@"
}

docker_dead-letters() {
    need_docker_system
    run_program -- dead-letters "$@"
}

docker_status() {
    local name bad=0
    open_docker
    [[ -n $(running_services) ]] || { say "the system is not running; to start it: bash init.sh" && return 3; }
    compose ps
    for name in "${INSTANCES[@]}"; do
        if instance_is_ready "$name" 2>/dev/null; then echo "$name ready"; else echo "$name NOT ready" && bad=1; fi
    done
    if registration_works "$(site_url)" >/dev/null; then
        echo "$(site_url) accepts registrations"
    else
        echo "$(site_url) does NOT accept registrations" && bad=1
    fi
    if [[ $STACK_QUEUE != direct ]]; then
        run_program -- queue status || { echo "the queue is NOT in order" && bad=1; }
    fi
    print_panels
    return "$bad"
}

docker_stop() {
    open_docker
    [[ -n $(containers) ]] || { say "the system is not running" && return; }
    compose --profile redis-queue --profile kafka --profile dev stop >"$STACK/log" 2>&1 ||
        { tail -n 3 "$STACK/log" >&2 && fail "cannot stop the containers" "docker compose stop"; }
    say "stopped; the data are kept in the volumes $PROJECT""_*"
}

docker_down() {
    local name
    open_docker
    [[ -n $(containers --all)$(docker volume ls --quiet --filter "label=com.docker.compose.project=$PROJECT") ]] ||
        fail "there is no system $PROJECT in Docker" "bash init.sh"
    confirm "the containers and their volumes, with every registration and photo"
    compose --profile redis-queue --profile kafka --profile dev down --volumes --remove-orphans >"$STACK/log" 2>&1 ||
        { tail -n 3 "$STACK/log" >&2 && fail "cannot remove the containers" "docker compose down --volumes"; }
    (cd "$STACK" && rm -rf nginx mongo prometheus alertmanager loki alloy grafana lock log nginx.stamp)
    rmdir "$STACK" 2>/dev/null || true
    forget_queue
    for name in STACK_STAFF_TOKEN STACK_WAY; do save_setting "$name"; done
    say "removed; kept: the images ($(image_of consumer) and those of the servers), and the secrets in $ENV_FILE"
}
