# shellcheck shell=bash
# Backup, restore and upgrade of the system in Docker. Sourced by ops/docker.sh.

docker_runs() {
    find_engine
    [[ -n $(running_services) ]]
}

# Runs a command of the program in a container of its own, with the settings of an instance: options of `compose run`, --,
# arguments.
run_alone() {
    local options=()
    while [[ $1 != -- ]]; do options+=("$1") && shift; done
    compose run --rm --no-deps -T "${options[@]}" app1 "${@:2}"
}

# The same with the folder of the backups, as the user who runs init.sh: arguments.
run_with_backups() {
    run_alone --user "$(id -u):$(id -g)" --volume "$FOLDER:/backup" -- "$@"
}

docker_backup() {
    need_docker_system
    make_backup_folder "$1"
    run_with_backups backup "${@:2}" /backup || fail "no backup was made; earlier ones in $FOLDER are unchanged" "correct the reason above, then run it again"
    say_what_to_keep
}

docker_restore() {
    read_restore_arguments "$@"
    open_docker
    if [[ -n $CHECK_ONLY ]]; then
        build_image
        save_docker_settings
        check_backup
        return
    fi
    # shellcheck disable=SC2034 # used by docker_up
    RESTORE_FROM=/backup
    docker_up
}

check_backup() {
    run_with_backups restore --check /backup || fail "the backup cannot be restored: nothing was changed" "correct the reason above, then run it again"
}

# Verifies the backup while the site still runs, then stops what uses the stores.
prepare_restore() {
    [[ -n $RESTORE_FROM ]] || return 0
    check_backup
    compose --profile redis-queue --profile kafka stop nginx "${INSTANCES[@]}" consumer >"$STACK/log" 2>&1 ||
        fail "cannot stop the instances" "docker compose stop"
    RAN_BEFORE=$(running_services | paste -sd' ')
}

# Writes the backup into the stores.
restore_docker_stores() {
    [[ -n $RESTORE_FROM ]] || return 0
    run_with_backups restore "${RESTORE_OPTIONS[@]}" "$RESTORE_FROM" ||
        fail "the restore did not end" "correct the reason above, then bash init.sh restore $FOLDER ${RESTORE_OPTIONS[*]}"
}

check_docker_data() {
    run_alone -- store check
}

# Fails if an update would replace the running program by an older one.
check_docker_update() {
    local answer
    [[ " $RAN_BEFORE " == *" app1 "* ]] || return 0
    refuse_downgrade "$(run_program -- --version)" "$(run_alone -- --version 2>/dev/null)"
    answer=$(check_docker_data 2>&1) ||
        fail "the new program refuses the data: ${answer##*$'\n'}" "check out the newer version, or restore a backup of before the upgrade"
    [[ -z $UPGRADING ]] || confirm_changes "$answer"
}

docker_upgrade() {
    local before
    need_docker_system
    before=$(run_program -- --version)
    UPGRADING=1
    docker_up
    say "upgraded from $before to $(run_program -- --version)"
}
