//! Frames that no client sends: before the login, where they must cost no memory, and after it, where they end in an
//! error and never in a panic.

use super::{chance, connect_from, raw_from, rounds, some_address};
use crate::gateway::{Server, frame};
use crate::support::process::Process;
use rand::Rng as _;
use rand::rngs::StdRng;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::time::Duration;

/// Risk 8: many clients announce the largest frame before their login and then send a byte now and then.
#[test]
fn announced_lengths_cost_no_memory_before_the_login() {
    let clients = rounds("GRANTD_TRICKLING_CLIENTS", 150);
    let process = Process::serve();
    let before = process.resident_kib();
    let mut chance = chance(8);
    let mut open = Vec::new();
    for number in 0..clients {
        let mut stream = connect_from(some_address(&mut chance), process.address).unwrap();
        match number % 3 {
            // The longest startup packet.
            0 => stream.write_all(&[0, 0, 0x27, 0x10, 0, 3, 0, 0]).unwrap(),
            rest => {
                stream.write_all(b"\0\0\0\x25\0\x03\0\0user\0grantd\0database\0grantd\0\0").unwrap();
                let mut asked = [0; 1];
                stream.read_exact(&mut asked).unwrap();
                let (tag, length) = if rest == 1 { (b'p', 16_384_u32 + 4) } else { (b'Q', 0x3fff_ffff) };
                stream.write_all(&[&[tag][..], &length.to_be_bytes()].concat()).unwrap();
            }
        }
        open.push(stream);
    }
    let mut most = before;
    for _ in 0..5 {
        for stream in &mut open {
            // Those that announced too much are gone already.
            let _ = stream.write_all(b"x");
        }
        std::thread::sleep(Duration::from_millis(300));
        most = most.max(process.resident_kib());
    }
    let grown = (most - before) / 1_024;
    println!("{clients} clients: {grown} MiB more");
    assert!(grown < 64, "{grown} MiB more");
}

/// Frames of a conversation, whole.
fn whole(chance: &mut StdRng) -> Vec<u8> {
    let all: [(u8, &[u8]); 14] = [
        (b'Q', b"select 1\0"),
        (b'Q', b"begin; select id from users; commit\0"),
        (b'P', b"s\0select $1::int8\0\0\x01\0\0\0\x14"),
        (b'B', b"p\0s\0\0\x01\0\x01\0\x01\0\0\0\x08\0\0\0\0\0\0\0\x05\0\x01\0\x01"),
        (b'D', b"Ss\0"),
        (b'D', b"Pp\0"),
        (b'E', b"p\0\0\0\0\0"),
        (b'C', b"Ss\0"),
        (b'S', b""),
        (b'H', b""),
        (b'F', b"\0\0\0\x01\0\0\0\0\0\0"),
        (b'd', b"data"),
        (b'c', b""),
        (b'f', b"why\0"),
    ];
    let (tag, body) = all[chance.random_range(0..all.len())];
    frame(tag, body)
}

/// Risk 9: mutated frames after the login. The server answers or ends the connection; it does not panic, hang or grow.
/// A million of them: `GRANTD_MUTATED_FRAMES=1000000`.
#[test]
fn mutated_frames_neither_panic_nor_hang() {
    let server = Server::start();
    let wanted = rounds("GRANTD_MUTATED_FRAMES", 4_000);
    let (mut sent, mut seed) = (0, 0);
    while sent < wanted {
        let mut chance = chance(seed);
        seed += 1;
        let mut raw = raw_from(some_address(&mut chance), &server);
        raw.startup(3 << 16, &[("user", "tester"), ("database", "grantd")]);
        raw.until(b'Z');
        let mut bytes = Vec::new();
        for _ in 0..chance.random_range(1..40) {
            let mut frame = whole(&mut chance);
            if chance.random_ratio(1, 3) {
                for _ in 0..chance.random_range(1..3) {
                    let at = chance.random_range(0..frame.len());
                    match chance.random_range(0..4) {
                        0 => frame[at] ^= 1 << chance.random_range(0..8),
                        1 => frame[at] = chance.random(),
                        2 => frame.truncate(at.max(1)),
                        _ => frame.insert(at, chance.random()),
                    }
                }
            }
            sent += 1;
            bytes.extend_from_slice(&frame);
        }
        // It may have closed at an early one.
        let _ = raw.0.write_all(&bytes);
        let _ = raw.0.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        match raw.0.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
            Err(error) => panic!("seed {}: {error}", seed - 1),
        }
        assert!(!answer.windows(5).any(|five| five == b"XX000"), "seed {}", seed - 1);
    }
    assert_eq!(server.stats.panics.get(), 0);
    assert_eq!(server.ask("select 'alive'"), "alive");
}
