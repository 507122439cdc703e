#!/usr/bin/env bash
# The drill of Docker: starts the whole system with docker-compose.yml from nothing, registers, lists, counts and mails, asks
# for every verb of init.sh in every state, breaks an update in two ways, ends parts from outside, and restores a backup. Uses
# the engine of this machine, or one of its own, and stand-ins for images that cannot be pulled (drill/docker/engine.sh). Not
# part of test.sh yet.
#
#   STACK_PROGRAM=target/debug/jornada bash drill/docker.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=ops/parts.sh
source ops/parts.sh
# shellcheck source=drill/docker/engine.sh
source drill/docker/engine.sh

: "${STACK_PROGRAM:?a built program}"
STACK_PROGRAM=$(realpath "$STACK_PROGRAM")
MISSED=0

miss() {
    say "MISSED: $*"
    MISSED=1
}

# Runs init.sh and checks its exit code and a part of its output: code, part, arguments.
expect() {
    local code=0 start=$SECONDS
    bash init.sh "${@:3}" >"$FOLDER/output" 2>&1 || code=$?
    [[ $code == "$1" ]] || miss "init.sh ${*:3}: exit code $code instead of $1: $(tail -n 5 "$FOLDER/output")"
    grep -qF -- "$2" "$FOLDER/output" || miss "init.sh ${*:3} does not say '$2': $(tail -n 5 "$FOLDER/output")"
    ! grep -qE 'unbound variable|No such file|: line [0-9]+:' "$FOLDER/output" || miss "init.sh ${*:3}: $(cat "$FOLDER/output")"
    say "init.sh ${*:3}: $code, $((SECONDS - start)) s"
}

container() {
    docker ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --filter "label=com.docker.compose.service=$1"
}

running() {
    docker ps --no-trunc --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME" --format '{{.ID}} {{.Names}}' | sort
}

status_of() {
    curl --silent --max-time 10 --output "${2:-/dev/null}" --write-out '%{http_code}' "http://$STACK_LISTEN$1" || true
}

# Waits for a command: what is expected, command.
eventually() {
    local deadline=$((SECONDS + 60)) what=$1
    shift
    until "$@"; do
        ((SECONDS < deadline)) || { miss "$what" && return 0; }
        sleep 0.5
    done
}

answers() {
    [[ $(status_of "$1") == "$2" ]]
}

# Registers an invented person and prints the receipt: document.
register() {
    base64 -d <<<"$PROBE_PHOTO" | curl --silent --max-time 30 --form nombre="Ana Ejemplo" --form "documento=$1" --form ciudad=Cali \
        --form "foto=@-;filename=a.png;type=image/png" "http://$STACK_LISTEN/api/v1/campaigns/simulacro/registrations" |
        sed -n 's/.*"receipt":"\([^"]*\)".*/\1/p'
}

chart_counts_one() {
    [[ $(curl --silent --max-time 10 "http://$STACK_LISTEN/api/v1/campaigns/simulacro/chart") =~ '"total":1'[^0-9] ]]
}

listed() {
    curl --silent --max-time 30 --header "Authorization: Bearer $(sed -n 's/^STACK_STAFF_TOKEN=//p' "$STACK_ENV_FILE")" \
        "http://$STACK_LISTEN/api/v1/campaigns/simulacro/reports/_all.csv" | grep -q "Ana Ejemplo"
}

# The mails of the watcher are files in its volume, because the drill sets no mail server.
mailed() {
    grep -rlq "$1" "$(docker volume inspect --format '{{.Mountpoint}}' "${COMPOSE_PROJECT_NAME}_watch")" 2>/dev/null
}

# Ends the first process of a service from outside: `docker kill` would count as a stop by hand.
end_service() {
    kill -KILL "$(docker inspect --format '{{.State.Pid}}' "$(container "$1")")"
}

when_nothing_is_there() {
    say "-- nothing is there"
    expect 3 "not running" status
    expect 0 "not running" stop
    expect 1 "there is no system" down --yes
    expect 1 "bash init.sh" staff list
    expect 1 "bash init.sh" token x
    expect 1 "for the native system" ctl status
    expect 1 "unknown arguments" walk
}

from_nothing() {
    say "-- from nothing"
    expect 0 "Jornada is ready"
    [[ $MISSED -eq 0 ]] || fail "the system does not start"
    RECEIPT=$(register 1032456789)
    [[ -n $RECEIPT ]] || miss "no receipt"
    eventually "the receipt is shown" answers "/r/$RECEIPT" 200
    eventually "the chart counts one" chart_counts_one
    eventually "the person is in the list" listed
    expect 0 "accepts registrations" status
    expect 0 "http://$STACK_LISTEN/staff/password/" staff add ana@example.org --role admin
    expect 1 "in Docker, not on this machine" --native status
}

updates() {
    local before
    say "-- updates"
    before=$(running)
    DOCKER_HOST=unix:///nowhere expect 1 "does not answer" status
    DOCKER_BUILDKIT=0 COMPOSE_FILE=docker-compose.yml:$FOLDER/broken.yml expect 1 "cannot be built"
    [[ $(running) == "$before" ]] || miss "a failing build has changed what runs"
    STACK_EXEMPT=nonsense expect 1 "app1 is ready"
    [[ $(status_of /healthz) == 200 && $(running) == *app2* && $(running) == *app3* ]] || miss "a wrong setting has stopped the site"
    before=$(running | grep -v app)
    STACK_EXEMPT=127.0.0.0/8 STACK_PROXY=10.0.0.5 expect 0 "reloaded nginx"
    [[ $(running | grep -v app) == "$before" ]] || miss "a changed file has replaced other services"
}

parts_end() {
    say "-- parts end"
    docker restart "$(container nginx)" >/dev/null
    eventually "nginx answers after a restart" answers /healthz 200
    end_service nginx
    eventually "nginx answers after its end" answers /healthz 200
    docker stop --time 1 "$(container app2)" >/dev/null
    if grep -q " resolve " "$STACK_FILES/nginx/here/http.conf"; then docker restart "$(container nginx)" >/dev/null; fi
    eventually "nginx answers without an instance" answers /healthz 200
    eventually "a mail reports the instance" mailed "app2"
    door_is_full
    end_service mongo1
    eventually "a registration is possible after the end of a member" registers_again
}

# A body that nginx cannot store is refused in words.
door_is_full() {
    docker exec "$(container nginx)" dd if=/dev/zero of=/var/cache/nginx/full bs=1M >/dev/null 2>&1 || true
    [[ $(head -c 400000 /dev/zero | curl --silent --max-time 10 --data-binary @- --output "$FOLDER/words" --write-out '%{http_code}' \
        "http://$STACK_LISTEN/c/simulacro") == 500 ]] || miss "a full folder of nginx is not a 500"
    grep -q "El sitio no responde" "$FOLDER/words" || miss "a full folder of nginx is not explained"
    docker exec "$(container nginx)" rm -f /var/cache/nginx/full || true
}

registers_again() {
    [[ $(register 2000000001) == ?* ]]
}

backups() {
    say "-- backup, upgrade, restore"
    expect 0 "Keep apart from it" backup "$FOLDER/backups"
    expect 0 "is complete" restore "$FOLDER/backups" --check
    expect 1 "the site runs" restore "$FOLDER/backups"
    expect 0 "upgraded from" upgrade
    expect 0 "restored and verified" restore "$FOLDER/backups" --replace
    eventually "the receipt is shown after a restore" answers "/r/$RECEIPT" 200
}

stop_and_start() {
    say "-- stop and start"
    expect 0 "stopped" stop
    expect 3 "not running" status
    expect 1 "bash init.sh" audit verify
    expect 0 "Jornada is ready"
    eventually "the receipt is shown after a stop" answers "/r/$RECEIPT" 200
    expect 0 "removed" down --yes
    [[ -z $(docker volume ls --quiet --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME") ]] || miss "volumes are left"
}

clean_up() {
    local code=$?
    trap - EXIT
    bash init.sh down --yes >/dev/null 2>&1 || true
    stop_engine
    rm -rf "$FOLDER" || true
    exit "$code"
}

# A private engine starts on a machine without one; both kinds of Compose read the same settings.
prepare() {
    local ports
    need_packages docker-compose python3
    read -r -a ports < <(/usr/bin/python3 ops/free_ports.py 3)
    FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/jornada-docker.XXXXXX")
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    export COMPOSE_PROJECT_NAME=jornada-drill STACK_ENV_FILE=$FOLDER/env STACK_FILES=$FOLDER/files STACK_WAY=docker
    export STACK_LISTEN=127.0.0.1:${ports[0]} STACK_GRPC_LISTEN=127.0.0.1:${ports[1]} STACK_GRAFANA_LISTEN=127.0.0.1:${ports[2]}
    printf 'services: { app1: { build: %s } }\n' "$FOLDER/nothing" >"$FOLDER/broken.yml"
    need_engine "$FOLDER"
    need_images "$FOLDER"
}

PROBE_PHOTO=$(sed -n 's/^PROBE_PHOTO=//p' ops/probe.sh)
prepare
when_nothing_is_there
from_nothing
updates
parts_end
backups
stop_and_start
say "the drill of Docker took $SECONDS s"
[[ $MISSED -eq 0 ]]
