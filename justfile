# grantd's tasks: `just` lists them. Each is one command that can be typed without just.

_default:
    @just --list --unsorted

# everything that has to pass, as CI runs it
check:
    .ci/run

# all tests, or those whose name contains a word: just test store
test *words:
    cargo test --workspace {{ words }}

# the SQL manual: tests/sql/*.slt through the wire
slt:
    cargo test --workspace --test it -- manual

# format the code
fmt:
    cargo fmt --all

# formatting and clippy, warnings are errors
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets -- -D warnings

# licences, sources and duplicates of the dependencies
deny:
    cargo deny check bans licenses sources

# a small Snowflake, synced, to be asked with psql
demo *args:
    cargo run --release -- demo {{ args }}

# measure; with the profile that is shipped
bench *args:
    cargo bench --workspace --profile dist {{ args }}
