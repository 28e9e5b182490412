//! [`CredentialFiles`]: the files that prove who grantd is; exactly one kind of proof per account.

use super::{ConfigError, Secret, read_secret};
use std::path::PathBuf;

/// Where the proof lies. The files are read at every connection, so that what they hold can be rotated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CredentialFiles {
    /// A private key, PKCS#8 in PEM; the public half is registered with the user.
    KeyPair {
        /// The key.
        key: PathBuf,
        /// Holds the passphrase of an encrypted key.
        passphrase: Option<PathBuf>,
    },
    /// A programmatic access token.
    AccessToken(PathBuf),
    /// An OAuth access token, which something else keeps fresh.
    OAuth(PathBuf),
}

/// What the files hold.
#[derive(Debug)]
pub enum CredentialTexts {
    /// The key as PEM, and its passphrase without a final line break.
    KeyPair {
        /// The key.
        key: Secret<String>,
        /// Its passphrase.
        passphrase: Option<Secret<String>>,
    },
    /// A programmatic access token.
    AccessToken(Secret<String>),
    /// An OAuth access token.
    OAuth(Secret<String>),
}

impl CredentialFiles {
    /// The one kind that an account names; the error is what is wrong and the next step.
    pub(super) fn choose(
        account: &str,
        key: Option<PathBuf>,
        passphrase: Option<PathBuf>,
        access_token: Option<PathBuf>,
        oauth_token: Option<PathBuf>,
    ) -> Result<Self, (String, Option<String>)> {
        let of = format!("of account {account:?}");
        match (key, access_token, oauth_token) {
            (Some(key), None, None) => Ok(Self::KeyPair { key, passphrase }),
            (None, Some(token), None) if passphrase.is_none() => Ok(Self::AccessToken(token)),
            (None, None, Some(token)) if passphrase.is_none() => Ok(Self::OAuth(token)),
            (None, None, None) => Err((
                format!("private_key_file is missing in [[account]] {of}"),
                Some(
                    "private_key_file = \"grantd.p8\" (or access_token_file, or oauth_token_file); grantd setup makes a key"
                        .to_owned(),
                ),
            )),
            (None, ..) if passphrase.is_some() => Err((
                format!("private_key_passphrase_file {of} is for a private key, and private_key_file is missing"),
                Some("remove it, or name the key".to_owned()),
            )),
            _ => Err((
                format!("the account has more than one proof ({of})"),
                Some("keep one of private_key_file, access_token_file and oauth_token_file".to_owned()),
            )),
        }
    }

    /// Reads the files.
    pub fn read(&self) -> Result<CredentialTexts, ConfigError> {
        Ok(match self {
            Self::KeyPair { key, passphrase } => CredentialTexts::KeyPair {
                key: read_secret(key)?,
                passphrase: passphrase.as_deref().map(read_secret).transpose()?.as_ref().map(without_break),
            },
            Self::AccessToken(token) => CredentialTexts::AccessToken(read_secret(token)?),
            Self::OAuth(token) => CredentialTexts::OAuth(read_secret(token)?),
        })
    }

    /// Whether the files can be read and trusted.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.read().map(|_| ())
    }
}

/// Without the line break at its end.
fn without_break(text: &Secret<String>) -> Secret<String> {
    let line = text.expose().strip_suffix('\n').unwrap_or(text.expose());
    Secret::new(line.strip_suffix('\r').unwrap_or(line).to_owned())
}
