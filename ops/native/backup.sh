# shellcheck shell=bash
# Backup, restore and upgrade of the native system. Sourced by ops/native.sh.

native_runs() {
    supervisord_pid >/dev/null
}

native_backup() {
    need_native_system
    if [[ -e $1 ]]; then make_backup_folder "$1"; else make_backup_folder "$1" && give_to_owner "$FOLDER"; fi
    as_owner test -w "$FOLDER" || fail "the user $OWNER cannot write to $FOLDER" "chown $OWNER: $FOLDER, or another folder"
    native_program backup "${@:2}" "$FOLDER" || fail "no backup was made; earlier ones in $FOLDER are unchanged" "correct the reason above, then run it again"
    say_what_to_keep
}

# Verifies the backup, stops the system, and starts it with the data of the backup.
native_restore() {
    choose_owner
    read_restore_arguments "$@"
    load_settings
    number_ports
    [[ $OWNER == "$(id -un)" ]] || ! id "$OWNER" >/dev/null 2>&1 || as_owner test -r "$FOLDER" ||
        fail "the user $OWNER cannot read $FOLDER" "chown -R $OWNER: $FOLDER"
    if [[ -x $STACK/bin/jornada && -f $STACK/app1/.env ]]; then
        (cd "$STACK/app1" && as_owner "$STACK/bin/jornada" restore --check "$FOLDER") ||
            fail "the backup cannot be restored: nothing was changed" "correct the reason above, then run it again"
        [[ -z $CHECK_ONLY ]] || return 0
        native_stop
    fi
    [[ -z $CHECK_ONLY ]] || fail "there is no system here that could check it" "bash init.sh --native, then bash init.sh restore --check $FOLDER"
    RESTORE_FROM=$FOLDER
    native_up
}

# Writes the backup into the stores, which run alone.
restore_stores() {
    [[ -n $RESTORE_FROM ]] || return 0
    (cd "$STACK/app1" && as_owner "$STACK/bin/jornada" restore "${RESTORE_OPTIONS[@]}" "$RESTORE_FROM") ||
        fail "the restore did not end" "correct the reason above, then bash init.sh restore $RESTORE_FROM ${RESTORE_OPTIONS[*]}"
}

# Fails if the data are newer than the program, or incomplete: file of the program, in the folder of the stack.
check_data() {
    (cd "$STACK/app1" && as_owner "$STACK/bin/$1" store check)
}

# Fails if an update would replace the running program by an older one.
check_update() {
    local answer
    native_runs && [[ -x $STACK/bin/jornada && -f $STACK/app1/.env ]] || return 0
    install_program "$PROGRAM" candidate
    give_to_owner "$STACK/bin/candidate"
    refuse_downgrade "$(as_owner "$STACK/bin/jornada" --version)" "$(as_owner "$STACK/bin/candidate" --version)"
    # An older program has no such command.
    answer=$(check_data candidate 2>&1) ||
        fail "the new program refuses the data: ${answer##*$'\n'}" "check out the newer version, or restore a backup of before the upgrade"
    [[ -z $UPGRADING ]] || confirm_changes "$answer"
    rm -f "$STACK/bin/candidate"
}

# Replaces the instances and consumers one at a time by the program of this folder.
native_upgrade() {
    local before
    need_native_system
    before=$(as_owner "$STACK/bin/jornada" --version)
    UPGRADING=1
    native_up
    say "upgraded from $before to $(as_owner "$STACK/bin/jornada" --version)"
}
