#!/usr/bin/env bash
# Runs the fuzz targets with the stable compiler, see docs/fuzzing.md.
#
#   bash fuzz/run.sh [--seconds N] [TARGET ...]   each target, or those named, for N seconds (10), two at a time
#
# Starts from fuzz/corpus/TARGET and from the inputs that earlier runs saved in fuzz/target/kept/TARGET. Inputs that violate
# an invariant are written to fuzz/artifacts/TARGET-*; `fuzz/target/release/TARGET FILE` reproduces the failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

CONCURRENCY=2
MEMORY_MB=1024        # more is a finding
SECONDS_PER_CASE=5    # more is a finding
MAX_INPUT_BYTES=32768
# Coverage for libFuzzer, with the flags of cargo-fuzz. There is no sanitizer: the project forbids unsafe code; the targets
# look for panics, violated invariants, and excessive memory and time.
INSTRUMENTED="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"

# With an explicit target, the flags do not apply to build scripts and macros.
build() {
    local host
    host=$(rustc -vV | sed -n 's/^host: //p')
    RUSTFLAGS=$INSTRUMENTED cargo build --quiet --locked --release --target "$host" --target-dir target
    mkdir -p target/release
    for target in "${TARGETS[@]}"; do ln -sfn "../$host/release/$target" "target/release/$target"; done
}

# Runs one target; prints the end of its log after a finding: target.
fuzz() {
    local target=$1 kept=target/kept/$1 log=target/$1.log corpora=("corpus/$1")
    [[ $target != photo ]] || corpora+=(../crates/photo/tests/photo/data)
    mkdir -p "$kept" artifacts
    if "target/release/$target" "$kept" "${corpora[@]}" -max_total_time="$TIME" -rss_limit_mb="$MEMORY_MB" \
        -timeout="$SECONDS_PER_CASE" -max_len="$MAX_INPUT_BYTES" -artifact_prefix="artifacts/$target-" >"$log" 2>&1; then
        echo "$target: $(sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\) second.*/\1 cases in \2 s/p' "$log"), no finding"
    else
        tail -n 40 "$log"
        echo "$target: FOUND something; complete log in fuzz/$log"
        return 1
    fi
}

TIME=10
if [[ ${1:-} == --seconds ]]; then TIME=$2 && shift 2; fi
TARGETS=("$@")
[[ $# -gt 0 ]] || mapfile -t TARGETS < <(basename --suffix .rs --multiple fuzz_targets/*.rs)
build
export -f fuzz
export TIME MEMORY_MB SECONDS_PER_CASE MAX_INPUT_BYTES
printf '%s\n' "${TARGETS[@]}" | xargs --max-procs="$CONCURRENCY" --replace={} bash -euo pipefail -c 'fuzz {}'
