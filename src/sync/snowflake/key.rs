//! Key-pair login: the key, its fingerprint and the token that proves it.

use crate::sync::SourceError;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs1v15;
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey};
use rsa::sha2::{Digest, Sha256};
use rsa::signature::{SignatureEncoding, Signer};
use rsa::{RsaPrivateKey, RsaPublicKey};
use serde_json::json;
use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Lifetime of a login token in seconds. It is used at once, so it can be short.
const LIFETIME: u64 = 60;

/// The private half of a key pair.
pub struct SigningKey {
    signer: pkcs1v15::SigningKey<Sha256>,
    fingerprint: String,
    public: Vec<u8>,
}

impl SigningKey {
    /// Reads an RSA key from PEM text: PKCS#8 (`BEGIN PRIVATE KEY`), or PKCS#1 (`BEGIN RSA PRIVATE KEY`);
    /// encrypted PKCS#8 with its passphrase.
    ///
    /// # Errors
    /// The text holds no RSA key, or the passphrase is missing or wrong.
    pub fn from_pem(pem: &str, passphrase: Option<&str>) -> Result<Self, SourceError> {
        let problem = |text: &str| SourceError::Key(text.to_owned());
        let key = if pem.contains("BEGIN ENCRYPTED PRIVATE KEY") {
            let passphrase = passphrase
                .ok_or_else(|| problem("it is encrypted; give its passphrase (private_key_passphrase_file)"))?;
            RsaPrivateKey::from_pkcs8_encrypted_pem(pem, passphrase)
                .map_err(|_| problem("it cannot be decrypted: the passphrase is wrong or the file is damaged"))?
        } else if pem.contains("BEGIN PRIVATE KEY") {
            RsaPrivateKey::from_pkcs8_pem(pem)
                .map_err(|e| problem(&format!("it is no RSA key in PKCS#8 form ({e})")))?
        } else if pem.contains("BEGIN RSA PRIVATE KEY") {
            RsaPrivateKey::from_pkcs1_pem(pem).map_err(|e| problem(&format!("it is no RSA key ({e})")))?
        } else {
            return Err(problem(
                "no `BEGIN PRIVATE KEY` in it; make one with `openssl genrsa 2048 | openssl pkcs8 -topk8 -nocrypt`",
            ));
        };
        Self::new(key)
    }

    fn new(key: RsaPrivateKey) -> Result<Self, SourceError> {
        let public = RsaPublicKey::from(&key)
            .to_public_key_der()
            .map_err(|e| SourceError::Key(format!("its public half cannot be written ({e})")))?;
        let fingerprint = format!("SHA256:{}", STANDARD.encode(Sha256::digest(public.as_bytes())));
        Ok(Self { signer: pkcs1v15::SigningKey::new(key), fingerprint, public: public.as_bytes().to_vec() })
    }

    /// The fingerprint of the public half, as DESCRIBE USER shows it: `SHA256:...`.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The public half as `RSA_PUBLIC_KEY` takes it: base64 without header lines.
    pub fn public_key(&self) -> String {
        STANDARD.encode(&self.public)
    }

    /// A token for one login attempt of `user` (both names upper case).
    pub(super) fn token(&self, account: &str, user: &str) -> Result<String, SourceError> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_err(|_| SourceError::Config("the clock of this machine is before 1970".to_owned()))?
            .as_secs();
        let subject = format!("{account}.{user}");
        let header = URL_SAFE_NO_PAD.encode(json!({"alg": "RS256", "typ": "JWT"}).to_string());
        let claims = json!({
            "iss": format!("{subject}.{}", self.fingerprint),
            "sub": subject,
            "iat": now,
            "exp": now + LIFETIME,
        });
        let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature =
            self.signer.try_sign(signed.as_bytes()).map_err(|e| SourceError::Key(format!("it cannot sign ({e})")))?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes())))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsa::pkcs1v15::{Signature, VerifyingKey};
    use rsa::pkcs8::pkcs5::pbes2;
    use rsa::pkcs8::{DecodePublicKey, EncodePrivateKey, LineEnding, PrivateKeyInfo};
    use rsa::rand_core::OsRng;
    use rsa::signature::Verifier;

    #[test]
    fn a_token_names_account_and_user_and_verifies_with_the_registered_half() {
        let private = RsaPrivateKey::new(&mut OsRng, 2048).unwrap();
        let pem = private.to_pkcs8_pem(LineEnding::LF).unwrap();
        let key = SigningKey::from_pem(&pem, None).unwrap();
        let token = key.token("ACME", "GRANTD_SVC").unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let public = RsaPublicKey::from_public_key_der(&STANDARD.decode(key.public_key()).unwrap()).unwrap();
        let signature = Signature::try_from(&URL_SAFE_NO_PAD.decode(signature).unwrap()[..]).unwrap();
        VerifyingKey::<Sha256>::new(public).verify(signed.as_bytes(), &signature).unwrap();
        let claims = URL_SAFE_NO_PAD.decode(signed.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["sub"], "ACME.GRANTD_SVC");
        assert_eq!(claims["iss"], format!("ACME.GRANTD_SVC.{}", key.fingerprint()));
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), LIFETIME);
        assert!(!format!("{key:?}").contains("BEGIN"));

        let cheap = pbes2::Parameters::pbkdf2_sha256_aes256cbc(16, b"salt and salt", &[7; 16]).unwrap();
        let der = private.to_pkcs8_der().unwrap();
        let info = PrivateKeyInfo::try_from(der.as_bytes()).unwrap();
        let sealed = info.encrypt_with_params(cheap, "open sesame").unwrap();
        let sealed = sealed.to_pem("ENCRYPTED PRIVATE KEY", LineEnding::LF).unwrap();
        assert!(SigningKey::from_pem(&sealed, None).unwrap_err().to_string().contains("passphrase"));
        assert!(SigningKey::from_pem(&sealed, Some("wrong")).unwrap_err().to_string().contains("wrong"));
        let opened = SigningKey::from_pem(&sealed, Some("open sesame")).unwrap();
        assert_eq!(opened.fingerprint(), key.fingerprint());
    }

    #[test]
    fn what_is_no_key_says_so() {
        for text in ["", "-----BEGIN CERTIFICATE-----", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"]
        {
            assert!(matches!(SigningKey::from_pem(text, None), Err(SourceError::Key(_))), "{text}");
        }
    }
}
