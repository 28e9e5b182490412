//! Certificates of an authority for tests: servers' and clients', good and bad.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType, IsCa, KeyIdMethod,
    KeyPair, KeyUsagePurpose, RevokedCertParams, SanType, SerialNumber, date_time_ymd,
};
use std::path::{Path, PathBuf};

/// Signs certificates.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

/// What is asked for.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted<'a> {
    /// The common name.
    pub(crate) common: &'a str,
    /// A DNS name.
    pub(crate) dns: Option<&'a str>,
    /// Whether it ended long ago.
    pub(crate) expired: bool,
    /// Its number.
    pub(crate) serial: u64,
}

/// A certificate and its key as files.
#[derive(Clone)]
pub(crate) struct Pair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, name);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// Its own certificate as a file.
    pub(crate) fn write(&self, file: PathBuf) -> PathBuf {
        std::fs::write(&file, self.issuer.pem()).unwrap();
        file
    }

    /// A certificate that it signs, as files of that name in the folder.
    pub(crate) fn issue(&self, folder: &Path, name: &str, wanted: Wanted<'_>) -> Pair {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, wanted.common);
        params.subject_alt_names.extend(wanted.dns.map(|name| SanType::DnsName(name.try_into().unwrap())));
        params.serial_number = Some(SerialNumber::from(wanted.serial + 1));
        if wanted.expired {
            (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        }
        let key = KeyPair::generate().unwrap();
        let made = params.signed_by(&key, &self.issuer).unwrap();
        let pair = Pair { certificate: folder.join(format!("{name}.crt")), key: folder.join(format!("{name}.key")) };
        std::fs::write(&pair.certificate, made.pem()).unwrap();
        super::write_key(&pair.key, &key.serialize_pem());
        pair
    }

    /// What it revoked, as a file; `ended` says that the list should have been renewed.
    pub(crate) fn revoke(&self, file: &Path, serials: &[u64], ended: bool) {
        let revoked = serials.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(serial + 1),
            revocation_time: date_time_ymd(2025, 1, 1),
            reason_code: None,
            invalidity_date: None,
        });
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2025, 1, 1),
            next_update: if ended { date_time_ymd(2025, 2, 1) } else { date_time_ymd(2999, 1, 1) },
            crl_number: SerialNumber::from(1_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        std::fs::write(file, list.signed_by(&self.issuer).unwrap().pem().unwrap()).unwrap();
    }
}
