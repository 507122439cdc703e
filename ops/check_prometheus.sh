# shellcheck shell=bash
# Checks prometheus/ with the tools of Prometheus and Alertmanager. Sourced by test.sh after ops/parts.sh.

check_prometheus() {
    local work address
    work=$(mktemp -d "${TMPDIR:-/tmp}/jornada-check.XXXXXX")
    cp -r prometheus/. "$work"
    cp -r prometheus/docker "$work/here"
    promtool check config "$work/prometheus.yml" || return
    promtool test rules prometheus/tests/*.yml || return
    /usr/bin/python3 ops/check_alerts.py prometheus || return
    for address in "" smtp://127.0.0.1:1025 smtps://user:p%27ss@mail.example.org; do
        JORNADA_SMTP=$address JORNADA_MAIL_FROM=jornada@example.org JORNADA_MAIL_TO="admin@example.org, Ana <ana@example.org>" \
            JORNADA_SMTP_CA=$work/ca.pem sh prometheus/alertmanager.sh prometheus/alertmanager.yml >"$work/alertmanager.yml" || return
        amtool check-config "$work/alertmanager.yml" || return
    done
    # Each recipient gets a mail of its own, and the server is greeted with a name.
    [[ $(grep -c '^      - to: ' "$work/alertmanager.yml") == 2 ]] || return
    grep -q "^  smtp_hello: '.*\..*'" "$work/alertmanager.yml" || return
    ! JORNADA_SMTP=smtps://mail.example.org:8465 JORNADA_MAIL_FROM=a@example.org JORNADA_MAIL_TO=a@example.org \
        sh prometheus/alertmanager.sh prometheus/alertmanager.yml 2>/dev/null || return
    check_routes "$work/alertmanager.yml" || return
    check_mail || return
    rm -r "$work"
}

# Checks the receivers: the administrator gets every alert except WatchStands.
check_routes() {
    amtool config routes test --config.file="$1" --verify.receivers=nobody severity=none alertname=WatchStands &&
        amtool config routes test --config.file="$1" --verify.receivers=administrator severity=page alertname=StoreDown &&
        amtool config routes test --config.file="$1" --verify.receivers=administrator severity=ticket alertname=CacheDown
}

# Renders the templates: a mistake in one would otherwise show only when an alert fires.
check_mail() {
    local part
    for part in subject text html; do
        amtool template render --template.glob=prometheus/mail.tmpl --template.text="{{ template \"jornada.$part\" . }}" ||
            return
    done
}
