# shellcheck shell=bash
# Starts the native system with the machine, by systemd: a unit of the system if root runs it, else one of the user, who then
# stays logged in without a session (linger). Sourced by ops/native.sh.

UNIT=jornada.service

# Prints the unit. It takes the installed program, because a start of the machine is no time for a build.
boot_unit() {
    cat <<UNIT
[Unit]
Description=Jornada: registrations and votes, all parts under supervisord
Documentation=file:$PWD/docs/operations.md
Wants=network-online.target
After=network-online.target local-fs.target

[Service]
Type=oneshot
RemainAfterExit=yes
WorkingDirectory=$PWD
Environment=STACK_DATA=$STACK STACK_ENV_FILE=$ENV_FILE STACK_PROGRAM=$STACK/bin/jornada
ExecStart=/bin/bash $PWD/init.sh --native
ExecStop=/bin/bash $PWD/init.sh --native stop
# Indexes of a new version, and the stop of all parts in order.
TimeoutStartSec=15min
TimeoutStopSec=5min

[Install]
WantedBy=$1
UNIT
}

# Runs systemctl for the owner of the system: arguments.
boot_ctl() {
    if [[ $(id -u) -eq 0 ]]; then systemctl "$@"; else systemctl --user "$@"; fi
}

boot_folder() {
    if [[ $(id -u) -eq 0 ]]; then echo /etc/systemd/system; else echo "${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user"; fi
}

native_boot() {
    local target=multi-user.target
    need_native_system
    [[ -d /run/systemd/system ]] || fail "this machine does not run systemd" "start it from your own init system: bash $PWD/init.sh --native"
    [[ $PWD =~ ^[A-Za-z0-9._/+-]+$ && $ENV_FILE =~ ^[A-Za-z0-9._/+-]+$ ]] || fail "systemd cannot be given a path with blanks or signs: $PWD" "move the folder"
    [[ $(id -u) -eq 0 ]] || target=default.target
    mkdir -p "$(boot_folder)"
    boot_unit "$target" >"$(boot_folder)/$UNIT"
    boot_ctl daemon-reload
    boot_ctl enable --quiet "$UNIT" || fail "systemd does not take the unit" "systemctl status $UNIT"
    [[ $(id -u) -eq 0 ]] || loginctl enable-linger || fail "the system would stop when you log out" "sudo loginctl enable-linger $(id -un)"
    say "the system starts with the machine ($(boot_folder)/$UNIT); bash init.sh down removes that"
}

# Removes the unit, if this system has one.
forget_boot() {
    local file
    file=$(boot_folder)/$UNIT
    grep -qF "STACK_DATA=$STACK " "$file" 2>/dev/null || return 0
    boot_ctl disable --quiet "$UNIT" 2>/dev/null || true
    rm -f "$file"
    boot_ctl daemon-reload 2>/dev/null || true
}
