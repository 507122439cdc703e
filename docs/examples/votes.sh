#!/bin/sh
# Sends a vote, and a batch of votes, each exactly once: whatever is not acknowledged is sent again with the same key.
#   sh votes.sh RUN    RUN is a name that no other run has had, or that of a run to be repeated
set -eu
site=${JORNADA_SITE:-http://127.0.0.1:4000}
campaign=${JORNADA_CAMPAIGN:-elecciones}
run=${1:?a name for this run}

# Sends votes: path, key, JSON. curl repeats after 408, 429, 5xx and a lost connection, and waits as Retry-After says.
send() {
    curl --silent --show-error --fail-with-body --max-time 20 --retry 8 --retry-connrefused \
        --header 'Content-Type: application/json' --header "Idempotency-Key: $2" \
        ${JORNADA_TOKEN:+--header "Authorization: Bearer $JORNADA_TOKEN"} \
        --data "$3" "$site/api/v1/campaigns/$campaign/$1"
}

send votes "$run-mesa-17" \
    '{"sede": 17, "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Blanca", "partido": "UNE"}'
echo

# Vote number i of a batch has the key "$run-mesa-18/i".
while :; do
    answer=$(send votes/batch "$run-mesa-18" '[
        {"sede": 18, "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Blanca", "partido": "UNE"},
        {"sede": 18, "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Verde", "partido": "SEMILLA"}]')
    echo "$answer"
    case $answer in
        *'"unavailable"'*) sleep 2 ;;
        *) break ;;
    esac
done
