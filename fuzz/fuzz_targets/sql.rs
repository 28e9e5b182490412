//! The front door: tokens, grammar and allow-list, on a stack as big as the query threads'.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| {
    let text = text.to_owned();
    let thread = std::thread::Builder::new().stack_size(64 << 20);
    let asked = thread.spawn(move || grantd::gateway::fuzzing::sql(&text)).expect("a thread");
    if let Err(broken) = asked.join().expect("no panic") {
        panic!("{broken}");
    }
});
