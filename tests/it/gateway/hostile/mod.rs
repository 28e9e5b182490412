//! Clients that attack: nine risks by number, as `docs/testing.md` lists them. Each has a short form here; the long form
//! is the same loop with more rounds, or a measurement that is run by its command.

mod floods;
mod frames;
mod logins;

use super::{Raw, Server};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grantd::gateway::login::scram::Salting;
use hmac::{Hmac, Mac as _};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sha2::{Digest as _, Sha256};
use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;
use tokio::net::TcpSocket;

/// Rounds of a loop: `short`, or what the variable says.
fn rounds(variable: &str, short: u64) -> u64 {
    std::env::var(variable).ok().map_or(short, |text| text.parse().expect("a number of rounds"))
}

/// Chance that a seed gives again.
fn chance(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// An address of this machine that is not that of others.
fn some_address(chance: &mut StdRng) -> Ipv4Addr {
    Ipv4Addr::new(127, chance.random_range(1..=250), chance.random(), chance.random_range(1..=250))
}

/// A connection from an address of this machine.
fn connect_from(source: Ipv4Addr, to: SocketAddr) -> std::io::Result<TcpStream> {
    thread_local! {
        static RUNTIME: RefCell<tokio::runtime::Runtime> =
            RefCell::new(tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());
    }
    RUNTIME.with_borrow(|runtime| {
        runtime.block_on(async {
            let socket = TcpSocket::new_v4()?;
            socket.bind((source, 0).into())?;
            let stream = socket.connect(to).await?.into_std()?;
            stream.set_nonblocking(false)?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(Duration::from_secs(30)))?;
            Ok(stream)
        })
    })
}

fn raw_from(source: Ipv4Addr, server: &Server) -> Raw {
    Raw(connect_from(source, server.address).unwrap())
}

type Key = [u8; 32];

fn hmac(key: &[u8], text: &[u8]) -> Key {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().into()
}

/// The client's side of SCRAM-SHA-256 for one password. What costs time is computed once.
struct Scram {
    client_key: Key,
}

/// Its first message without the header.
const FIRST_BARE: &str = "n=,r=a-nonce";

impl Scram {
    fn new(password: &str, salting: &Salting) -> Self {
        let mut salted = Key::default();
        pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &salting.salt, salting.rounds, &mut salted);
        Self { client_key: hmac(&salted, b"Client Key") }
    }

    /// The body of the first message.
    fn first() -> Vec<u8> {
        let message = format!("n,,{FIRST_BARE}");
        [b"SCRAM-SHA-256\0", &(message.len() as u32).to_be_bytes()[..], message.as_bytes()].concat()
    }

    /// The body of the last message, for what the server said.
    fn last(&self, server_first: &str) -> String {
        let nonce = server_first.strip_prefix("r=").unwrap().split(',').next().unwrap();
        let without_proof = format!("c=biws,r={nonce}");
        let message = format!("{FIRST_BARE},{server_first},{without_proof}");
        let stored: Key = Sha256::digest(self.client_key).into();
        let signature = hmac(&stored, message.as_bytes());
        let proof: Vec<u8> = self.client_key.iter().zip(signature).map(|(a, b)| a ^ b).collect();
        format!("{without_proof},p={}", STANDARD.encode(proof))
    }
}

/// What a challenge says, after its four bytes of kind.
fn challenge(raw: &mut Raw) -> Option<String> {
    let (tag, body) = raw.next()?;
    (tag == b'R').then(|| String::from_utf8_lossy(body.get(4..).unwrap_or_default()).into_owned())
}
