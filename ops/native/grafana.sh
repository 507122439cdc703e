# shellcheck shell=bash
# Grafana and Loki, which Debian does not package: they run only if they are installed. Sourced by ops/native.sh
# before ops/native/telemetry.sh.

# Sets GRAFANA to the command of an installed Grafana, and GRAFANA_HOME to the folder of its files.
find_grafana() {
    local found
    GRAFANA=
    if found=$(command -v grafana); then
        GRAFANA="$found server"
    elif found=$(command -v grafana-server); then
        GRAFANA=$found
    else
        return 1
    fi
    GRAFANA_HOME=$(dirname "$(dirname "$(readlink -f "$found")")")
    [[ -d $GRAFANA_HOME/conf ]] || GRAFANA_HOME=/usr/share/grafana
}

grafana_program() {
    find_grafana || return 0
    program grafana 20 "$GRAFANA --homepath $GRAFANA_HOME"
    cat <<CONF
environment=GF_SERVER_HTTP_ADDR="127.0.0.1",GF_SERVER_HTTP_PORT="${PORTS[grafana]}",
    GF_PATHS_DATA="$STACK/grafana/data",GF_PATHS_LOGS="$STACK/log/grafana",
    GF_PATHS_PROVISIONING="$STACK/grafana/provisioning",GF_SECURITY_ADMIN_PASSWORD="$STACK_GRAFANA_PASSWORD",
    GF_USERS_ALLOW_SIGN_UP="false",GF_UNIFIED_ALERTING_ENABLED="false",GF_ANALYTICS_REPORTING_ENABLED="false",
    GF_ANALYTICS_CHECK_FOR_UPDATES="false",GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES="false",
    JORNADA_GRAFANA_PROMETHEUS="http://127.0.0.1:${PORTS[prometheus]}",
    JORNADA_GRAFANA_LOKI="http://127.0.0.1:${PORTS[loki]}",JORNADA_GRAFANA_DASHBOARDS="$STACK/grafana/dashboards"

CONF
}

write_grafana() {
    find_grafana || return 0
    copy_files grafana/dashboards/*.json grafana/provisioning/*/*.yml
}

# Sets LOKI to the command of an installed Loki.
find_loki() {
    LOKI=$(command -v loki)
}

# The same settings as in Docker, except addresses and data folder.
write_loki() {
    find_loki || return 0
    sed "s| /loki| $STACK/loki/data|
        s|^  http_listen_port:.*|  http_listen_address: 127.0.0.1\n  http_listen_port: ${PORTS[loki]}\n  grpc_listen_port: ${PORTS[loki-grpc]}|" \
        loki/loki.yaml | write_file loki/loki.yaml
}

loki_program() {
    find_loki || return 0
    program loki 30 "$LOKI -config.file=$STACK/loki/loki.yaml"
}

# Prints the URL to which instances send log lines; nothing without Loki.
loki_url() {
    ! find_loki || echo "http://127.0.0.1:${PORTS[loki]}"
}

# Prints the address of Grafana, or how to install it.
print_grafana() {
    if find_grafana; then
        echo "  panels  http://127.0.0.1:${PORTS[grafana]} (Grafana: admin, STACK_GRAFANA_PASSWORD in .env)"
    else
        echo "  panels  none: install Grafana, see its documentation, then run bash init.sh again"
    fi
    find_loki || echo "  lines   not collected: install Loki, see its documentation, then run bash init.sh again"
}
