#!/bin/sh
# Prints alertmanager.yml with the mail settings of the environment, the same as of the watcher: JORNADA_SMTP
# (smtp://user:password@host:port or smtps://…), JORNADA_SMTP_CA, JORNADA_MAIL_FROM, JORNADA_MAIL_TO, JORNADA_MAIL_HELLO.
# Without them, or with a folder (file:…) instead of a server, no mails are sent. Each recipient gets a mail of its own, so
# that a dead mailbox keeps none from the others. Plain sh, because it also runs in Alertmanager's own image:
# alertmanager.sh FILE
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

fail() {
    echo "alertmanager.sh: $1" >&2
    exit 1
}

# Prints the address without a name before it: Ana <ana@example.org>.
bare() { printf %s "$1" | sed 's/^.*<//; s/>.*$//; s/^ *//; s/ *$//'; }

# Fails for letters in an address that few mail servers accept. The watcher converts domains, this script does not.
check_address() {
    case $(bare "$1" | LC_ALL=C tr -d ' -~') in
        "") ;;
        *) fail "$2: write the domain with the letters a to z (xn--…), as Alertmanager cannot convert it" ;;
    esac
}

case ${JORNADA_SMTP:-} in
    smtp://*) port=25 ;;
    smtps://*) port=465 ;;
    *) exec sed '/^    email_configs:/,$d' "$1" ;;
esac
# With a user, or if asked for, the connection is encrypted by STARTTLS, usually on port 587.
TLS=false
case $JORNADA_SMTP in
    smtps://*) TLS=true ;;
    *\?*tls=required* | smtp://*:*@*) TLS=true port=587 ;;
    *\?*tls=opportunistic*) port=587 ;;
esac

rest=${JORNADA_SMTP#*://}
rest=${rest%%[/?]*}
login=
case $rest in *@*) login=${rest%@*} rest=${rest##*@} ;; esac
case $rest in
    *]:* | *[!:]:[0-9]*) ;;
    *) rest=$rest:$port ;;
esac
# Alertmanager encrypts from the first byte on only on port 465.
case $JORNADA_SMTP in
    smtps://*)
        [ "${rest##*:}" = 465 ] ||
            fail "JORNADA_SMTP: for smtps:// Alertmanager needs port 465; use that, or smtp://…?tls=required"
        ;;
esac

SMARTHOST=$(quote "$rest")
FROM=$(quote "${JORNADA_MAIL_FROM:?a sender is required}")
check_address "$JORNADA_MAIL_FROM" JORNADA_MAIL_FROM
# One line for each recipient, quoted.
TO=$(
    printf '%s\n' "${JORNADA_MAIL_TO:?a recipient is required}" | tr ',' '\n' | while IFS= read -r one; do
        one=$(printf %s "$one" | sed 's/^ *//; s/ *$//')
        [ -n "$one" ] || continue
        check_address "$one" JORNADA_MAIL_TO
        printf '%s\n' "$(quote "$one")"
    done
) || exit
# As the watcher: the setting, else the full name of the machine, else the domain of the sender.
HELLO=${JORNADA_MAIL_HELLO:-$(hostname -f 2>/dev/null || hostname)}
case $HELLO in
    *.*) ;;
    *) [ -n "${JORNADA_MAIL_HELLO:-}" ] || HELLO=$(bare "${JORNADA_MAIL_FROM#*@}") ;;
esac
HELLO=$(quote "$HELLO")
CA=
[ -z "${JORNADA_SMTP_CA:-}" ] || CA=$(quote "$JORNADA_SMTP_CA")
LOGIN=
if [ -n "$login" ]; then
    LOGIN="  smtp_auth_username: $(quote "$(decode "${login%%:*}")")
  smtp_auth_password: $(quote "$(decode "${login#*:}")")"
fi
export SMARTHOST FROM TO TLS LOGIN HELLO CA
exec awk '
    $1 == "smtp_smarthost:"   { print "  smtp_smarthost: " ENVIRON["SMARTHOST"]; next }
    $1 == "smtp_hello:"       { print "  smtp_hello: " ENVIRON["HELLO"]; next }
    $1 == "smtp_from:"        { print "  smtp_from: " ENVIRON["FROM"]; next }
    $1 == "smtp_require_tls:" { print "  smtp_require_tls: " ENVIRON["TLS"]; if (ENVIRON["LOGIN"] != "") print ENVIRON["LOGIN"]; next }
    # The receiver of mails, the last part of the file, is repeated for each recipient.
    $1 == "-" && $2 == "to:"  { inside = 1; next }
    inside                    { receiver = receiver $0 "\n"; next }
    { print }
    END {
        count = split(ENVIRON["TO"], recipients, "\n")
        for (i = 1; i <= count; i++) {
            printf "      - to: %s\n%s", recipients[i], receiver
            if (ENVIRON["CA"] != "") print "        tls_config: { ca_file: " ENVIRON["CA"] " }"
        }
    }
' "$1"
