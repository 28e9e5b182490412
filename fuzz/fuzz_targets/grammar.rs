//! Snowflake's SQL: what is read is rendered and reads back as itself.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Err(broken) = grantd_catalog::sql::fuzzing::script_reads_back(text) {
        panic!("{broken}");
    }
});
