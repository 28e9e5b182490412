//! The frame guard: bytes after the login.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = grantd::gateway::fuzzing::frames(bytes) {
        panic!("{broken}");
    }
});
