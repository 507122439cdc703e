# shellcheck shell=bash
# Monitoring of the native system: Prometheus, Alertmanager and the exporters; Grafana and Loki if they are installed.
# Registrations do not depend on any of it: if a part does not start, a message says so and the start continues. Sourced by
# ops/native.sh.

# --- Files

# Writes Prometheus' targets of one job: job, then pairs of a target's name and its address.
write_targets() {
    local job=$1
    shift
    while [[ $# -gt 0 ]]; do
        printf -- '- targets: ["%s"]\n  labels: { instance: %s, __param_target: %s }\n' "$2" "$1" "$1"
        shift 2
    done | write_file "prometheus/here/$job.yml"
}

# Copies files to the same paths below the stack's folder.
copy_files() {
    local file
    for file in "$@"; do write_file "$file" <"$PWD/$file"; done
}

write_prometheus() {
    local name number served=() readers=() members=()
    copy_files prometheus/rules/*
    # The consumers of Docker are found by DNS.
    sed '/dns_sd_configs/d' prometheus/prometheus.yml | write_file prometheus/prometheus.yml
    for name in "${INSTANCES[@]}"; do
        number=${name#app}
        served+=("$name" "127.0.0.1:${PORTS[ops$number]}")
    done
    for name in "${CONSUMERS[@]}"; do readers+=("$name" "127.0.0.1:${PORTS[ops$name]}"); done
    # One exporter, scraped for each member.
    for name in "${MONGODS[@]}"; do members+=("$name" "127.0.0.1:${PORTS[mongodb-exporter]}"); done
    write_targets jornada "${served[@]}"
    write_targets consumer "${readers[@]}"
    write_targets mongodb "${members[@]}"
    write_targets node host "127.0.0.1:${PORTS[node-exporter]}"
    write_targets redis redis "127.0.0.1:${PORTS[redis-exporter]}"
    write_targets nginx nginx "127.0.0.1:${PORTS[nginx-exporter]}"
    write_targets watch watch "127.0.0.1:${PORTS[watch]}"
    write_targets alertmanager alertmanager "127.0.0.1:${PORTS[alertmanager]}"
}

write_alertmanager() {
    write_file alertmanager/mail.tmpl <prometheus/mail.tmpl
    JORNADA_SMTP=$STACK_SMTP JORNADA_SMTP_CA=$STACK_SMTP_CA JORNADA_MAIL_FROM=$STACK_MAIL_FROM JORNADA_MAIL_TO=$STACK_MAIL_TO \
        JORNADA_MAIL_HELLO=$STACK_MAIL_HELLO sh prometheus/alertmanager.sh prometheus/alertmanager.yml | write_file alertmanager/alertmanager.yml
}

write_mongodb_members() {
    local name
    for name in "${MONGODS[@]}"; do
        printf '%s mongodb://monitor:%s@127.0.0.1:%s/?directConnection=true&authSource=admin\n' \
            "$name" "$STACK_MONGODB_MONITOR_PASSWORD" "${PORTS[$name]}"
    done | write_file mongodb-exporter/members
}

write_telemetry() {
    write_prometheus
    write_alertmanager
    write_mongodb_members
    write_file mongodb-exporter/mongodb_exporter.py <ops/mongodb_exporter.py
    write_loki
    write_grafana
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

# Prints supervisord's list of the programs, in starting order.
telemetry_names() {
    local names="node-exporter,nginx-exporter,redis-exporter,mongodb-exporter,alertmanager,prometheus"
    if find_loki; then names+=,loki; fi
    if find_grafana; then names+=,grafana; fi
    echo "$names,watch"
}

# --- Start

# Sends HUP to a running program whose settings have changed: name, files...
reload() {
    local name=$1 now
    shift
    now=$(cat "$@" | sha256sum)
    if is_running "telemetry:$name" && [[ $now != "$(cat "$STACK/$name/stamp" 2>/dev/null)" ]]; then
        ctl signal HUP "telemetry:$name" >/dev/null || say "cannot reload $name"
    fi
    write_file "$name/stamp" <<<"$now"
}

start_telemetry() {
    local name names fresh=()
    IFS=, read -r -a names < <(telemetry_names)
    for name in "${names[@]}"; do is_running "telemetry:$name" || fresh+=("telemetry:$name"); done
    # As a group they start in parallel.
    [[ ${#fresh[@]} -lt ${#names[@]} ]] || fresh=("telemetry:*")
    if [[ ${#fresh[@]} -gt 0 ]]; then
        ctl start "${fresh[@]}" >/dev/null || say "some parts of the monitoring did not start: bash init.sh status"
    fi
    renew_watch
    reload prometheus "$STACK"/prometheus/prometheus.yml "$STACK"/prometheus/rules/*
    reload alertmanager "$STACK"/alertmanager/alertmanager.yml "$STACK"/alertmanager/mail.tmpl
}

# Prints the addresses of the monitoring; for `status` and a start.
print_telemetry() {
    print_watch
    echo "  metrics http://127.0.0.1:${PORTS[prometheus]} (Prometheus)"
    echo "  alerts  http://127.0.0.1:${PORTS[alertmanager]} (Alertmanager)"
    print_grafana
}
