//! Who a client's certificate says that it is. The handshake of TLS has verified it; here are its names only.

use crate::config::{CertificateName, CertificateUsers};
use crate::gateway::der::{Element, OID, SEQUENCE, SET, elements, sequence};

/// 2.5.4.3, commonName.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// 2.5.29.17, subjectAltName.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
/// The string types of a common name that are in use: `UTF8String`, `PrintableString`, `IA5String`.
const STRINGS: [u8; 3] = [0x0c, 0x13, 0x16];
/// The kinds of alternative names: e-mail address, DNS name, URI.
const KINDS: [u8; 3] = [0x81, 0x82, 0x86];

/// The names in a certificate.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientNames {
    common: Option<String>,
    alternative: Vec<String>,
}

impl ClientNames {
    /// Of a certificate in DER; one that cannot be read has no names.
    pub(crate) fn of(der: &[u8]) -> Self {
        Self::read(der).unwrap_or_default()
    }

    fn read(der: &[u8]) -> Option<Self> {
        // TBSCertificate ::= SEQUENCE { [0] version, serialNumber, signature, issuer, validity, subject, key, ...,
        // [3] extensions }; a certificate without a version is one of the last century.
        let parts = elements(sequence(der)?.first().filter(|part| part.0 == SEQUENCE)?.1)?;
        let (version, subject) = (parts.first()?, parts.get(5)?);
        if version.0 != 0xa0 || subject.0 != SEQUENCE {
            return None;
        }
        let extensions = match parts.iter().find(|part| part.0 == 0xa3) {
            Some(part) => sequence(part.1)?,
            None => Vec::new(),
        };
        Some(Self { common: common_name(subject.1)?, alternative: alternative_names(&extensions)? })
    }

    /// Whether the certificate lets in this user.
    pub(crate) fn let_in(&self, user: &str, rules: &CertificateUsers) -> bool {
        let is_common = rules.common_name_is_user && self.common.as_deref() == Some(user);
        let common = self.common.iter().cloned().map(CertificateName::Common);
        let names = common.chain(self.alternative.iter().cloned().map(CertificateName::Alternative));
        is_common || names.filter_map(|name| rules.users.get(&name)).flatten().any(|allowed| allowed == user)
    }
}

/// The common name of a subject, if there is one and only one. `None` is a subject that cannot be read.
fn common_name(subject: &[u8]) -> Option<Option<String>> {
    let mut found: Vec<Element<'_>> = Vec::new();
    for (tag, part) in elements(subject)? {
        if tag != SET {
            return None;
        }
        for (tag, attribute) in elements(part)? {
            match (tag, elements(attribute)?.as_slice()) {
                (SEQUENCE, [(OID, COMMON_NAME), value]) => found.push(*value),
                (SEQUENCE, [(OID, _), _]) => {}
                _ => return None,
            }
        }
    }
    Some(match found.as_slice() {
        [(tag, text)] if STRINGS.contains(tag) => clean(text),
        // Of several it is not clear which one is meant; other types of strings can be read in two ways.
        _ => None,
    })
}

fn alternative_names(extensions: &[Element<'_>]) -> Option<Vec<String>> {
    for (_, extension) in extensions {
        // SEQUENCE { OID, critical BOOLEAN, OCTET STRING }, critical or not.
        let parts = elements(extension)?;
        if parts.first() == Some(&(OID, ALTERNATIVE_NAMES)) {
            let names = sequence(parts.last()?.1)?;
            return Some(
                names.iter().filter(|name| KINDS.contains(&name.0)).filter_map(|name| clean(name.1)).collect(),
            );
        }
    }
    Some(Vec::new())
}

fn clean(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?;
    (!text.is_empty() && !text.chars().any(char::is_control)).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SanType};

    fn names(common: &[&str], alternative: &[SanType]) -> ClientNames {
        let mut params = CertificateParams::default();
        for name in common {
            params.distinguished_name.push(DnType::CommonName, *name);
        }
        params.subject_alt_names = alternative.to_vec();
        let key = KeyPair::generate().unwrap();
        ClientNames::of(params.self_signed(&key).unwrap().der())
    }

    fn rules(common_name_is_user: bool, users: &[(CertificateName, &str)]) -> CertificateUsers {
        let users = users.iter().map(|(name, user)| (name.clone(), vec![(*user).to_owned()])).collect();
        CertificateUsers { common_name_is_user, users }
    }

    #[test]
    fn a_name_lets_in_whom_the_configuration_says_and_nobody_else() {
        let ann = names(&["ann"], &[SanType::DnsName("ann.example.org".try_into().unwrap())]);
        assert!(!ann.let_in("ann", &CertificateUsers::default()));
        assert!(ann.let_in("ann", &rules(true, &[])) && !ann.let_in("ANN", &rules(true, &[])));
        let by_common = rules(false, &[(CertificateName::Common("ann".into()), "bob")]);
        assert!(ann.let_in("bob", &by_common) && !ann.let_in("ann", &by_common));
        let by_alternative = rules(false, &[(CertificateName::Alternative("ann.example.org".into()), "bob")]);
        assert!(ann.let_in("bob", &by_alternative));
        // A common name is no alternative one, and the other way round.
        assert!(!ann.let_in("bob", &rules(false, &[(CertificateName::Alternative("ann".into()), "bob")])));
        assert!(!ann.let_in("bob", &rules(false, &[(CertificateName::Common("ann.example.org".into()), "bob")])));
    }

    #[test]
    fn every_way_to_write_a_name_is_read() {
        use rcgen::DnValue::{Ia5String, PrintableString, Utf8String};
        for value in [
            Utf8String("ann".to_owned()),
            PrintableString("ann".try_into().unwrap()),
            Ia5String("ann".try_into().unwrap()),
        ] {
            let mut params = CertificateParams::default();
            params.distinguished_name.push(DnType::CommonName, value);
            params.distinguished_name.push(DnType::OrganizationName, "Example");
            params.subject_alt_names = vec![
                SanType::Rfc822Name("ann@example.org".try_into().unwrap()),
                SanType::DnsName("ann.example.org".try_into().unwrap()),
                SanType::URI("spiffe://example.org/ann".try_into().unwrap()),
                SanType::IpAddress([127, 0, 0, 1].into()),
            ];
            let key = KeyPair::generate().unwrap();
            let names = ClientNames::of(params.self_signed(&key).unwrap().der());
            assert_eq!(names.common.as_deref(), Some("ann"));
            assert_eq!(names.alternative, ["ann@example.org", "ann.example.org", "spiffe://example.org/ann"]);
        }
    }

    #[test]
    fn what_is_not_clear_is_no_name() {
        assert_eq!(names(&["ann\0.example.org"], &[]).common, None);
        assert_eq!(names(&[""], &[]).common, None);
        assert_eq!(ClientNames::of(b"no certificate"), ClientNames::default());
        assert!(!ClientNames::default().let_in("", &rules(true, &[])));
    }
}
