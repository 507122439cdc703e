# shellcheck shell=bash
# Common parts of all drills: the running native system and its faults. Sourced by drill/run.sh, drill/watch.sh and
# drill/hostile.sh from the root of the repository.

# shellcheck source=ops/parts.sh
source ops/parts.sh
# shellcheck source=ops/servers.sh
source ops/servers.sh
# shellcheck source=ops/settings.sh
source ops/settings.sh
# shellcheck source=ops/layout.sh
source ops/layout.sh
# shellcheck source=ops/native.sh
source ops/native.sh
# shellcheck source=drill/faults.sh
source drill/faults.sh

# Reads the settings of the system on this machine; fails if it is not running.
find_system() {
    choose_owner
    load_settings
    number_ports
    supervisord_pid >/dev/null || fail "the system is not running" "bash init.sh --native"
}

# Recreates a folder that the system's user may write to: path.
recreate_folder() {
    rm -rf "$1"
    mkdir "$1"
    [[ $OWNER == "$(id -un)" ]] || chown "$OWNER:" "$1"
}
