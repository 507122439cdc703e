#!/usr/bin/env bash
# Creates the Secrets that the overlays refer to. One that exists is kept as it is: without JORNADA_PHOTO_KEY no photo can be
# decrypted, so store a copy of it elsewhere.
#
#   bash k8s/secrets.sh local                 passwords of the stores in the cluster are generated
#   bash k8s/secrets.sh production            the addresses of the stores come from the environment: JORNADA_STORE, JORNADA_CACHE,
#                                             AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; JORNADA_QUEUE if it is not that of Strimzi
#   bash k8s/secrets.sh --print OVERLAY       print the Secrets instead
#
# From the environment in either case, if they are set: JORNADA_SECRET and JORNADA_PHOTO_KEY, of an installation that moves here;
# JORNADA_SMTP, JORNADA_MAIL_FROM and JORNADA_MAIL_TO. Without the last three the watchers write mails into files.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

NAMESPACE=jornada
PRINT=

fail() {
    printf 'FAILED: %s\n' "$*" >&2
    exit 1
}

random_hex() {
    od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

# Prints a Secret: its name, then pairs of key and value.
secret() {
    local name=$1 value
    shift
    printf -- '---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\n' "$name" "$NAMESPACE"
    printf '  labels: { app.kubernetes.io/part-of: jornada }\ntype: Opaque\nstringData:\n'
    while [[ $# -gt 0 ]]; do
        value=${2//\\/\\\\}
        printf '  %s: "%s"\n' "$1" "${value//\"/\\\"}"
        shift 2
    done
}

# Creates a Secret unless it exists: its name, then pairs of key and value. Values are sent on standard input, not in arguments,
# which other processes can read.
create() {
    local word
    for word in "${@:2}"; do
        [[ $word != *[[:cntrl:]]* ]] || fail "secret/$1: a value contains a line break or another control character"
    done
    if [[ -n $PRINT ]]; then
        secret "$@"
    elif kubectl --namespace "$NAMESPACE" get secret "$1" --output name >/dev/null 2>&1; then
        echo "secret/$1 exists and is kept"
    else
        secret "$@" | kubectl create --filename -
    fi
}

# Creates the Secrets of program and mail, with the addresses of the stores.
create_program() {
    create jornada \
        JORNADA_SECRET "${JORNADA_SECRET:-$(random_hex)}" \
        JORNADA_PHOTO_KEY "${JORNADA_PHOTO_KEY:-$(random_hex)}" \
        JORNADA_STORE "$1" JORNADA_CACHE "$2" JORNADA_QUEUE "$3" AWS_ACCESS_KEY_ID "$4" AWS_SECRET_ACCESS_KEY "$5"
    create jornada-mail JORNADA_SMTP "${JORNADA_SMTP:-}" JORNADA_MAIL_FROM "${JORNADA_MAIL_FROM:-}" JORNADA_MAIL_TO "${JORNADA_MAIL_TO:-}"
}

# Returns whether a Secret exists.
exists() {
    [[ -z $PRINT ]] && kubectl --namespace "$NAMESPACE" get secret "$1" --output name >/dev/null 2>&1
}

# The Secret `jornada` repeats the passwords of the two others. It comes last: if the script is interrupted, it can begin again.
create_local() {
    local name mongodb redis found=() members=mongodb-0.mongodb:27017,mongodb-1.mongodb:27017,mongodb-2.mongodb:27017
    for name in mongodb redis jornada; do
        if exists "$name"; then found+=("$name"); fi
    done
    case "${found[*]}" in
    "" | "mongodb redis jornada") ;;
    *jornada*) fail "of the Secrets mongodb, redis and jornada, which share passwords, only ${found[*]} exist: restore the others" ;;
    *) fail "secret/jornada is missing: restore it; if it never existed, kubectl --namespace $NAMESPACE delete secret ${found[*]}" ;;
    esac
    mongodb=$(random_hex) redis=$(random_hex)
    create mongodb KEY "$(random_hex)" ADMIN_PASSWORD "$(random_hex)" PASSWORD "$mongodb" MONITOR_PASSWORD "$(random_hex)"
    create redis PASSWORD "$redis"
    create_program \
        "mongodb://jornada:$mongodb@$members/jornada?replicaSet=rs0&authSource=admin" \
        "redis://:$redis@redis:6379/" \
        "kafka://jornada-kafka-bootstrap:9092/votes" \
        "$(random_hex)" "$(random_hex)"
}

create_production() {
    local name
    for name in JORNADA_STORE JORNADA_CACHE AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY; do
        [[ -n ${!name:-} ]] || fail "$name is not set"
    done
    create_program "$JORNADA_STORE" "$JORNADA_CACHE" "${JORNADA_QUEUE:-kafka://jornada-kafka-bootstrap:9092/votes}" \
        "$AWS_ACCESS_KEY_ID" "$AWS_SECRET_ACCESS_KEY"
}

if [[ ${1:-} == --print ]]; then
    PRINT=1
    shift
fi
[[ $# -eq 1 && $1 =~ ^(local|production)$ ]] || fail "expected: bash k8s/secrets.sh [--print] local|production"
[[ -n $PRINT ]] || kubectl apply --filename base/namespace.yaml
"create_$1"
