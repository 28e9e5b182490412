//! RSA keys: making a pair for key-pair login, and naming a public key as Snowflake does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::rand_core::OsRng;
use rsa::sha2::{Digest, Sha256};
use rsa::{RsaPrivateKey, RsaPublicKey};
use thiserror::Error;

/// Bits of a generated key: the least Snowflake takes.
const KEY_BITS: usize = 2048;

/// A key pair for `AUTHENTICATOR = SNOWFLAKE_JWT`.
#[derive(Clone)]
pub struct KeyPair {
    /// The private key as unencrypted PKCS#8 PEM.
    pub private_key_pem: String,
    /// The public key as SPKI DER: what `RSA_PUBLIC_KEY` holds in base64.
    pub public_key_der: Vec<u8>,
}

impl std::fmt::Debug for KeyPair {
    // The private half stays out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyPair").field("fingerprint", &fingerprint(&self.public_key_der)).finish_non_exhaustive()
    }
}

/// A key pair could not be made.
#[derive(Debug, Error)]
pub enum KeyError {
    /// The key generation failed.
    #[error("cannot generate an RSA key: {0}")]
    Generate(#[from] rsa::Error),
    /// The private key could not be written as PKCS#8.
    #[error("cannot encode the private key: {0}")]
    Private(#[from] rsa::pkcs8::Error),
    /// The public key could not be written as SPKI.
    #[error("cannot encode the public key: {0}")]
    Public(#[from] rsa::pkcs8::spki::Error),
}

impl KeyPair {
    /// Makes a new 2048-bit RSA pair from the system's randomness. Takes up to a few seconds of one core.
    pub fn generate() -> Result<Self, KeyError> {
        let private = RsaPrivateKey::new(&mut OsRng, KEY_BITS)?;
        let public_key_der = RsaPublicKey::from(&private).to_public_key_der()?.into_vec();
        let private_key_pem = private.to_pkcs8_pem(LineEnding::LF)?.to_string();
        Ok(Self { private_key_pem, public_key_der })
    }

    /// The public key in base64 without PEM armour, as `ALTER USER ... SET RSA_PUBLIC_KEY` takes it.
    pub fn public_key_base64(&self) -> String {
        STANDARD.encode(&self.public_key_der)
    }
}

/// Snowflake's name of a public key, as `DESCRIBE USER` shows it in `RSA_PUBLIC_KEY_FP`.
pub fn fingerprint(public_key_der: &[u8]) -> String {
    format!("SHA256:{}", STANDARD.encode(Sha256::digest(public_key_der)))
}
