# shellcheck shell=bash
# Tests the messages of init.sh where it cannot do its work: no system, no permission, a full disk, a port in use, the
# network away. Each run must end with the expected exit code and one clear line with the next step. Uses a stand-in for
# the program, and root, because it mounts a full disk and becomes another user. Sourced by test.sh after ops/parts.sh.

# In order: state (a function below), exit code, part of the last message, verb and its arguments.
MESSAGES=(
    "nothing          3 to start it: bash init.sh|status"
    "nothing          0 there is no system in|stop"
    "nothing          1 does not contain a system|down --yes"
    "nothing          1 the system is not running|token tablero"
    "nothing          1 the system is not running|staff list"
    "nothing          1 the system is not running|audit verify"
    "nothing          1 the system is not running|queue status"
    "nothing          1 the system is not running|dead-letters list"
    "nothing          1 the system is not running|upgrade"
    "nothing          1 the system is not running|backup FOLDER/backups"
    "nothing          1 contains no backup|restore FOLDER/backups"
    "nothing          1 the system is not running|ctl status"
    "nothing          1 the system is not running|boot"
    "nothing          1 unknown arguments: stat|stat"
    "backup_alone     1 has no secrets|restore FOLDER/backups"
    "backup_alone     1 there is no system here|restore FOLDER/backups --check"
    "env_of_another   1 cannot read FOLDER/env, which belongs to root|"
    "env_of_another   1 cannot read FOLDER/env, which belongs to root|status"
    "env_of_another   1 cannot read FOLDER/env, which belongs to root|backup FOLDER/backups"
    "data_of_another  1 cannot read FOLDER/stack, which belongs to root|status"
    "data_of_another  1 cannot read FOLDER/stack, which belongs to root|stop"
    "folder_of_root   1 cannot write to the folder of FOLDER/env|"
    "data_under_root  1 cannot write to FOLDER/stack|"
    "env_disk_full    1 cannot write|"
    "data_disk_full   1 cannot write|"
    "port_in_use      1 is in use by another program|"
    "network_away     1 cannot download|"
)

# The same for Docker, with a stand-in for the engine that only records what it is told: state of the engine, exit code, part
# of the messages, verb, part of a command to the engine.
DOCKER_MESSAGES=(
    "away    1 the Docker engine does not answer|backup FOLDER/backups|version"
    "stopped 1 the system is not running|backup FOLDER/backups|ps"
    "stopped 1 the system is not running|upgrade|ps"
    "stopped 3 to start it: bash init.sh|status|ps"
    "running 0 Keep apart from it|backup FOLDER/backups|run --rm --no-deps -T --user 0:0 --volume FOLDER/backups:/backup app1 backup /backup"
    "running 0 Keep apart from it|backup FOLDER/backups --only-erased|app1 backup --only-erased /backup"
    "running 1 contains no backup|restore FOLDER/none|"
    "running 1 the site runs|restore FOLDER/saved|ps"
    "running 0 said by the program|restore FOLDER/saved --check|--volume FOLDER/saved:/backup app1 restore --check /backup"
    "running 1 is older than|upgrade|app1 --version"
)

MESSAGE_USER=nobody

nothing() { :; }

backup_alone() {
    mkdir -p "$1/backups/2026"
    touch "$1/backups/2026/manifest.json"
    [[ $2 != *--check* ]] || echo STACK_SECRET=x >"$1/env"
}

env_of_another() {
    copy_scripts "$1"
    ln -s "$TOOLS" "$1/copy/.tools"
    AS_USER=(setpriv "--reuid=$MESSAGE_USER" "--regid=$(id -g "$MESSAGE_USER")" --clear-groups)
    (umask 077 && echo STACK_WAY=native >"$1/env")
}

data_of_another() {
    env_of_another "$1"
    mkdir -m 700 "$1/stack"
    chown "$MESSAGE_USER" "$1" "$1/env"
}

folder_of_root() {
    env_of_another "$1"
    rm "$1/env"
}

data_under_root() {
    env_of_another "$1"
    mkdir "$1/own"
    chown "$MESSAGE_USER" "$1/own"
    rm "$1/env"
    MESSAGE_ENV=$1/own/env
}

# Mounts a disk of 256 KiB at a folder, and fills it.
full_disk() {
    mkdir -p "$1"
    mount -t tmpfs -o size=256k,mode=755 full "$1"
    MESSAGE_MOUNT=$1
    dd if=/dev/zero of="$1/filler" bs=4k 2>/dev/null || true
}

env_disk_full() {
    full_disk "$1/disk"
    MESSAGE_ENV=$1/disk/env
}

data_disk_full() {
    full_disk "$1/stack"
}

port_in_use() {
    /usr/bin/python3 -c 'import socket, sys, time
taken = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(60)' "${MESSAGE_PORTS[0]}" &
    MESSAGE_LISTENER=$!
}

# Without .tools, where no network is.
network_away() {
    copy_scripts "$1"
    AS_USER=(unshare --net)
}

# Copies what init.sh needs to a folder that every user may read.
copy_scripts() {
    mkdir "$1/copy"
    cp -r init.sh nginx.conf nginx ops campaigns "$1/copy"
    chmod -R a+rX "$1/copy"
    MESSAGE_HOME=$1/copy
}

# Succeeds if this machine allows a state. Some containers allow neither mounts nor networks of one's own, and other users may not
# read the downloaded programs.
is_possible() {
    case $1 in
        *_disk_full) unshare --mount true 2>/dev/null ;;
        network_away) unshare --net true 2>/dev/null ;;
        data_under_root) setpriv "--reuid=$MESSAGE_USER" --regid=65534 --clear-groups test -r "$TOOLS" ;;
    esac
}

# Runs one line of the table: folder, line.
check_message() {
    local folder=$1 state code part verb found=0
    local AS_USER=() MESSAGE_ENV=$1/env MESSAGE_HOME=$PWD MESSAGE_MOUNT='' MESSAGE_LISTENER='' MESSAGE_PORTS
    read -r state code part <<<"${2%%|*}"
    verb=${2#*|}
    verb=${verb//FOLDER/$folder} part=${part//FOLDER/$folder}
    read -r -a MESSAGE_PORTS < <(/usr/bin/python3 ops/free_ports.py 2)
    is_possible "$state" || { say "not run, because this machine does not allow it: $state, init.sh $verb" && return 0; }
    "$state" "$folder" "$verb"
    # shellcheck disable=SC2086 # split into words
    env -C "$MESSAGE_HOME" STACK_DATA="$folder/stack" STACK_ENV_FILE="$MESSAGE_ENV" STACK_PROGRAM="$folder/jornada" STACK_BASE_PORT=19000 \
        STACK_LISTEN="127.0.0.1:${MESSAGE_PORTS[0]}" STACK_GRPC_LISTEN="127.0.0.1:${MESSAGE_PORTS[1]}" PIP_RETRIES=0 \
        "${AS_USER[@]}" timeout 60 bash init.sh --native $verb >"$folder/output" 2>&1 </dev/null || found=$?
    [[ -z $MESSAGE_LISTENER ]] || kill "$MESSAGE_LISTENER"
    [[ -z $MESSAGE_MOUNT ]] || umount "$MESSAGE_MOUNT"
    is_clear "$found" "$code" "$part" "$folder/output" || { say "MISSED: $state, init.sh $verb: exit code $found" && cat "$folder/output" >&2 && return 1; }
}

# Succeeds if an output has the expected code and message, the next step, and nothing from the shell itself.
is_clear() {
    [[ $1 == "$2" ]] && grep -qF -- "$3" "$4" &&
        { [[ $2 -ne 1 ]] || [[ $(tail -n 1 "$4") == "  to fix it: "* || $(tail -n 2 "$4") == *"to fix it: "* ]]; } &&
        ! grep -qE 'unbound variable|: line [0-9]+:|Permission denied|No space left' "$4"
}

# Writes the stand-in: file.
write_engine() {
    cat >"$1" <<'ENGINE'
#!/bin/sh
echo "$*" >>"$ENGINE_LOG"
case "$*" in
    version*) test "$ENGINE_STATE" != away || { echo "Cannot connect to the Docker daemon" >&2 && exit 1; } ;;
    ps*) test "$ENGINE_STATE" != running || printf '%s\n' "app1 1 running" "nginx 2 running" ;;
    exec*--version) echo jornada 0.1.0 ;;
    *run*--version) echo jornada 0.0.1 ;;
    *run*) echo said by the program ;;
esac
ENGINE
    chmod 755 "$1"
}

# Runs one line of the table of Docker: folder, line.
check_docker_message() {
    local folder=$1 state code part verb command found=0
    IFS='|' read -r part verb command <<<"${2//FOLDER/$folder}"
    read -r state code part <<<"$part"
    mkdir -p "$folder/bin" "$folder/saved/2026"
    touch "$folder/saved/2026/manifest.json" "$folder/log"
    write_engine "$folder/bin/docker"
    printf 'STACK_WAY=docker\nSTACK_SECRET=x\n' >"$folder/env"
    # shellcheck disable=SC2086 # split into words
    PATH=$folder/bin:$PATH ENGINE_STATE=$state ENGINE_LOG=$folder/log STACK_FILES=$folder/files STACK_ENV_FILE=$folder/env \
        timeout 60 bash init.sh $verb >"$folder/output" 2>&1 </dev/null || found=$?
    { is_clear "$found" "$code" "$part" "$folder/output" && { [[ -z $command ]] || grep -qF -- "$command" "$folder/log"; }; } ||
        { say "MISSED: engine $state, init.sh $verb: exit code $found" && cat "$folder/output" "$folder/log" >&2 && return 1; }
}

check_messages() {
    local line folder missed=0
    [[ $(id -u) -eq 0 ]] || { say "not run: the check of the messages needs root" && return 0; }
    for line in "${MESSAGES[@]}"; do
        folder=$(mktemp -d "${TMPDIR:-/tmp}/jornada-says.XXXXXX")
        chmod 755 "$folder"
        printf '#!/bin/sh\necho jornada 0.1.0\n' >"$folder/jornada"
        chmod 755 "$folder/jornada"
        check_message "$folder" "$line" || missed=1
        rm -rf "$folder"
    done
    for line in "${DOCKER_MESSAGES[@]}"; do
        folder=$(mktemp -d "${TMPDIR:-/tmp}/jornada-says.XXXXXX")
        check_docker_message "$folder" "$line" || missed=1
        rm -rf "$folder"
    done
    return "$missed"
}
