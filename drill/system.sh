# shellcheck shell=bash
# What every drill stands on: the running native system and what can be done to it. Sourced by drill/run.sh and
# drill/watch.sh from the project's folder.

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

# Finds the system that runs here.
find_system() {
    choose_owner
    load_settings
    number_ports
    supervisord_pid >/dev/null || fail "the system does not run" "bash init.sh --native"
}

# Makes a folder anew, where the system's owner may write as well: path.
make_anew() {
    rm -rf "$1"
    mkdir "$1"
    [[ $OWNER == "$(id -un)" ]] || chown "$OWNER:" "$1"
}
