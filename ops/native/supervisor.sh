# shellcheck shell=bash
# The user that runs the parts of the native system, and their supervisord. Sourced by ops/native.sh.

# --- User and data folder

# Sets OWNER and STACK. Servers never run as root: they run as a separate user, with data in a folder that it can access.
choose_owner() {
    OWNER=$(id -un)
    STACK=${STACK_DATA:-$PWD/data/stack}
    if [[ $(id -u) -eq 0 ]]; then
        OWNER=jornada
        STACK=${STACK_DATA:-/var/lib/jornada}
    fi
    [[ $STACK =~ ^/[A-Za-z0-9._/+-]+$ && ${#STACK} -lt 80 ]] ||
        fail "$STACK cannot be the data folder: expected a short absolute path of plain letters" "STACK_DATA=/srv/jornada bash init.sh"
    [[ ! -e $STACK || -r $STACK && -x $STACK ]] ||
        fail "$(id -un) cannot read $STACK, which belongs to $(stat --format %U "$STACK")" "run it as root: sudo bash init.sh"
}

make_owner() {
    [[ $OWNER == "$(id -un)" ]] || id "$OWNER" >/dev/null 2>&1 ||
        useradd --system --user-group --home-dir "$STACK" --no-create-home --shell /usr/sbin/nologin "$OWNER" ||
        fail "cannot create the user $OWNER" "useradd --system $OWNER"
}

# Makes the owner the owner of files and folders.
give_to_owner() {
    [[ $OWNER == "$(id -un)" ]] || chown -R "$OWNER:" "$@"
}

# Runs a command as the owner with an empty environment, so that no variable of this shell reaches an instance.
as_owner() {
    local drop=()
    [[ $OWNER == "$(id -un)" ]] || drop=(setpriv "--reuid=$OWNER" "--regid=$OWNER" --clear-groups)
    env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME="$STACK" LANG=C.UTF-8 \
        "${drop[@]}" "$@" 9>&-
}

# --- supervisord

ctl() {
    as_owner /usr/bin/supervisorctl -c "$STACK/supervisord.conf" "$@"
}

supervisord_pid() {
    local pid
    pid=$(cat "$STACK/run/supervisord.pid" 2>/dev/null) && [[ -n $pid ]] || return 1
    [[ -r /proc/$pid/cmdline && $(tr '\0' ' ' <"/proc/$pid/cmdline") == *"$STACK/supervisord.conf"* ]] && echo "$pid"
}

# Prints the processes of the stack: those whose working folder is below $STACK.
own_processes() {
    local process folder
    for process in /proc/[0-9]*; do
        folder=$(readlink "$process/cwd" 2>/dev/null) || continue
        [[ $folder == "$STACK"/* ]] && echo "${process#/proc/}"
    done
    return 0
}

# Ends processes left by a killed supervisord: they would occupy the ports and the data.
end_leftovers() {
    local pid left deadline=$((SECONDS + 40))
    left=$(own_processes)
    [[ -n $left ]] || return 0
    say "ending processes left by an earlier run: ${left//$'\n'/ }"
    for pid in $left; do kill -TERM "$pid" 2>/dev/null || true; done
    while [[ -n $(own_processes) ]] && ((SECONDS < deadline)); do sleep 0.2; done
    for pid in $(own_processes); do kill -KILL "$pid" 2>/dev/null || true; done
}

check_ports() {
    local port
    for port in "${ALL_PORTS[@]}"; do
        /usr/bin/python3 ops/free_ports.py --is-free "$port" ||
            fail "port $port is in use by another program" "STACK_BASE_PORT=6000 STACK_LISTEN=0.0.0.0:8088 bash init.sh"
    done
}

start_supervisord() {
    end_leftovers
    check_ports
    rm -f "$STACK/run/supervisor.sock"
    # shellcheck disable=SC2034 # read by undo_start
    STARTED_HERE=1
    as_owner /usr/bin/supervisord -c "$STACK/supervisord.conf" || fail "supervisord does not start" "cat $STACK/log/supervisord.log"
    wait_until "supervisord answers" supervisord ctl pid
}

# Repeats a command until it succeeds: condition, log to show on failure, command...
wait_until() {
    local claim=$1 log=$2 deadline=$((SECONDS + SECONDS_TO_READY))
    shift 2
    until "$@" >"$STACK/log/last-try" 2>&1; do
        if ((SECONDS > deadline)); then
            tail -n 15 "$STACK/log/$log.log" >&2 || true
            say "output of the last attempt: $(tail -n 3 "$STACK/log/last-try")"
            fail "not reached within $SECONDS_TO_READY s: $claim" "look into $STACK/log/$log.log"
        fi
        sleep 0.2
    done
}
