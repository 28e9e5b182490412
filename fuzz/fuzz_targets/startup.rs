//! The startup packet.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = grantd::gateway::fuzzing::startup_packet(bytes) {
        panic!("{broken}");
    }
});
