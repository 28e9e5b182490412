//! Frames whose bodies are broken, to both servers: grantd calls the same ones a violation of the protocol (08P01), and the
//! same ones end the connection.
//!
//! A long run: `GRANTD_BROKEN_FRAMES=100000 cargo test --workspace --test it -- compared::frames`.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::answer::field;
use super::{Pair, SIDES, pair};

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

/// Whether 08P01 was said, and whether the connection goes on.
fn heard(pair: &Pair, side: super::Side, tag: u8, body: &[u8]) -> (bool, bool) {
    let mut raw = pair.open(side);
    raw.send(b'P', b"t\0select $1::int4 as a, 2 as b\0\0\0");
    raw.send(b'P', b"v\0select 1 as a\0\0\0");
    raw.send(b'B', b"u\0v\0\0\0\0\0\0\0");
    raw.send(b'H', b"");
    raw.send(tag, body);
    raw.send(b'S', b"");
    let (mut violated, mut closed) = (false, false);
    // A simple query and a Sync each end in a ReadyForQuery: the last word is the answer to this.
    raw.send(b'Q', b"select 'the last word'\0");
    raw.send(b'X', b"");
    let mut last = false;
    while let Some((kind, body)) = raw.next() {
        match kind {
            b'E' => violated |= field(&body, 'C').as_deref() == Some("08P01"),
            b'D' => last |= body.ends_with(b"the last word"),
            _ => {}
        }
    }
    closed |= !last;
    (violated, !closed)
}

#[test]
fn broken_frames_are_violations_where_postgresql_says_so() {
    let pair = pair();
    let rounds = std::env::var("GRANTD_BROKEN_FRAMES").map_or(400, |rounds| rounds.parse().unwrap());
    let mut wrong = Vec::new();
    let mut counts = [0; 4];
    for seed in 0..rounds {
        let (tag, body) = broken(&mut StdRng::seed_from_u64(seed));
        // What ends the conversation, and what calls functions by their numbers, is another matter.
        if tag == b'X' || tag == b'F' {
            continue;
        }
        let [postgres, grantd] = SIDES.map(|side| heard(&pair, side, tag, &body));
        counts[usize::from(postgres.0) * 2 + usize::from(postgres.1)] += 1;
        if postgres != grantd {
            let text = String::from_utf8_lossy(&body).into_owned();
            wrong.push(format!("seed {seed}, {} {text:?}: {postgres:?}, grantd {grantd:?}", char::from(tag)));
        }
    }
    assert!(wrong.is_empty(), "{} of {rounds} differ (08P01, goes on):\n{}", wrong.len(), wrong.join("\n"));
    assert!(counts[1] > 20 && counts[2] + counts[3] > 100, "{counts:?}");
}
