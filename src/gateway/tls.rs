//! TLS of the gateway: which connections must have it, its files, and their renewal while the gateway runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use sha2::{Digest as _, Sha256, Sha384, Sha512};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::der;
use crate::config::{TlsFiles, TlsMode};

/// How often a connection may have the files looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// The protocol's name in ALPN, which a direct TLS connection must offer.
pub(super) const ALPN: &[u8] = b"postgresql";

/// When each of the files changed last.
type Changed = Vec<Option<SystemTime>>;

fn changed(files: &TlsFiles) -> Changed {
    let all = [&files.certificate, &files.key].into_iter().chain(&files.client_ca).chain(&files.client_crl);
    all.map(|path| fs::metadata(path).ok()?.modified().ok()).collect()
}

/// Why TLS cannot be offered: which file, and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", path.display())]
pub struct TlsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub what: String,
}

fn wrong(path: &Path, what: impl std::fmt::Display) -> TlsError {
    TlsError { path: path.to_owned(), what: what.to_string() }
}

/// What new connections get.
#[derive(Clone)]
pub(crate) struct Current {
    /// Does the handshake.
    pub acceptor: TlsAcceptor,
    /// What a client binds its login to: the hash of the server's certificate (RFC 5929, `tls-server-end-point`). A
    /// signature without a hash function has none, and clients cannot bind to it.
    pub certificate_hash: Option<Arc<[u8]>>,
}

struct State {
    current: Current,
    changed: Changed,
    looked: Instant,
}

/// TLS as it is set, with what was read last.
pub struct Tls {
    mode: TlsMode,
    files: TlsFiles,
    state: Mutex<State>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("mode", &self.mode).field("files", &self.files).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// A file is missing, is not what it should be, or the key is another certificate's.
    pub fn open(mode: TlsMode, files: TlsFiles) -> Result<Self, TlsError> {
        let state = State { current: read(mode, &files)?, changed: changed(&files), looked: Instant::now() };
        Ok(Self { mode, files, state: Mutex::new(state) })
    }

    /// Whether connections in clear are refused.
    pub(crate) fn is_required(&self) -> bool {
        matches!(self.mode, TlsMode::Require | TlsMode::Verify)
    }

    /// What a new connection gets. Files that changed are read again; those that cannot be used are not, and the log says
    /// so.
    pub(crate) fn current(&self) -> Current {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.looked.elapsed() >= LOOK_AGAIN {
            state.looked = Instant::now();
            let newest = changed(&self.files);
            if newest != state.changed {
                match read(self.mode, &self.files) {
                    Ok(current) => {
                        tracing::info!(target: "grantd::gateway", "the TLS files changed and were read again");
                        state.current = current;
                        state.changed = newest;
                    }
                    Err(error) => {
                        tracing::error!(target: "grantd::gateway", %error, "the TLS files changed and cannot be used; the former certificate stays");
                    }
                }
            }
        }
        state.current.clone()
    }
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = fs::read(path).map_err(|error| wrong(path, error))?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let all = all.map_err(|error| wrong(path, format!("it is not PEM: {error}")))?;
    if all.is_empty() { Err(wrong(path, "there is no certificate in it")) } else { Ok(all) }
}

fn read(mode: TlsMode, files: &TlsFiles) -> Result<Current, TlsError> {
    let chain = certificates(&files.certificate)?;
    let algorithm = signature_algorithm(chain.first().map(AsRef::as_ref).unwrap_or_default())
        .ok_or_else(|| wrong(&files.certificate, "the first certificate cannot be read"))?;
    let hash = chain.first().and_then(|certificate| end_point_hash(algorithm, certificate));
    let pem = fs::read(&files.key).map_err(|error| wrong(&files.key, error))?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| wrong(&files.key, "there is no private key in it"))?;
    // TLS 1.2 and 1.3; rustls has nothing older.
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&files.certificate, error))?;
    let builder = if mode == TlsMode::Verify {
        let path = files.client_ca.as_deref().unwrap_or(Path::new("tls_client_ca_file"));
        let mut roots = RootCertStore::empty();
        for certificate in certificates(path)? {
            roots.add(certificate).map_err(|error| wrong(path, error))?;
        }
        let mut verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()));
        if let Some(path) = &files.client_crl {
            // What no list speaks of, and what a list that is past its time speaks of, counts as revoked.
            verifier = verifier.with_crls(revocations(path)?).enforce_revocation_expiration();
        }
        let verifier = verifier.build().map_err(|error| wrong(path, error))?;
        builder.with_client_cert_verifier(verifier)
    } else {
        builder.with_no_client_auth()
    };
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| wrong(&files.key, format!("it does not go with the certificate: {error}")))?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    // Every handshake looks at the client's certificate: a session that goes on would not know that it was revoked.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(Current { acceptor: TlsAcceptor::from(Arc::new(config)), certificate_hash: hash.map(Into::into) })
}

fn revocations(path: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, TlsError> {
    let pem = fs::read(path).map_err(|error| wrong(path, error))?;
    let all: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&pem).collect();
    let all = all.map_err(|error| wrong(path, format!("it is not PEM: {error}")))?;
    if all.is_empty() { Err(wrong(path, "there is no certificate revocation list in it")) } else { Ok(all) }
}

/// What a login over a server's certificate (DER) is bound to, if it can be bound.
pub fn end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    end_point_hash(signature_algorithm(certificate)?, certificate)
}

/// The algorithm of a certificate's signature, as the bytes of its identifier.
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    // Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm ::= SEQUENCE { OID, ... }, ... }
    let parts = der::sequence(certificate)?;
    match (parts.get(1)?, der::elements(parts.get(1)?.1)?.first()?) {
        ((der::SEQUENCE, _), (der::OID, oid)) => Some(oid),
        _ => None,
    }
}

/// The hash of a certificate by the function of its signature; SHA-256 in the place of MD5 and SHA-1. Others, such as
/// Ed25519, name none, and clients refuse to bind to them.
fn end_point_hash(algorithm: &[u8], certificate: &[u8]) -> Option<Vec<u8>> {
    /// 1.2.840.10045.4.3, ecdsa-with-SHA2; the next byte says which.
    const ECDSA_SHA2: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03];
    /// 1.2.840.113549.1.1, pkcs-1; the next byte says which.
    const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01];
    let (family, kind) = algorithm.split_at_checked(algorithm.len().checked_sub(1)?)?;
    match (family, kind) {
        (ECDSA_SHA2, [2]) | (RSA, [4 | 5 | 11]) => Some(Sha256::digest(certificate).to_vec()),
        (ECDSA_SHA2, [3]) | (RSA, [12]) => Some(Sha384::digest(certificate).to_vec()),
        (ECDSA_SHA2, [4]) | (RSA, [13]) => Some(Sha512::digest(certificate).to_vec()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            certificate: folder.path().join("a.crt"),
            key: folder.path().join("a.key"),
            client_ca: None,
            client_crl: None,
        };
        let why = |files: &TlsFiles| Tls::open(TlsMode::Require, files.clone()).unwrap_err().to_string();
        assert!(why(&files).contains("a.crt"));
        fs::write(&files.certificate, "no certificate").unwrap();
        assert!(why(&files).contains("there is no certificate in it"));
    }

    #[test]
    fn what_is_no_certificate_has_no_algorithm() {
        for der in [&b""[..], b"\x30\x00", b"\x30\x02\x30\x00", b"\x30\x06\x30\x00\x30\x02\x05\x00"] {
            assert_eq!(signature_algorithm(der), None, "{der:?}");
        }
    }

    #[test]
    fn only_a_signature_with_a_hash_can_be_bound_to() {
        let sha256 = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
        assert_eq!(end_point_hash(sha256, b"x").map(|hash| hash.len()), Some(32));
        let ed25519 = &[0x2b, 0x65, 0x70];
        let pss = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a];
        assert_eq!(
            (end_point_hash(ed25519, b"x"), end_point_hash(pss, b"x"), end_point_hash(&[], b"x")),
            (None, None, None)
        );
    }
}
