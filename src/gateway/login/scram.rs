//! SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the server's side: RFC 5802, RFC 7677, and PostgreSQL's form of a verifier.
//!
//! Only keys that a password can be checked against are kept, never the password. Several secrets of one user (a
//! password, tokens) share his salt and rounds, because those are told before the client has proved anything.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// Rounds of a new verifier. PostgreSQL takes 4,096; a guess is dearer here, and a login is not.
pub const ROUNDS: u32 = 15_000;
/// Fewest rounds that an imported verifier may have: RFC 7677.
const FEWEST_ROUNDS: u32 = 4_096;
/// Most rounds: the client computes them at every login.
const MOST_ROUNDS: u32 = 10_000_000;
/// Bytes of a salt.
const SALT: usize = 16;
/// Longest message of a client, in bytes.
const MOST: usize = 4_096;

/// Without channel binding.
pub const MECHANISM: &str = "SCRAM-SHA-256";
/// With it.
pub const MECHANISM_PLUS: &str = "SCRAM-SHA-256-PLUS";

type Key = [u8; 32];

fn hmac(key: &[u8], parts: &[&[u8]]) -> Key {
    // A key of any length is right for HMAC; the other arm cannot be reached.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Key::default() };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// What a password is salted with, and how often.
#[derive(Clone, PartialEq, Eq)]
pub struct Salting {
    /// The salt.
    pub salt: Vec<u8>,
    /// How often the password is hashed.
    pub rounds: u32,
}

impl Salting {
    /// A salt of a new user.
    pub fn random() -> Self {
        Self { salt: rand::rng().random::<[u8; SALT]>().to_vec(), rounds: ROUNDS }
    }

    /// What a user who does not exist is told: the same at every try, and not to be told from a real one.
    pub fn mock(secret: &[u8], user: &str) -> Self {
        let salt = hmac(secret, &[b"salt of ", user.as_bytes()]).iter().copied().take(SALT).collect();
        Self { salt, rounds: ROUNDS }
    }
}

/// What one secret of a user is checked against.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// `H(ClientKey)`.
    pub stored: Key,
    /// With which the server proves that it knows the user.
    pub server: Key,
}

impl Keys {
    /// The keys of a password. `SASLprep` is applied where it can be, as PostgreSQL does.
    pub fn of(password: &str, salting: &Salting) -> Self {
        let prepared =
            stringprep::saslprep(password).map_or_else(|_| password.to_owned(), std::borrow::Cow::into_owned);
        let mut salted = Key::default();
        pbkdf2::pbkdf2_hmac::<Sha256>(prepared.as_bytes(), &salting.salt, salting.rounds, &mut salted);
        let client = hmac(&salted, &[b"Client Key"]);
        Self { stored: Sha256::digest(client).into(), server: hmac(&salted, &[b"Server Key"]) }
    }

    /// Keys that no password has, for a user who does not exist.
    pub fn of_nobody() -> Self {
        Self { stored: rand::rng().random(), server: rand::rng().random() }
    }
}

/// A verifier as `pg_authid.rolpassword` has it: `SCRAM-SHA-256$<rounds>:<salt>$<StoredKey>:<ServerKey>`.
///
/// # Errors
/// What is wrong with the text, without the text.
pub fn parse_verifier(text: &str) -> Result<(Salting, Keys), &'static str> {
    let rest = text.trim().strip_prefix("SCRAM-SHA-256$").ok_or("it does not begin with SCRAM-SHA-256$")?;
    let (salting, keys) = rest.split_once('$').ok_or("it has no second $")?;
    let (rounds, salt) = salting.split_once(':').ok_or("there is no colon between rounds and salt")?;
    let rounds: u32 = rounds.parse().map_err(|_| "its rounds are no number")?;
    if !(FEWEST_ROUNDS..=MOST_ROUNDS).contains(&rounds) {
        return Err("it has fewer than 4,096 rounds, or more than 10,000,000");
    }
    let salt = STANDARD.decode(salt).map_err(|_| "its salt is not Base64")?;
    if salt.is_empty() || salt.len() > 255 {
        return Err("its salt is empty or too long");
    }
    let (stored, server) = keys.split_once(':').ok_or("there is no colon between its keys")?;
    let key = |text: &str| STANDARD.decode(text).ok().and_then(|bytes| Key::try_from(bytes).ok());
    match (key(stored), key(server)) {
        (Some(stored), Some(server)) => Ok((Salting { salt, rounds }, Keys { stored, server })),
        _ => Err("its keys are not 32 bytes in Base64"),
    }
}

/// A verifier in PostgreSQL's form.
pub fn verifier(salting: &Salting, keys: &Keys) -> String {
    format!(
        "SCRAM-SHA-256${}:{}${}:{}",
        salting.rounds,
        STANDARD.encode(&salting.salt),
        STANDARD.encode(keys.stored),
        STANDARD.encode(keys.server)
    )
}

/// Why an exchange ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScramError {
    /// The client broke the protocol: what is wrong.
    Malformed(&'static str),
    /// The proof is wrong, or the user is not one.
    Refused,
}

use ScramError::Malformed;

/// What the channel offers for binding: the hash of the server's certificate, with TLS.
pub type Binding<'a> = Option<&'a [u8]>;

/// An exchange after the client's first message.
pub struct Exchange {
    /// `SASLContinue`.
    pub server_first: String,
    client_first_bare: String,
    nonce: String,
    expected_binding: String,
}

/// Reads the client's first message and answers it.
///
/// `plus` says that the client chose the mechanism with channel binding.
pub fn begin(first: &[u8], plus: bool, binding: Binding<'_>, salting: &Salting) -> Result<Exchange, ScramError> {
    begin_with(first, plus, binding, salting, &nonce())
}

fn nonce() -> String {
    STANDARD.encode(rand::rng().random::<[u8; 18]>())
}

pub(in super::super) fn begin_with(
    first: &[u8],
    plus: bool,
    binding: Binding<'_>,
    salting: &Salting,
    own_nonce: &str,
) -> Result<Exchange, ScramError> {
    if first.len() > MOST {
        return Err(Malformed("the message is too long"));
    }
    let text = std::str::from_utf8(first).map_err(|_| Malformed("the message is not UTF-8"))?;
    let mut parts = text.splitn(3, ',');
    let (flag, authzid, bare) = match (parts.next(), parts.next(), parts.next()) {
        (Some(flag), Some(authzid), Some(bare)) => (flag, authzid, bare),
        _ => return Err(Malformed("the first message has no header")),
    };
    if !authzid.is_empty() {
        return Err(Malformed("an authorization identity is not supported"));
    }
    match (flag, plus) {
        ("n", false) => {}
        // The client can bind, and believes that the server cannot: with TLS somebody took the offer away.
        ("y", false) if binding.is_none() => {}
        ("y", false) => return Err(Malformed("the client was not offered channel binding, and it was offered")),
        ("p=tls-server-end-point", true) if binding.is_some() => {}
        ("n" | "y", true) => return Err(Malformed("the mechanism needs channel binding")),
        _ => return Err(Malformed("this channel binding is not supported")),
    }
    if bare.starts_with("m=") {
        return Err(Malformed("a mandatory extension is not supported"));
    }
    let mut attributes = bare.split(',');
    // PostgreSQL's clients leave the name empty: the startup packet has it.
    attributes.next().filter(|a| a.starts_with("n=")).ok_or(Malformed("there is no user name"))?;
    let client_nonce = attributes.next().and_then(|a| a.strip_prefix("r=")).ok_or(Malformed("there is no nonce"))?;
    let printable = |c: char| c.is_ascii_graphic() && c != ',';
    if client_nonce.is_empty() || !client_nonce.chars().all(printable) {
        return Err(Malformed("the nonce is not printable"));
    }
    let mut expected = format!("{flag},,").into_bytes();
    if plus {
        expected.extend_from_slice(binding.unwrap_or_default());
    }
    let nonce = format!("{client_nonce}{own_nonce}");
    Ok(Exchange {
        server_first: format!("r={nonce},s={},i={}", STANDARD.encode(&salting.salt), salting.rounds),
        client_first_bare: bare.to_owned(),
        nonce,
        expected_binding: STANDARD.encode(expected),
    })
}

impl Exchange {
    /// Checks the client's proof against every secret of the user. Gives which one it was, and `SASLFinal`.
    pub fn finish(&self, last: &[u8], secrets: &[Keys]) -> Result<(usize, String), ScramError> {
        if last.len() > MOST {
            return Err(Malformed("the message is too long"));
        }
        let text = std::str::from_utf8(last).map_err(|_| Malformed("the message is not UTF-8"))?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or(Malformed("there is no proof"))?;
        let mut attributes = without_proof.split(',');
        let binding =
            attributes.next().and_then(|a| a.strip_prefix("c=")).ok_or(Malformed("there is no channel binding"))?;
        let nonce = attributes.next().and_then(|a| a.strip_prefix("r=")).ok_or(Malformed("there is no nonce"))?;
        if attributes.any(|a| a.starts_with("m=")) {
            return Err(Malformed("a mandatory extension is not supported"));
        }
        if nonce != self.nonce {
            return Err(Malformed("the nonce is another one"));
        }
        let proof = STANDARD.decode(proof).ok().and_then(|bytes| Key::try_from(bytes).ok());
        let proof = proof.ok_or(Malformed("the proof is not 32 bytes in Base64"))?;
        if binding != self.expected_binding {
            return Err(Malformed("the channel binding is another one"));
        }
        let message =
            [self.client_first_bare.as_bytes(), b",", self.server_first.as_bytes(), b",", without_proof.as_bytes()];
        // All secrets are tried, so that the time does not tell which one fits.
        let mut found = None;
        for (index, keys) in secrets.iter().enumerate() {
            let signature = hmac(&keys.stored, &message);
            let mut client = proof;
            client.iter_mut().zip(signature).for_each(|(byte, other)| *byte ^= other);
            let stored: Key = Sha256::digest(client).into();
            if bool::from(stored.ct_eq(&keys.stored)) {
                found = Some((index, hmac(&keys.server, &message)));
            }
        }
        let (index, signature) = found.ok_or(ScramError::Refused)?;
        Ok((index, format!("v={}", STANDARD.encode(signature))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn salting() -> Salting {
        Salting { salt: STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap(), rounds: 4_096 }
    }

    /// The example of RFC 7677, section 3.
    #[test]
    fn the_example_of_the_rfc_is_answered_to_the_byte() {
        let exchange =
            begin_with(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO", false, None, &salting(), "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0")
                .unwrap();
        assert_eq!(
            exchange.server_first,
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
        );
        let last = b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        let secrets = [Keys::of_nobody(), Keys::of("pencil", &salting()), Keys::of_nobody()];
        let (which, last_word) = exchange.finish(last, &secrets).unwrap();
        assert_eq!((which, last_word.as_str()), (1, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
        assert_eq!(exchange.finish(last, &[Keys::of("pen", &salting())]), Err(ScramError::Refused));
        assert_eq!(exchange.finish(last, &[]), Err(ScramError::Refused));
    }

    #[test]
    fn verifiers_have_postgresqls_form() {
        let keys = Keys::of("pencil", &salting());
        let text = verifier(&salting(), &keys);
        assert!(text.starts_with("SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"));
        let (again, same) = parse_verifier(&text).unwrap();
        assert!(again == salting() && same == keys);
        for wrong in [
            "md5d578de1d5d6ab0b9e8f8d1f0d3b2f3a1",
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==",
            &text.replace("4096", "100"),
            &text.replace("4096", "99999999"),
            &text.replace("W22Z", "W2!Z"),
            text.strip_suffix('=').unwrap(),
        ] {
            assert!(parse_verifier(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn channel_binding_cannot_be_taken_away_or_changed() {
        let certificate = Some(&b"hash of the certificate"[..]);
        let first = |text: &str, plus, binding| begin(text.as_bytes(), plus, binding, &salting()).map(|_| ());
        assert_eq!(first("n,,n=,r=abc", false, certificate), Ok(()));
        assert_eq!(first("y,,n=,r=abc", false, None), Ok(()));
        assert!(first("y,,n=,r=abc", false, certificate).is_err());
        assert_eq!(first("p=tls-server-end-point,,n=,r=abc", true, certificate), Ok(()));
        assert!(first("p=tls-server-end-point,,n=,r=abc", true, None).is_err());
        assert!(first("p=tls-unique,,n=,r=abc", true, certificate).is_err());
        assert!(first("n,,n=,r=abc", true, certificate).is_err());
        let exchange = begin(b"p=tls-server-end-point,,n=,r=abc", true, certificate, &salting()).unwrap();
        let other = STANDARD.encode(b"p=tls-server-end-point,,another certificate");
        let last = format!("c={other},r={},p={}", exchange.nonce, STANDARD.encode([0; 32]));
        assert_eq!(exchange.finish(last.as_bytes(), &[]), Err(Malformed("the channel binding is another one")));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for first in [
            &b""[..],
            b"n",
            b"n,,",
            b"n,a=x,n=,r=abc",
            b"n,,r=abc",
            b"n,,n=",
            b"n,,n=,r=",
            b"n,,m=x,n=,r=a",
            b"\xff\xff,,",
        ] {
            assert!(matches!(begin(first, false, None, &salting()), Err(Malformed(_))), "{first:?}");
        }
        assert!(begin(&vec![b'a'; MOST + 1], false, None, &salting()).is_err());
        let exchange = begin(b"n,,n=,r=abc", false, None, &salting()).unwrap();
        let nonce = exchange.nonce.clone();
        for last in [
            String::new(),
            "c=biws".to_owned(),
            format!("c=biws,r={nonce}"),
            format!("c=biws,r={nonce},p="),
            format!("c=biws,r={nonce},p=AAAA"),
            format!("c=biws,r={nonce}x,p={}", STANDARD.encode([0; 32])),
            format!("c=eSws,r={nonce},p={}", STANDARD.encode([0; 32])),
        ] {
            assert!(matches!(exchange.finish(last.as_bytes(), &[]), Err(Malformed(_))), "{last}");
        }
    }

    #[test]
    fn a_user_who_does_not_exist_has_one_salt() {
        let of = |user| Salting::mock(b"secret", user);
        assert!(of("a") == of("a") && of("a") != of("b") && of("a") != Salting::mock(b"other", "a"));
        assert_eq!(of("a").salt.len(), SALT);
    }

    #[test]
    fn passwords_are_prepared_as_postgresql_prepares_them() {
        // A non-breaking space is a space, the soft hyphen nothing; what cannot be prepared is taken as it is.
        assert!(Keys::of("a\u{a0}b\u{ad}c", &salting()) == Keys::of("a bc", &salting()));
        assert!(Keys::of("\u{7}", &salting()) == Keys::of("\u{7}", &salting()));
    }
}
