//! Logins under attack: no way to a statement, no identity but one's own, nothing to learn about users.

use super::{Scram, challenge, chance, raw_from, rounds, some_address};
use crate::gateway::login::Door;
use crate::gateway::{Raw, Server, error_code, frame};
use grantd::daemon::users::Users;
use grantd::gateway::Access;
use grantd::gateway::login::scram::{self, Keys, Salting, verifier};
use grantd::gateway::login::{Directory, Person};
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// A directory that cannot be read.
struct Down;

impl Directory for Down {
    fn person(&self, _: &str) -> Result<Option<Person>, String> {
        Err("the store is down".to_owned())
    }

    fn used(&self, _: i64) {}

    fn mock_secret(&self) -> [u8; 32] {
        [7; 32]
    }
}

fn salting() -> Salting {
    Salting { salt: b"sixteen bytes ..".to_vec(), rounds: 4_096 }
}

/// A user with a password of the test's choice, and few rounds.
fn add(users: &Users, name: &str, password: &str) {
    users.import(name, false, &verifier(&salting(), &Keys::of(password, &salting()))).unwrap();
}

/// Statements as they could follow: simple and extended, in a random order and number.
fn statements(chance: &mut StdRng) -> Vec<Vec<u8>> {
    let all: [(u8, &[u8]); 6] = [
        (b'Q', b"select 1\0"),
        (b'P', b"\0select 1\0\0\0"),
        (b'B', b"\0\0\0\0\0\0\0\0"),
        (b'E', b"\0\0\0\0\0"),
        (b'D', b"P\0"),
        (b'S', b""),
    ];
    (0..chance.random_range(1..8)).map(|_| all[chance.random_range(0..all.len())]).map(|(t, b)| frame(t, b)).collect()
}

/// Sends all in one piece, so that nothing stops in the middle; the server may have closed already.
fn send(raw: &mut Raw, parts: &[Vec<u8>]) {
    let _ = std::io::Write::write_all(&mut raw.0, &parts.concat());
}

/// Reads to the end: the types of all messages, and the SQLSTATE of the last error.
fn rest(raw: &mut Raw) -> (String, String) {
    let (mut types, mut code) = (String::new(), String::new());
    while let Some((tag, body)) = raw.next() {
        types.push(tag as char);
        if tag == b'E' {
            code = error_code(&body);
        }
    }
    (types, code)
}

/// Risk 1: a login that fails is the end, whatever is sent along and wherever: wrong passwords, unknown and disabled
/// users, a store that is down. Counted is what the server opened, not what the client saw.
#[test]
fn no_statement_runs_without_a_login() {
    let door = Door::new(None, 200);
    add(&door.users, "ann", "right");
    add(&door.users, "out", "right");
    door.users.add("root", true).unwrap();
    door.users.set_disabled("out", true).unwrap();
    let down = Server::with(200, Access { directory: Some(Arc::new(Down)), ..Access::default() });
    let (right, wrong) = (Scram::new("right", &salting()), Scram::new("wrong", &salting()));
    for seed in 0..rounds("GRANTD_LOGIN_ATTEMPTS", 300) {
        let mut chance = chance(seed);
        let (server, user, proof) = match chance.random_range(0..4) {
            0 => (&door.server, "ann", &wrong),
            1 => (&door.server, "nobody", &right),
            2 => (&door.server, "out", &right),
            _ => (&down, "ann", &right),
        };
        let mut raw = raw_from(some_address(&mut chance), server);
        let startup = {
            let mut body = (3_u32 << 16).to_be_bytes().to_vec();
            body.extend_from_slice(format!("user\0{user}\0database\0grantd\0\0").as_bytes());
            [&(body.len() as u32 + 4).to_be_bytes()[..], &body].concat()
        };
        let mut more = statements(&mut chance);
        let stage = chance.random_range(0..4);
        if stage == 0 {
            send(&mut raw, &[vec![startup], more].concat());
        } else {
            send(&mut raw, &[startup]);
            let asked = raw.next();
            if asked.is_some_and(|(tag, _)| tag == b'R') {
                let first = frame(b'p', &Scram::first());
                if stage == 1 {
                    // Without the question: what follows is not what is waited for.
                    send(&mut raw, &more);
                } else if stage == 2 {
                    more.insert(0, first);
                    send(&mut raw, &more);
                } else {
                    send(&mut raw, &[first]);
                    if let Some(server_first) = challenge(&mut raw) {
                        more.insert(0, frame(b'p', proof.last(&server_first).as_bytes()));
                        send(&mut raw, &more);
                    }
                }
            }
        }
        let (types, code) = rest(&mut raw);
        assert!(!types.contains(['Z', 'T', 'D', 'C', '1', '2']), "seed {seed}: {types}");
        assert!(["", "08P01", "28P01", "57P03"].contains(&code.as_str()), "seed {seed}: {code}");
    }
    let opened = door.sessions() + down.opened.load(std::sync::atomic::Ordering::SeqCst);
    assert_eq!(opened, 0, "sessions that were opened");
}

/// One of the handshakes that go on at the same time.
struct Handshake {
    raw: Raw,
    user: usize,
    /// Whose password it knows: its own, or another's.
    knows: usize,
    server_first: String,
    step: usize,
}

/// Risk 2: 64 logins at the same time, their steps in any order, some of which prove another user's password, some of
/// which repeat another connection's proof. Everybody is who he is, or nobody.
#[test]
fn logins_at_the_same_time_do_not_mix() {
    const USERS: usize = 8;
    const AT_ONCE: usize = 64;
    let door = Door::new(None, 1_000);
    let clients: Vec<Scram> = (0..USERS)
        .map(|user| {
            add(&door.users, &format!("user{user}"), &format!("password {user}"));
            Scram::new(&format!("password {user}"), &salting())
        })
        .collect();
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for seed in 0..rounds("GRANTD_HANDSHAKE_SEEDS", 10) {
        let mut chance = chance(seed);
        let mut all: Vec<Handshake> = (0..AT_ONCE)
            .map(|_| {
                let user = chance.random_range(0..USERS);
                let knows = if chance.random_ratio(1, 4) { chance.random_range(0..USERS) } else { user };
                let raw = raw_from(some_address(&mut chance), &door.server);
                Handshake { raw, user, knows, server_first: String::new(), step: 0 }
            })
            .collect();
        let mut steps: Vec<usize> = (0..AT_ONCE).flat_map(|number| [number; 4]).collect();
        steps.shuffle(&mut chance);
        let mut proofs: Vec<String> = Vec::new();
        for number in steps {
            let replayed = proofs.choose_one(&mut chance).cloned();
            let Some(handshake) = all.get_mut(number) else { continue };
            match handshake.step {
                0 => {
                    let user = format!("user{}", handshake.user);
                    handshake.raw.startup(3 << 16, &[("user", &user), ("database", "grantd")]);
                }
                1 => {
                    assert_eq!(handshake.raw.next().map(|(tag, _)| tag), Some(b'R'), "seed {seed}");
                    handshake.raw.send(b'p', &Scram::first());
                }
                2 => {
                    handshake.server_first = challenge(&mut handshake.raw).unwrap();
                    let proof = clients[handshake.knows].last(&handshake.server_first);
                    let is_replay = chance.random_ratio(1, 8);
                    let sent = replayed.filter(|_| is_replay);
                    if sent.is_some() {
                        handshake.knows = USERS;
                    }
                    handshake.raw.send(b'p', sent.as_ref().unwrap_or(&proof).as_bytes());
                    proofs.push(proof);
                }
                _ => {
                    let (tag, _) = handshake.raw.next().unwrap();
                    let is_in = tag == b'R';
                    assert_eq!(is_in, handshake.knows == handshake.user, "seed {seed}, user {}", handshake.user);
                    if is_in {
                        handshake.raw.until(b'Z');
                        handshake.raw.send(b'Q', b"show session_authorization\0");
                        let rows = handshake.raw.until(b'Z');
                        let user = format!("user{}", handshake.user);
                        let says_it = rows.iter().any(|(tag, body)| *tag == b'D' && body.ends_with(user.as_bytes()));
                        assert!(says_it, "seed {seed}: {user} is {rows:?}");
                        *expected.entry(user).or_default() += 1;
                    }
                }
            }
            handshake.step += 1;
        }
    }
    assert_eq!(door.sessions(), expected.values().sum::<u64>());
    assert!(expected.len() == USERS, "{expected:?}");
}

trait ChooseOne<T> {
    fn choose_one(&self, chance: &mut StdRng) -> Option<&T>;
}

impl<T> ChooseOne<T> for Vec<T> {
    fn choose_one(&self, chance: &mut StdRng) -> Option<&T> {
        if self.is_empty() { None } else { self.get(chance.random_range(0..self.len())) }
    }
}

/// A message with some bytes of it changed, doubled, cut off or replaced by what means something.
fn mutate(chance: &mut StdRng, message: &[u8]) -> Vec<u8> {
    let mut bytes = message.to_vec();
    for _ in 0..chance.random_range(1..4) {
        let at = chance.random_range(0..=bytes.len());
        match chance.random_range(0..6) {
            0 if at < bytes.len() => bytes[at] ^= 1 << chance.random_range(0..8),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, b",=:\0npyrscvi"[chance.random_range(0..11)]),
            3 => {
                let tail = bytes.split_off(at);
                bytes.extend_from_slice(&tail);
                bytes.extend_from_slice(&tail);
            }
            4 => bytes.splice(at..at, std::iter::repeat_n(b'A', chance.random_range(0..5_000))).for_each(drop),
            _ => {
                let words: [&[u8]; 6] = [b"p=", b",p=", b"m=x,", b"r=", b"\xff\xfe", b"c=biws,"];
                bytes.splice(at..at, words[chance.random_range(0..words.len())].iter().copied()).for_each(drop);
            }
        }
    }
    bytes
}

/// Risk 5: mutated SASL messages end in an error, never in a panic and never in a login.
#[test]
fn mutated_messages_of_a_login_let_nobody_in() {
    let keys = [Keys::of("right", &salting())];
    let client = Scram::new("right", &salting());
    let first = format!("n,,{}", super::FIRST_BARE);
    for seed in 0..rounds("GRANTD_SASL_MESSAGES", 5_000) {
        let mut chance = chance(seed);
        let is_first = chance.random_bool(0.5);
        let sent = if is_first { mutate(&mut chance, first.as_bytes()) } else { first.clone().into_bytes() };
        let binding = chance.random_bool(0.3).then_some(&b"hash"[..]);
        let Ok(exchange) = scram::begin(&sent, chance.random_bool(0.1), binding, &salting()) else { continue };
        let last = client.last(&exchange.server_first);
        let sent_last = mutate(&mut chance, last.as_bytes());
        // What is in was said by one who knows the password and changed nothing that counts.
        if exchange.finish(&sent_last, &keys).is_ok() {
            assert_eq!((sent, sent_last), (first.clone().into_bytes(), last.into_bytes()), "seed {seed}");
        }
    }
}

/// Risk 5, measured: how long the server takes for a user that there is and for one that there is not.
/// `GRANTD_TIMING_SAMPLES=5000 cargo test --workspace --test it -- --ignored --nocapture hostile::logins::the_time`
#[test]
#[ignore = "a measurement: it wants a quiet machine"]
fn the_time_of_a_login_does_not_tell_users() {
    let door = Door::new(None, 200);
    door.users.add("ann", false).unwrap();
    let mut times: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
    let samples = rounds("GRANTD_TIMING_SAMPLES", 5_000);
    let mut chance = chance(1);
    while times.iter().any(|of| (of.len() as u64) < samples) {
        // In no order: what the one before left behind is nobody's more often.
        let which = usize::from(chance.random::<bool>());
        let mut raw = raw_from(some_address(&mut chance), &door.server);
        raw.startup(3 << 16, &[("user", ["ann", "bob"][which]), ("database", "grantd")]);
        let started = Instant::now();
        raw.next().unwrap();
        assert_eq!(crate::gateway::login::guess(&mut raw), "28P01");
        times[which].push(started.elapsed().as_secs_f64() * 1e6);
    }
    let figures = times.map(|mut all| {
        all.sort_by(f64::total_cmp);
        let middle = &all[all.len() / 10..all.len() * 9 / 10];
        let mean = middle.iter().sum::<f64>() / middle.len() as f64;
        let variance = middle.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / middle.len() as f64;
        (mean, variance, middle.len() as f64, all[all.len() / 2])
    });
    let [known, unknown] = figures;
    let difference = (known.0 - unknown.0).abs() / known.0 * 100.0;
    let t = (known.0 - unknown.0) / (known.1 / known.2 + unknown.1 / unknown.2).sqrt();
    println!(
        "{samples} logins each: known {:.1} us (median {:.1}), unknown {:.1} us (median {:.1}): {difference:.2} % apart, t = {t:.2}",
        known.0, known.3, unknown.0, unknown.3
    );
    assert!(difference < 5.0);
}
