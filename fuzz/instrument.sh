#!/bin/sh
# rustc for fuzzing without building the dependencies anew: only grantd's own crates count their branches.
# usage: RUSTC_WRAPPER=$PWD/fuzz/instrument.sh cargo build --manifest-path fuzz/Cargo.toml
case "$CARGO_PKG_NAME" in
grantd | grantd-catalog | grantd-sql-functions | grantd-fuzz)
    # What cargo-fuzz passes to every crate.
    exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
        -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Cdebug-assertions
    ;;
*) exec "$@" ;;
esac
