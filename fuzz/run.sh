#!/usr/bin/env bash
# Runs the fuzz targets with the stable compiler, see docs/fuzzing.md.
#
#   bash fuzz/run.sh [--seconds N] [TARGET ...]   each target, or those named, for N seconds (10), two at a time
#
# It begins with fuzz/corpus/TARGET and what earlier runs kept in target/fuzz/TARGET. What breaks a promise is left in
# target/fuzz/found/TARGET-*: give it to `target/debug/TARGET FILE` to see it again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

AT_ONCE=2
MEMORY_MB=1024     # more than this is a finding
SECONDS_A_CASE=5   # longer than this is a finding
LONGEST_BYTES=32768

build() {
    local words=()
    for target in "${TARGETS[@]}"; do words+=(--bin "$target"); done
    RUSTC_WORKSPACE_WRAPPER=$PWD/fuzz/rustc.sh cargo build --quiet --locked --package jornada-fuzz "${words[@]}"
}

# Runs one target; its last lines are shown when it found something: target.
fuzz() {
    local target=$1 kept=$PWD/target/fuzz/$1 log=$PWD/target/fuzz/$1.log
    mkdir -p "$kept" target/fuzz/found
    if "target/debug/$target" "$kept" "fuzz/corpus/$target" -max_total_time="$TIME" -rss_limit_mb="$MEMORY_MB" \
        -timeout="$SECONDS_A_CASE" -max_len="$LONGEST_BYTES" -print_final_stats=1 \
        -artifact_prefix="target/fuzz/found/$target-" >"$log" 2>&1; then
        echo "$target: $(sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\) second.*/\1 cases in \2 s/p' "$log"), no finding"
    else
        tail -n 40 "$log"
        echo "$target: FOUND something; all of it in $log" && return 1
    fi
}

TIME=10
[[ ${1:-} != --seconds ]] || { TIME=$2 && shift 2; }
TARGETS=("$@")
[[ $# -gt 0 ]] || mapfile -t TARGETS < <(basename --suffix .rs fuzz/fuzz_targets/*.rs)
build
export -f fuzz
export TIME MEMORY_MB SECONDS_A_CASE LONGEST_BYTES
printf '%s\n' "${TARGETS[@]}" | xargs --max-procs="$AT_ONCE" --replace={} bash -euo pipefail -c 'fuzz {}'
