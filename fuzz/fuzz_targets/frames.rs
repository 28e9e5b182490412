//! The frame guard
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = grantd::gateway::fuzzing:: bytes after the login.:frames(bytes) {
        panic!("{broken}");
    }
});
