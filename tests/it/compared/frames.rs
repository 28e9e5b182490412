//! Frames whose bodies are broken, to both servers: both refuse the same ones. Which mistake is told first differs: grantd reads a
//! whole message before it looks for what that names. And PostgreSQL goes on after most of them, where grantd ends the
//! connection, because its client has lost count.
//!
//! A long run: `GRANTD_BROKEN_FRAMES=100000 cargo test --workspace --test it -- compared::frames`.

use std::io::Write as _;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::answer::field;
use super::{Pair, SIDES, Side, pair};
use crate::support::raw::frame;

/// Bodies of messages that are right after each other.
const BODIES: &[(u8, &[u8])] = &[
    (b'Q', b"select 1\0"),
    (b'P', b"s\0select $1::int4 as a\0\0\x01\0\0\0\x17"),
    (b'P', b"\0select 1\0\0\0"),
    (b'B', b"p\0t\0\0\x01\0\0\0\x01\0\0\0\x01\x35\0\x01\0\0"),
    (b'B', b"\0t\0\0\0\0\x01\0\0\0\x02\x35\x36\0\x02\0\0\0\0"),
    (b'D', b"St\0"),
    (b'D', b"Pu\0"),
    (b'E', b"u\0\0\0\0\0"),
    (b'C', b"Su\0"),
    (b'C', b"Pu\0"),
    (b'S', b""),
    (b'H', b""),
    (b'd', b"data"),
    (b'c', b""),
    (b'f', b"why\0"),
];

fn broken(random: &mut StdRng) -> (u8, Vec<u8>) {
    let (tag, body) = BODIES[random.random_range(0..BODIES.len())];
    let mut body = body.to_vec();
    for _ in 0..random.random_range(1..=2) {
        let at = random.random_range(0..=body.len());
        match random.random_range(0..5) {
            0 => body.truncate(at),
            1 => body.insert(at, random.random_range(0..4)),
            2 if at < body.len() => {
                body.remove(at);
            }
            3 if at < body.len() => body[at] = [0, 1, 2, 0x7f, 0xff][random.random_range(0..5)],
            _ => body.extend_from_slice(&[0, 1][..random.random_range(1..=2)]),
        }
    }
    let tag = if random.random_ratio(1, 20) { random.random_range(b'A'..=b'z') } else { tag };
    (tag, body)
}

/// The SQLSTATE of the first error. Unless it is 08P01, the connection goes on.
fn refused(pair: &Pair, side: Side, tag: u8, body: &[u8]) -> Option<String> {
    let mut raw = pair.open(side);
    let mut code = None;
    // A simple query and a Sync each end in a ReadyForQuery: the last word is the answer to this.
    let all = [
        frame(b'P', b"t\0select $1::int4 as a, 2 as b\0\0\0"),
        frame(b'P', b"v\0select 1 as a\0\0\0"),
        frame(b'B', b"u\0v\0\0\0\0\0\0\0"),
        frame(b'H', b""),
        frame(tag, body),
        frame(b'S', b""),
        frame(b'Q', b"select 'the last word'\0"),
        frame(b'X', b""),
    ];
    // It may have closed at an early one.
    let _ = raw.0.write_all(&all.concat());
    let mut last = false;
    while let Some((kind, body)) = raw.next() {
        match kind {
            b'E' => code = code.or(field(&body, 'C')),
            b'D' => last |= body.ends_with(b"the last word"),
            _ => {}
        }
    }
    let is_violated = code.as_deref() == Some("08P01");
    assert!(last || is_violated, "{side:?} went away after {} {:?}", char::from(tag), String::from_utf8_lossy(body));
    code
}

#[test]
fn broken_frames_are_refused_where_postgresql_refuses_them() {
    let pair = pair();
    let rounds = std::env::var("GRANTD_BROKEN_FRAMES").map_or(400, |rounds| rounds.parse().unwrap());
    let mut wrong = Vec::new();
    let mut counts = [0; 2];
    for seed in 0..rounds {
        let (tag, body) = broken(&mut StdRng::seed_from_u64(seed));
        // What ends the conversation, and what calls functions by their numbers, is another matter.
        if tag == b'X' || tag == b'F' {
            continue;
        }
        let [postgres, grantd] = SIDES.map(|side| refused(&pair, side, tag, &body));
        counts[usize::from(postgres.is_some())] += 1;
        let text = String::from_utf8_lossy(&body).into_owned();
        // An empty select list, and numbers of types that there are not, for which PostgreSQL has no better word than XX000.
        let is_known = text.contains("select \0") || postgres.as_deref() == Some("XX000");
        if postgres.is_some() != grantd.is_some() && !is_known {
            wrong.push(format!("seed {seed}, {} {text:?}: {postgres:?}, grantd {grantd:?}", char::from(tag)));
        }
    }
    assert!(wrong.is_empty(), "{} of {rounds} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
}
