//! SCRAM messages and stored verifiers.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Err(broken) = grantd::gateway::fuzzing::sasl(bytes) {
        panic!("{broken}");
    }
});
