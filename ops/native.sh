# shellcheck shell=bash
# The whole system on this machine without Docker: each part is a process under a separate supervisord. Sourced by
# init.sh after ops/layout.sh.

# shellcheck source=ops/native/supervisor.sh
source ops/native/supervisor.sh
# shellcheck source=ops/native/start.sh
source ops/native/start.sh
# shellcheck source=ops/native/queue.sh
source ops/native/queue.sh
# shellcheck source=ops/native/grafana.sh
source ops/native/grafana.sh
# shellcheck source=ops/native/telemetry.sh
source ops/native/telemetry.sh
# shellcheck source=ops/native/watch.sh
source ops/native/watch.sh
# shellcheck source=ops/native/boot.sh
source ops/native/boot.sh
# shellcheck source=ops/native/backup.sh
source ops/native/backup.sh

SECONDS_TO_READY=60
STEP="" # the current step, for the error message

# --- Prerequisites

# Installs packages and stops the servers that Debian starts with them; the stack runs its own under supervisord.
install_quietly() {
    local package missing=()
    for package in "$@"; do is_installed "$package" || missing+=("$package"); done
    need_packages "$@"
    [[ -d /run/systemd/system ]] || return 0
    for package in "${missing[@]}"; do
        as_root systemctl disable --quiet --now "$package" 2>/dev/null || true
    done
}

install_parts() {
    mkdir -p "$TOOLS"
    need_command curl curl
    install_quietly nginx redis-server supervisor python3 python3-pymongo prometheus prometheus-alertmanager \
        prometheus-node-exporter prometheus-redis-exporter prometheus-nginx-exporter
    need_mongod
    need_weed
}

# Sets PROGRAM to the program to install: STACK_PROGRAM if it is set, else a new build.
build() {
    PROGRAM=${STACK_PROGRAM:-}
    if [[ -n $PROGRAM ]]; then
        [[ -f $PROGRAM && -x $PROGRAM ]] || fail "STACK_PROGRAM: $PROGRAM is not an executable file" "cargo build --release --locked"
        return
    fi
    PROGRAM=${CARGO_TARGET_DIR:-target}/release/jornada
    need_command cc build-essential
    command -v cargo >/dev/null || fail "cargo is not installed; it builds the program" "see https://rustup.rs"
    cargo build --quiet --release --locked >&2 || fail "the program does not build" "cargo build --release --locked"
}

# --- The verbs

# After a failed start, stops everything that this start had started.
undo_start() {
    local code=$?
    [[ $code -eq 0 ]] && return 0
    if [[ ${STARTED_HERE:-} ]]; then
        say "start failed ($STEP); stopping what was started"
        native_stop >/dev/null 2>&1
    elif [[ -n $STEP ]]; then
        say "failed at: $STEP"
    fi
    [[ ${TOLD:-} ]] || say "  to fix it: correct the reason above, then bash init.sh"
    exit "$code"
}

native_up() {
    local token
    choose_owner
    trap undo_start EXIT
    load_settings
    number_ports
    STEP="installing" && install_parts
    STEP="building" && build
    make_owner
    { mkdir -p "$STACK/run" && chmod 700 "$STACK"; } 2>/dev/null ||
        fail "cannot write to $STACK" "STACK_DATA=/srv/jornada bash init.sh, a folder on a disk with space"
    exec 9>"$STACK/run/lock"
    flock --nonblock 9 || fail "another init.sh is running here" "wait for it"
    STEP="checking the program" && check_update
    choose_queues
    STEP="installing the queue" && install_queues
    save_setting STACK_WAY native
    STEP="writing the settings" && write_all_files
    if supervisord_pid >/dev/null; then update_programs; else STEP="starting supervisord" && start_supervisord; fi
    STEP="starting the stores" && start_stores
    STEP="restoring" && restore_stores
    STEP="checking the data" && { check_data jornada >/dev/null || fail "the program does not take the data" "correct the reason above"; }
    STEP="starting the queue" && start_queues
    STEP="starting the instances" && start_in_turn app: "${INSTANCES[@]}"
    STEP="starting the consumers" && { [[ ${#QUEUES[@]} -gt 1 ]] || start_consumers "$STACK_QUEUE"; }
    STEP="starting nginx" && start_nginx
    STEP="starting the monitoring" && start_telemetry
    STEP="checking that it works"
    wait_until "a registration can be made and read back at $(site_url)" app1 registration_works "$(site_url)"
    STEP="creating the first token" && token=$(first_token native_token)
    STEP="emptying the former queue" && empty_former_queues
    trap - EXIT
    print_summary "$STACK/log" "bash init.sh --native ctl help" "$token"
    print_telemetry
}

# Fails if the system does not run, with the command that starts it.
need_native_system() {
    choose_owner
    load_settings
    number_ports
    supervisord_pid >/dev/null || fail "the system is not running (data: $STACK)" "bash init.sh --native"
}

native_status() {
    local name bad=0
    choose_owner
    load_settings
    number_ports
    supervisord_pid >/dev/null || { say "the system is not running (data: $STACK); to start it: bash init.sh --native" && return 3; }
    ctl status || bad=1
    for name in "${INSTANCES[@]}"; do
        if is_ready "$name"; then echo "$name ready"; else echo "$name NOT ready" && bad=1; fi
    done
    if registration_works "$(site_url)" >/dev/null; then
        echo "$(site_url) accepts registrations"
    else
        echo "$(site_url) does NOT accept registrations" && bad=1
    fi
    print_queue || bad=1
    print_telemetry
    return "$bad"
}

native_stop() {
    local name pid
    choose_owner
    [[ -f $STACK/.jornada-stack ]] || { say "there is no system in $STACK" && return; }
    if pid=$(supervisord_pid); then
        say "stopping; requests in flight can finish"
        for name in telemetry door app; do ctl stop "$name:*" >/dev/null || true; done
        stop_queues
        ctl stop "stores:*" >/dev/null || true
        ctl shutdown >/dev/null || kill -TERM "$pid"
        while [[ -d /proc/$pid ]]; do sleep 0.1; done
    fi
    end_leftovers
    say "stopped; the data are kept in $STACK"
}

native_down() {
    local name
    choose_owner
    [[ -f $STACK/.jornada-stack ]] || fail "$STACK does not contain a system of init.sh" "bash init.sh"
    confirm "$STACK, with every registration and photo"
    native_stop
    forget_boot
    # The folder itself may be a mount point, or /var/lib/jornada of a package.
    find "$STACK" -mindepth 1 -delete
    rmdir "$STACK" 2>/dev/null || true
    for name in STACK_STAFF_TOKEN STACK_WAY; do save_setting "$name"; done
    say "removed; kept: the secrets in $ENV_FILE, the user $OWNER, the packages of Debian and the programs in .tools"
}
