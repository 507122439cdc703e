# shellcheck shell=bash
# Backup, restore and upgrade, natively and in Docker: folders, questions and messages. The program makes and restores the
# backups (`jornada backup --help`). Sourced by init.sh after ops/docker.sh.

# shellcheck disable=SC2034 # used by ops/native/backup.sh and ops/docker/backup.sh
RESTORE_FROM="" # folder of the backups, as the program sees it; empty unless a start restores one
RESTORE_OPTIONS=()

# Sets FOLDER to the full path of a folder for backups, which is created if it is missing: folder.
make_backup_folder() {
    FOLDER=$(realpath -m -- "$1")
    [[ -e $FOLDER ]] || (umask 077 && mkdir -p "$FOLDER" 2>/dev/null) ||
        fail "cannot create $FOLDER" "bash init.sh backup /another/folder, on a disk with space"
    [[ -d $FOLDER ]] || fail "$FOLDER is not a folder" "bash init.sh backup /another/folder"
}

# Sets FOLDER and RESTORE_OPTIONS from the arguments of `restore`, and checks what can be checked without the program.
read_restore_arguments() {
    local word replace=
    FOLDER='' RESTORE_OPTIONS=() CHECK_ONLY=
    for word in "$@"; do
        case $word in
            --replace) replace=1 RESTORE_OPTIONS+=(--replace) ;;
            --check) CHECK_ONLY=1 ;;
            -*) fail "unknown option of restore: $word" "bash init.sh restore DIR [--check | --replace]" ;;
            *) FOLDER=$(realpath -m -- "$word") ;;
        esac
    done
    compgen -G "${FOLDER:-/nowhere}/*/manifest.json" >/dev/null ||
        fail "${FOLDER:-the folder} contains no backup" "bash init.sh restore DIR, with the folder given to bash init.sh backup"
    [[ -n $(saved_setting STACK_SECRET) ]] ||
        fail "$ENV_FILE has no secrets, and a backup contains none" "copy the .env of the site that was backed up to $ENV_FILE"
    # The program asks for this too, but only after the site was stopped.
    [[ -n $replace$CHECK_ONLY ]] || ! "${WAY}_runs" ||
        fail "the site runs, and a restore would remove its data" "bash init.sh backup OTHER_DIR, then bash init.sh restore $FOLDER --replace"
}

say_what_to_keep() {
    say "Keep apart from it, because it contains no secrets: $ENV_FILE. Without its STACK_SECRET and STACK_PHOTO_KEY nothing can be restored."
}

# Fails if the new program is older than the one that runs: both outputs of `jornada --version`.
refuse_downgrade() {
    [[ $1 == "$2" || $(printf '%s\n' "$1" "$2" | sort -V | tail -n 1) == "$2" ]] ||
        fail "${2#jornada } is older than ${1#jornada }, which runs: nothing was changed" "check out the newer version, or restore a backup of before the upgrade"
}

# Asks before changes of the data that cannot be undone: output of `jornada store check`.
confirm_changes() {
    [[ $1 == *"cannot be undone"* && -z $YES ]] || return 0
    say "$1"
    [[ -t 0 ]] || fail "the upgrade changes data for good, and nobody can be asked: standard input is not a terminal" \
        "bash init.sh backup DIR, then bash init.sh upgrade --yes"
    read -r -p "Is there a backup of today? Type yes: " answer
    [[ $answer == yes ]] || fail "nothing was changed" "bash init.sh backup DIR"
}
