# shellcheck shell=bash
# The watcher of the native system, a part of the monitoring: it starts last and stops first, so that a stop of the
# whole system sends no mail. Sourced by ops/native.sh after ops/native/telemetry.sh.

write_watch() {
    local name urls=() others=("http://127.0.0.1:${PORTS[nginx_status]}/nginx_status")
    for name in "${INSTANCES[@]}"; do urls+=("http://127.0.0.1:${PORTS[ops${name#app}]}"); done
    for name in "${CONSUMERS[@]}"; do others+=("http://127.0.0.1:${PORTS[ops$name]}/readyz"); done
    write_file watch/.env <<ENV
JORNADA_INSTANCE='watch'
JORNADA_WATCH='$(IFS=, && echo "${urls[*]}")'
JORNADA_WATCH_ALSO='$(IFS=, && echo "${others[*]}")'
JORNADA_WATCH_LISTEN='127.0.0.1:${PORTS[watch]}'
JORNADA_WATCH_DATA='$STACK/watch/data'
JORNADA_WATCH_NEUTRAL='$STACK_WATCH_NEUTRAL'
JORNADA_WATCH_URL='http://127.0.0.1:${PORTS[watch]}/'
JORNADA_WATCH_DASHBOARD='$(! find_grafana || echo "http://127.0.0.1:${PORTS[grafana]}/")'
JORNADA_CACHE='redis://:$STACK_REDIS_PASSWORD@127.0.0.1:${PORTS[redis]}/'
JORNADA_SMTP='${STACK_SMTP:-file:$STACK/watch/mail}'
JORNADA_SMTP_CA='$STACK_SMTP_CA'
JORNADA_MAIL_FROM='$STACK_MAIL_FROM'
JORNADA_MAIL_TO='$STACK_MAIL_TO'
JORNADA_MAIL_HELLO='$STACK_MAIL_HELLO'
JORNADA_LOKI='$(loki_url)'
JORNADA_LOG_FORMAT='json'
ENV
}

watch_program() {
    # A mail that is being sent has 10 s to finish.
    program watch 15 "$STACK/bin/jornada watch"
}

# Restarts a running watcher if its program or settings have changed; its state is on disk.
renew_watch() {
    local now
    now=$(cat "$STACK/bin/jornada" "$STACK/watch/.env" | sha256sum)
    if is_running telemetry:watch && [[ $now != "$(cat "$STACK/watch/stamp" 2>/dev/null)" ]]; then
        ctl restart telemetry:watch >/dev/null || say "the watcher does not start: look into $STACK/log/watch.log"
    fi
    write_file watch/stamp <<<"$now"
}

print_watch() {
    echo "  watch   http://127.0.0.1:${PORTS[watch]} (mails: ${STACK_MAIL_TO:-none, see STACK_SMTP in docs/operations.md})"
}
