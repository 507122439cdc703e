#!/bin/sh
# Prints alertmanager.yml with the mail settings of the environment: JORNADA_SMTP (smtp://user:password@host:port or
# smtps://…), JORNADA_MAIL_FROM, JORNADA_MAIL_TO. Without them, or with a folder (file:…) instead of a server, no mails are
# sent. Plain sh, because it also runs in Alertmanager's own image: alertmanager.sh FILE
set -eu

# Decodes percent-encoding: %41 is A.
decode() {
    TEXT=$1 LC_ALL=C awk 'BEGIN {
        text = ENVIRON["TEXT"]
        while (match(text, /%[0-9A-Fa-f][0-9A-Fa-f]/)) {
            high = index("0123456789abcdef", tolower(substr(text, RSTART + 1, 1))) - 1
            low = index("0123456789abcdef", tolower(substr(text, RSTART + 2, 1))) - 1
            printf "%s%c", substr(text, 1, RSTART - 1), 16 * high + low
            text = substr(text, RSTART + 3)
        }
        printf "%s", text
    }'
}

# Quotes a text for YAML.
quote() { printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"; }

case ${JORNADA_SMTP:-} in
    smtp://*) port=25 ;;
    smtps://*) port=465 ;;
    *) exec sed '/^    email_configs:/,$d' "$1" ;;
esac

rest=${JORNADA_SMTP#*://}
rest=${rest%%[/?]*}
login=
case $rest in *@*) login=${rest%@*} rest=${rest##*@} ;; esac
case $rest in *:*) ;; *) rest=$rest:$port ;; esac

SMARTHOST=$(quote "$rest")
FROM=$(quote "${JORNADA_MAIL_FROM:?a sender is required}")
TO=$(quote "${JORNADA_MAIL_TO:?a recipient is required}")
LOGIN=
# A password requires an encrypted connection.
TLS=false
if [ -n "$login" ]; then
    TLS=true
    LOGIN="  smtp_auth_username: $(quote "$(decode "${login%%:*}")")
  smtp_auth_password: $(quote "$(decode "${login#*:}")")"
fi
export SMARTHOST FROM TO TLS LOGIN
exec awk '
    $1 == "smtp_smarthost:"   { print "  smtp_smarthost: " ENVIRON["SMARTHOST"]; next }
    $1 == "smtp_from:"        { print "  smtp_from: " ENVIRON["FROM"]; next }
    $1 == "smtp_require_tls:" { print "  smtp_require_tls: " ENVIRON["TLS"]; if (ENVIRON["LOGIN"] != "") print ENVIRON["LOGIN"]; next }
    $1 == "-" && $2 == "to:"  { print "      - to: " ENVIRON["TO"]; next }
    { print }
' "$1"
