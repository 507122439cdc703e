#!/bin/sh
# What cargo calls instead of rustc for the crates of this project, and for them alone (RUSTC_WORKSPACE_WRAPPER): adds
# the coverage that libFuzzer is guided by. Every flag is of the stable compiler; there is no sanitizer, since the
# project forbids unsafe code and looks for panics, broken promises and runaway memory instead.
exec "$@" --cfg fuzzing -Ccodegen-units=4 -Copt-level=1 -Coverflow-checks -Cdebug-assertions \
    -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
