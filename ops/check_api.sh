# shellcheck shell=bash
# Tests with schemathesis that the API conforms to its description: on an instance with embedded stores, with a token for
# the staff routes. Sourced by test.sh after ops/parts.sh. ops/schemathesis.toml contains the exceptions and their reasons.

check_api() {
    local work public ops pid code=0
    work=$(mktemp -d "${TMPDIR:-/tmp}/jornada-api.XXXXXX")
    read -r public ops < <(/usr/bin/python3 ops/free_ports.py 2)
    # The tests have already built the program.
    JORNADA_LISTEN=127.0.0.1:$public JORNADA_OPS_LISTEN=127.0.0.1:$ops JORNADA_GRPC_LISTEN=none \
        JORNADA_CAMPAIGNS=$PWD/campaigns run_in "$work" "$PWD/target/debug/jornada" serve >"$work/log" 2>&1 &
    pid=$!
    if curl --silent --retry 100 --retry-delay 1 --retry-connrefused --fail --output /dev/null "http://127.0.0.1:$ops/readyz"; then
        PYTHONPATH=$TOOLS/schemathesis /usr/bin/python3 -B -m schemathesis.cli --config-file ops/schemathesis.toml run \
            "http://127.0.0.1:$public/api/v1/openapi.json" \
            --header "Authorization: Bearer $(cat "$work/data/staff-token")" || code=$?
    else
        tail "$work/log" >&2 && code=1
    fi
    kill -TERM "$pid" && wait "$pid"
    rm -r "$work"
    return "$code"
}

# Replaces this subshell by a program in a folder: folder, command.
run_in() {
    cd "$1" && shift && exec "$@"
}
