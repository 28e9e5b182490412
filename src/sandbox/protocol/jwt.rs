//! The check of a key-pair login's token: RS256, subject, issuer, fingerprint, times.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rsa::RsaPublicKey;
use rsa::pkcs1v15::{Signature, VerifyingKey};
use rsa::pkcs8::DecodePublicKey;
use rsa::sha2::Sha256;
use rsa::signature::Verifier;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::keys::fingerprint;

/// A token older than this is refused whatever its `exp` says (Snowflake: one hour).
const LONGEST_LIFE_SECONDS: f64 = 3600.0;
/// No driver's token comes near this; anything longer is not looked at.
const LONGEST_TOKEN_BYTES: usize = 16 * 1024;

#[derive(Deserialize)]
struct Header {
    alg: String,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    // Seconds since 1970; some drivers write a fraction.
    iat: f64,
    exp: f64,
}

/// Why a token was refused. Only for the sandbox's log: the client gets one message for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenFault {
    #[error("not a JSON Web Token")]
    Format,
    #[error("its algorithm is not RS256")]
    Algorithm,
    #[error("its subject is not ACCOUNT.USER in upper case")]
    Subject,
    #[error("its issuer names no public key of the user")]
    Issuer,
    #[error("its signature does not fit the user's public key")]
    Signature,
    #[error("it is expired, or lives longer than an hour")]
    Expired,
    #[error("it was issued in the future")]
    NotYetValid,
}

/// Who the token must speak for, and when it is looked at.
pub(super) struct Expected<'a> {
    /// The account, any case.
    pub(super) account: &'a str,
    /// The login name, any case.
    pub(super) login_name: &'a str,
    /// The user's public keys, SPKI DER.
    pub(super) public_keys: &'a [Vec<u8>],
    /// Seconds since 1970.
    pub(super) now: f64,
    /// How far the two clocks may differ, seconds.
    pub(super) skew: f64,
}

/// The account as it stands in a token: cut at the first dot, upper case.
pub(super) fn account_in_token(account: &str) -> String {
    account.split('.').next().unwrap_or(account).to_uppercase()
}

/// Checks a token against the user it is presented for.
pub(super) fn check(token: &str, expected: &Expected<'_>) -> Result<(), TokenFault> {
    if token.len() > LONGEST_TOKEN_BYTES {
        return Err(TokenFault::Format);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Format)?;
    let (header, claims) = signed.split_once('.').ok_or(TokenFault::Format)?;
    let header: Header = part(header)?;
    if header.alg != "RS256" {
        return Err(TokenFault::Algorithm);
    }
    let claims: Claims = part(claims)?;
    let subject = format!("{}.{}", account_in_token(expected.account), expected.login_name.to_uppercase());
    if claims.sub != subject {
        return Err(TokenFault::Subject);
    }
    let named = claims.iss.strip_prefix(&subject).and_then(|rest| rest.strip_prefix('.')).ok_or(TokenFault::Issuer)?;
    let key = expected.public_keys.iter().find(|der| fingerprint(der) == named).ok_or(TokenFault::Issuer)?;
    let key = RsaPublicKey::from_public_key_der(key).map_err(|_| TokenFault::Issuer)?;
    let signature = URL_SAFE_NO_PAD.decode(signature.trim_end_matches('=')).map_err(|_| TokenFault::Format)?;
    let signature = Signature::try_from(signature.as_slice()).map_err(|_| TokenFault::Signature)?;
    VerifyingKey::<Sha256>::new(key).verify(signed.as_bytes(), &signature).map_err(|_| TokenFault::Signature)?;
    if claims.iat > expected.now + expected.skew {
        return Err(TokenFault::NotYetValid);
    }
    // A time that is not a number fails these comparisons and is refused.
    let alive =
        claims.exp + expected.skew > expected.now && claims.iat + LONGEST_LIFE_SECONDS + expected.skew > expected.now;
    if alive { Ok(()) } else { Err(TokenFault::Expired) }
}

fn part<T: DeserializeOwned>(text: &str) -> Result<T, TokenFault> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).map_err(|_| TokenFault::Format)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenFault::Format)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::protocol::keys::KeyPair;
    use rsa::RsaPrivateKey;
    use rsa::pkcs1v15::SigningKey;
    use rsa::pkcs8::DecodePrivateKey;
    use rsa::signature::{SignatureEncoding, Signer};
    use serde_json::{Value, json};
    use std::sync::OnceLock;

    fn pair() -> &'static KeyPair {
        static PAIR: OnceLock<KeyPair> = OnceLock::new();
        PAIR.get_or_init(|| KeyPair::generate().unwrap())
    }

    fn sign(header: &Value, claims: &Value) -> String {
        let text = |v: &Value| URL_SAFE_NO_PAD.encode(v.to_string());
        let signed = format!("{}.{}", text(header), text(claims));
        let key = RsaPrivateKey::from_pkcs8_pem(&pair().private_key_pem).unwrap();
        let signature = SigningKey::<Sha256>::new(key).sign(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    fn verdict(change: impl FnOnce(&mut Value, &mut Value)) -> Result<(), TokenFault> {
        let issuer = format!("TESTACCT.ALICE.{}", fingerprint(&pair().public_key_der));
        let mut header = json!({"alg": "RS256", "typ": "JWT"});
        let mut claims = json!({"sub": "TESTACCT.ALICE", "iss": issuer, "iat": 1000, "exp": 1060});
        change(&mut header, &mut claims);
        let keys = [pair().public_key_der.clone()];
        let token = sign(&header, &claims);
        check(
            &token,
            &Expected { account: "testacct.eu", login_name: "alice", public_keys: &keys, now: 1030.0, skew: 5.0 },
        )
    }

    #[test]
    fn a_good_token_passes_and_each_wrong_part_is_refused() {
        assert_eq!(verdict(|_, _| ()), Ok(()));
        assert_eq!(verdict(|h, _| h["alg"] = json!("none")), Err(TokenFault::Algorithm));
        assert_eq!(verdict(|h, _| h["alg"] = json!("HS256")), Err(TokenFault::Algorithm));
        assert_eq!(verdict(|_, c| c["sub"] = json!("TESTACCT.BOB")), Err(TokenFault::Subject));
        assert_eq!(verdict(|_, c| c["sub"] = json!("testacct.alice")), Err(TokenFault::Subject));
        assert_eq!(verdict(|_, c| c["sub"] = json!("TESTACCT.EU.ALICE")), Err(TokenFault::Subject));
        assert_eq!(verdict(|_, c| c["iss"] = json!("TESTACCT.ALICE")), Err(TokenFault::Issuer));
        assert_eq!(verdict(|_, c| c["iss"] = json!("TESTACCT.ALICE.SHA256:AAAA")), Err(TokenFault::Issuer));
        assert_eq!(verdict(|_, c| c["exp"] = json!(1020)), Err(TokenFault::Expired));
        assert_eq!(verdict(|_, c| c["iat"] = json!(-3000)), Err(TokenFault::Expired));
        assert_eq!(verdict(|_, c| c["iat"] = json!(1040)), Err(TokenFault::NotYetValid));
        assert_eq!(verdict(|_, c| c["exp"] = json!("soon")), Err(TokenFault::Format));
    }

    #[test]
    fn the_clocks_may_differ_by_the_skew_and_no_more() {
        assert_eq!(verdict(|_, c| c["exp"] = json!(1026)), Ok(()));
        assert_eq!(verdict(|_, c| c["exp"] = json!(1025)), Err(TokenFault::Expired));
        assert_eq!(verdict(|_, c| c["iat"] = json!(1035)), Ok(()));
    }

    #[test]
    fn a_signature_of_another_text_is_refused() {
        let keys = [pair().public_key_der.clone()];
        let expected = Expected { account: "A", login_name: "U", public_keys: &keys, now: 10.0, skew: 0.0 };
        let claims = json!({"sub": "A.U", "iss": format!("A.U.{}", fingerprint(&keys[0])), "iat": 0, "exp": 60});
        let good = sign(&json!({"alg": "RS256"}), &claims);
        assert_eq!(check(&good, &expected), Ok(()));
        let other = sign(&json!({"alg": "RS256", "x": 1}), &claims);
        let mixed = format!("{}.{}", good.rsplit_once('.').unwrap().0, other.rsplit_once('.').unwrap().1);
        assert_eq!(check(&mixed, &expected), Err(TokenFault::Signature));
        for garbage in ["", ".", "..", "a.b.c", "....", "é.é.é", &"x".repeat(20_000)] {
            assert_eq!(check(garbage, &expected), Err(TokenFault::Format), "{garbage:.10}");
        }
    }
}
