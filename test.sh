#!/usr/bin/env bash
# Tests the whole project, from a fresh clone on Debian 12 with Rust: `bash test.sh`.
#
#   bash test.sh                 installs what is missing, starts the real servers, runs every check
#   bash test.sh servers [FILE]  only starts the servers, writes their addresses to FILE (or prints them) as lines for
#                                eval, and waits for Ctrl-C: to run `cargo test` by hand
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=ops/parts.sh
source ops/parts.sh
# shellcheck source=ops/servers.sh
source ops/servers.sh
# shellcheck source=ops/check_prometheus.sh
source ops/check_prometheus.sh
# shellcheck source=ops/check_kubernetes.sh
source ops/check_kubernetes.sh
# shellcheck source=ops/check_api.sh
source ops/check_api.sh
# shellcheck source=ops/check_unit.sh
source ops/check_unit.sh
# shellcheck source=ops/check_messages.sh
source ops/check_messages.sh

CARGO_DENY=0.20.2
CARGO_MACHETE=0.9.2

# Runs one step under a heading and prints its duration: title, command...
step() {
    local title=$1 start=$SECONDS
    shift
    printf '\n== %s\n' "$title"
    "$@" || fail "$title" "see above; by hand: $*"
    printf -- '-- %s: %d s\n' "$title" "$((SECONDS - start))"
}

# Runs steps of one processor while others run: functions... `join_steps` waits for them.
start_steps() {
    BESIDE_LOG=$(mktemp)
    { for function in "$@"; do step "$function, beside others" "$function"; done; } >"$BESIDE_LOG" 2>&1 &
    BESIDE_PID=$!
}

join_steps() {
    local failed=0
    wait "$BESIDE_PID" || failed=1
    cat "$BESIDE_LOG"
    BESIDE_PID=
    ((failed == 0)) || fail "a step that ran beside others failed" "see above"
}

install_parts() {
    mkdir -p "$TOOLS"
    need_command cc build-essential
    need_command curl curl
    need_packages nginx redis-server supervisor python3 python3-pymongo chromium chromium-driver docker-compose shellcheck
    need_packages prometheus prometheus-alertmanager prometheus-node-exporter prometheus-redis-exporter \
        prometheus-nginx-exporter python3-yaml
    need_mongod
    need_weed
    need_kafka
    need_axe
    need_logql
    need_grafana_sdk
    need_schemathesis
    need_locust
    need_kubernetes
    export JORNADA_TEST_CHROMEDRIVER=/usr/bin/chromedriver
    export JORNADA_TEST_CHROMIUM=/usr/bin/chromium
    export JORNADA_TEST_AXE="$TOOLS/axe.min.js"
}

install_cargo_tools() {
    need_crate cargo-deny "$CARGO_DENY"
    need_crate cargo-machete "$CARGO_MACHETE"
}

check_format() {
    cargo fmt --all --check && cargo fmt --check --manifest-path fuzz/Cargo.toml
}

# An outdated lock file fails here, before the long steps that build with it.
check_locks() {
    cargo metadata --locked --format-version 1 >/dev/null &&
        cargo metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml >/dev/null
}

check_docs() {
    RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps
}

# Validates docker-compose.yml without an engine, with all profiles and placeholders for the secrets that init.sh generates.
check_compose() {
    local secret settings=()
    for secret in SECRET PHOTO_KEY MONGODB_KEY MONGODB_ADMIN_PASSWORD MONGODB_PASSWORD REDIS_PASSWORD S3_ACCESS_KEY S3_SECRET_KEY \
        MONGODB_MONITOR_PASSWORD GRAFANA_PASSWORD; do
        settings+=("STACK_$secret=check")
    done
    env "${settings[@]}" STACK_CONSUMERS=9 docker-compose --profile dev --profile redis-queue --profile kafka config --quiet
}

check_dashboards() {
    /usr/bin/python3 -B grafana/build.py --check grafana/dashboards &&
        PYTHONPATH=$TOOLS/grafana-sdk /usr/bin/python3 -B ops/check_dashboards.py grafana/dashboards &&
        node --preserve-symlinks ops/check_logql.mjs grafana/dashboards "$TOOLS/logql"
}

# Advisories are not checked here, because they need their database: see deny.toml.
check_dependencies() {
    "$TOOLS/bin/cargo-deny" --all-features check licenses bans sources
    "$TOOLS/bin/cargo-machete" .
}

run_all() {
    step "install what the tests need" install_parts
    step "shellcheck" shellcheck --external-sources init.sh test.sh ops/*.sh ops/*/*.sh drill/*.sh drill/*/*.sh docs/examples/*.sh fuzz/*.sh k8s/*.sh prometheus/*.sh
    step "docker-compose.yml" check_compose
    step "versions, and rules of docker-compose.yml" /usr/bin/python3 -B ops/check_pins.py
    step "unit of systemd" check_unit
    start_steps check_prometheus check_dashboards check_kubernetes check_messages
    step "rustfmt" check_format
    step "lock files" check_locks
    step "clippy" cargo clippy --quiet --all-targets -- -D warnings
    join_steps
    step "rustdoc" check_docs
    step "build the tests" cargo test --quiet --no-run
    step "start the servers" start_servers
    # They wait more than they compute.
    step "tests" env RUST_TEST_THREADS=3 cargo test
    step "drill: pods replaced under load" env STACK_PROGRAM="${CARGO_TARGET_DIR:-target}/debug/jornada" bash drill/pods.sh
    step "stop the servers" stop_servers
    step "the API against its description" check_api
    step "fuzzing, 10 s each target" bash fuzz/run.sh
    # With the program of the tests, because an optimised build takes longer than the drill.
    step "drill: a whole system, killed part by part, restored, attacked" \
        env STACK_PROGRAM="${CARGO_TARGET_DIR:-target}/debug/jornada" bash drill/fresh.sh
    step "build cargo-deny and cargo-machete" install_cargo_tools
    step "licences, sources, unused dependencies" check_dependencies
    printf '\nall passed in %d s\n' "$SECONDS"
}

serve_only() {
    install_parts >&2
    start_servers
    if [[ $# -gt 0 ]]; then print_servers >"$1"; else print_servers; fi
    say "the servers are running; Ctrl-C stops them"
    # Unlike sleep, this wait ends immediately on a signal.
    wait "${SERVERS_PIDS[@]}"
    fail "a server has terminated"
}

clean_up() {
    [[ -z ${BESIDE_PID:-} ]] || kill "$BESIDE_PID" 2>/dev/null || true
    rm -f "${BESIDE_LOG:-}"
    stop_servers
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
case ${1:-all} in
    all) run_all ;;
    servers) shift && serve_only "$@" ;;
    *) fail "unknown argument: $1" "bash test.sh [servers [FILE]]" ;;
esac
