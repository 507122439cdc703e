# shellcheck shell=bash
# What shows how the native system is: Prometheus, Alertmanager and the exporters; with Grafana and Loki where
# they are installed.
# Registrations never wait for any of it: what does not start is told, and the start goes on. Sourced by ops/native.sh.

# --- Files

# Prometheus' list of one job: job, then pairs of a target's name and its address.
lay_targets() {
    local job=$1
    shift
    while [[ $# -gt 0 ]]; do
        printf -- '- targets: ["%s"]\n  labels: { instance: %s, __param_target: %s }\n' "$2" "$1" "$1"
        shift 2
    done | lay "prometheus/here/$job.yml"
}

# The same files at the same places of the stack.
lay_copies() {
    local file
    for file in "$@"; do lay "$file" <"$PWD/$file"; done
}

lay_prometheus() {
    local name number served=() members=()
    lay_copies prometheus/prometheus.yml prometheus/rules/*
    for name in "${INSTANCES[@]}"; do
        number=${name#app}
        served+=("$name" "127.0.0.1:${PORTS[ops$number]}")
    done
    # One exporter, asked for each member.
    for name in "${MONGODS[@]}"; do members+=("$name" "127.0.0.1:${PORTS[mongodb-exporter]}"); done
    lay_targets jornada "${served[@]}"
    lay_targets mongodb "${members[@]}"
    lay_targets node host "127.0.0.1:${PORTS[node-exporter]}"
    lay_targets redis redis "127.0.0.1:${PORTS[redis-exporter]}"
    lay_targets nginx nginx "127.0.0.1:${PORTS[nginx-exporter]}"
    lay_targets watch watch "127.0.0.1:${PORTS[watch]}"
    lay_targets alertmanager alertmanager "127.0.0.1:${PORTS[alertmanager]}"
}

lay_alertmanager() {
    lay alertmanager/mail.tmpl <prometheus/mail.tmpl
    JORNADA_SMTP=$STACK_SMTP JORNADA_MAIL_FROM=$STACK_MAIL_FROM JORNADA_MAIL_TO=$STACK_MAIL_TO \
        sh prometheus/alertmanager.sh prometheus/alertmanager.yml | lay alertmanager/alertmanager.yml
}

lay_members() {
    local name
    for name in "${MONGODS[@]}"; do
        printf '%s mongodb://monitor:%s@127.0.0.1:%s/?directConnection=true&authSource=admin\n' \
            "$name" "$STACK_MONGODB_MONITOR_PASSWORD" "${PORTS[$name]}"
    done | lay mongodb-exporter/members
}

lay_telemetry() {
    lay_prometheus
    lay_alertmanager
    lay_members
    lay mongodb-exporter/mongodb_exporter.py <ops/mongodb_exporter.py
    lay_loki
    lay_grafana
}

# --- Programs

telemetry_programs() {
    program prometheus 20 "/usr/bin/prometheus --config.file=$STACK/prometheus/prometheus.yml \
--storage.tsdb.path=$STACK/prometheus/data --storage.tsdb.retention.time=31d --storage.tsdb.retention.size=2GB \
--web.listen-address=127.0.0.1:${PORTS[prometheus]}"
    program alertmanager 10 "/usr/bin/prometheus-alertmanager --config.file=$STACK/alertmanager/alertmanager.yml \
--storage.path=$STACK/alertmanager/data --web.listen-address=127.0.0.1:${PORTS[alertmanager]} \
--cluster.listen-address="
    program node-exporter 5 "/usr/bin/prometheus-node-exporter --web.listen-address=127.0.0.1:${PORTS[node-exporter]}"
    program nginx-exporter 5 "/usr/bin/prometheus-nginx-exporter \
-nginx.scrape-uri http://127.0.0.1:${PORTS[nginx_status]}/nginx_status \
-web.listen-address 127.0.0.1:${PORTS[nginx-exporter]}"
    program redis-exporter 5 "/usr/bin/prometheus-redis-exporter -redis.addr redis://127.0.0.1:${PORTS[redis]} \
-web.listen-address 127.0.0.1:${PORTS[redis-exporter]}"
    echo "environment=REDIS_PASSWORD=\"$STACK_REDIS_PASSWORD\""
    program mongodb-exporter 5 "/usr/bin/python3 $STACK/mongodb-exporter/mongodb_exporter.py \
$STACK/mongodb-exporter/members ${PORTS[mongodb-exporter]}"
    loki_program
    grafana_program
}

# supervisord's list of them, in the order in which they start.
telemetry_names() {
    local names="node-exporter,nginx-exporter,redis-exporter,mongodb-exporter,alertmanager,prometheus"
    if find_loki; then names+=,loki; fi
    if find_grafana; then names+=,grafana; fi
    echo "$names,watch"
}

# --- Start

# Sends HUP to a program whose settings are not those that it has read: name, files...
reload() {
    local name=$1 now
    shift
    now=$(cat "$@" | sha256sum)
    if is_running "telemetry:$name" && [[ $now != "$(cat "$STACK/$name/stamp" 2>/dev/null)" ]]; then
        ctl signal HUP "telemetry:$name" >/dev/null || say "$name does not read its new settings"
    fi
    lay "$name/stamp" <<<"$now"
}

start_telemetry() {
    local name names fresh=()
    IFS=, read -r -a names < <(telemetry_names)
    for name in "${names[@]}"; do is_running "telemetry:$name" || fresh+=("telemetry:$name"); done
    # As a group they start side by side.
    [[ ${#fresh[@]} -lt ${#names[@]} ]] || fresh=("telemetry:*")
    if [[ ${#fresh[@]} -gt 0 ]]; then
        ctl start "${fresh[@]}" >/dev/null || say "not all that shows how it is could start: bash init.sh status"
    fi
    renew_watch
    reload prometheus "$STACK"/prometheus/prometheus.yml "$STACK"/prometheus/rules/*
    reload alertmanager "$STACK"/alertmanager/alertmanager.yml "$STACK"/alertmanager/mail.tmpl
}

# Where to look; `status` and a start print it.
tell_telemetry() {
    tell_watch
    echo "  metrics http://127.0.0.1:${PORTS[prometheus]} (Prometheus)"
    echo "  alerts  http://127.0.0.1:${PORTS[alertmanager]} (Alertmanager)"
    tell_grafana
}
