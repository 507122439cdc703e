#!/usr/bin/env bash
# Starts the whole system: nginx in front of three instances on MongoDB, S3 and Redis.
#
#   bash init.sh [--native]            start, or apply an update; a second run changes nothing
#   bash init.sh [--native] status     show the state; exit code 0 when a registration can be made
#   bash init.sh [--native] stop       stop; the data are kept
#   bash init.sh [--native] down       stop and remove the data, after confirmation, or without it with --yes
#   bash init.sh [--native] token NAME create one more API token for the staff
#   bash init.sh [--native] staff ...  staff accounts: staff add EMAIL --role admin, staff list, ...
#   bash init.sh [--native] backup DIR [--only-erased]   back up data and photos while the site runs, photos once; or only the
#                                      list of the erased in DIR
#   bash init.sh [--native] restore DIR [--check | --replace]    verify a backup, and replace the data by it
#   bash init.sh [--native] upgrade    replace the instances one at a time by the program of this folder; refuses an older one
#   bash init.sh [--native] audit ...  the audit log: audit verify, audit export
#   bash init.sh [--native] queue ...  the queue of votes: queue status; dead-letters list, ... (see STACK_QUEUE)
#   bash init.sh --native ctl ...      supervisorctl of the native system: restart app:app1, tail door:nginx, ...
#   bash init.sh --native boot         start the native system with the machine, by systemd
#
# The first start uses docker-compose.yml if a Docker engine is running; without one, or with --native, it runs directly on
# Debian or Ubuntu. Later runs keep to that way (STACK_WAY in .env).
# Settings and secrets are in .env (see ops/settings.sh). STACK_DATA=/path selects the data folder of the native system;
# STACK_PROGRAM=/path installs an existing program instead of building one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=ops/parts.sh
source ops/parts.sh
# shellcheck source=ops/servers.sh
source ops/servers.sh
# shellcheck source=ops/settings.sh
source ops/settings.sh
# shellcheck source=ops/layout.sh
source ops/layout.sh
# shellcheck source=ops/nginx.sh
source ops/nginx.sh
# shellcheck source=ops/probe.sh
source ops/probe.sh
# shellcheck source=ops/native.sh
source ops/native.sh
# shellcheck source=ops/docker.sh
source ops/docker.sh
# shellcheck source=ops/backup.sh
source ops/backup.sh
# shellcheck source=ops/way.sh
source ops/way.sh

YES=
UPGRADING= # set while `upgrade` runs, which asks before changes that cannot be undone

confirm() {
    local answer=
    [[ -z $YES ]] || return 0
    [[ -t 0 ]] || fail "cannot ask whether to remove $1: standard input is not a terminal" "bash init.sh down --yes"
    read -r -p "Remove $1? Type yes: " answer
    [[ $answer == yes ]] || fail "nothing was removed"
}

# Prints the addresses of a running system: location of the logs, status command, the token if it is new.
print_summary() {
    local url=${STACK_PUBLIC_URL:-$(site_url)}
    echo "Jornada is ready."
    echo "  form    $url/"
    echo "  chart   $url/c/vacunacion/chart"
    echo "  API     $url/api/docs"
    if [[ -n ${3:-} ]]; then
        echo "  token   $3"
        echo "          for the staff's reports; saved in .env, not shown again"
    else
        echo "  token   STACK_STAFF_TOKEN in .env; another one: bash init.sh token NAME"
    fi
    echo "  logs    $1"
    echo "  more    bash init.sh status; $2; docs/operations.md"
}

native_ctl() {
    need_native_system
    ctl "$@"
}

main() {
    local way='' verb words=()
    while [[ $# -gt 0 ]]; do
        case $1 in
            --native) way=native ;;
            --yes) YES=1 ;;
            *) words+=("$1") ;;
        esac
        shift
    done
    choose_way "$way"
    verb=${words[0]:-up}
    case $WAY.$verb.${#words[@]} in
        *.up.? | *.status.1 | *.stop.1 | *.down.1 | *.token.2 | *.staff.* | *.audit.* | *.queue.* | *.dead-letters.* | *.backup.[23] | *.restore.[234] | *.upgrade.1 | native.ctl.* | native.boot.1) "${WAY}_$verb" "${words[@]:1}" ;;
        docker.boot.1) fail "containers start with the engine, which must start with the machine" "systemctl enable docker" ;;
        docker.ctl.*) fail "ctl is for the native system" "docker compose ps" ;;
        *) fail "unknown arguments: ${words[*]}" "bash init.sh [--native] [status | stop | down [--yes] | token NAME | backup DIR | restore DIR | upgrade | staff ... | audit ... | queue ... | dead-letters ...]" ;;
    esac
}

main "$@"
