//! The little of DER (X.690) that is needed of certificates: elements, one after the other, each with its tag.

/// A tag and the contents.
pub(crate) type Element<'a> = (u8, &'a [u8]);

/// SEQUENCE.
pub(crate) const SEQUENCE: u8 = 0x30;
/// SET.
pub(crate) const SET: u8 = 0x31;
/// OBJECT IDENTIFIER.
pub(crate) const OID: u8 = 0x06;

/// The first element, and what follows it. Tags beyond thirty and lengths beyond four bytes are not in certificates.
pub(crate) fn element(der: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = der.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (&first, mut rest) = rest.split_first()?;
    let length = if first < 0x80 {
        usize::from(first)
    } else {
        let count = usize::from(first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (bytes, after) = rest.split_at_checked(count)?;
        rest = after;
        bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte))
    };
    let (contents, rest) = rest.split_at_checked(length)?;
    Some(((tag, contents), rest))
}

/// All elements, to the last byte.
pub(crate) fn elements(mut der: &[u8]) -> Option<Vec<Element<'_>>> {
    let mut all = Vec::new();
    while !der.is_empty() {
        let (one, rest) = element(der)?;
        all.push(one);
        der = rest;
    }
    Some(all)
}

/// The elements of the one SEQUENCE that the bytes are.
pub(crate) fn sequence(der: &[u8]) -> Option<Vec<Element<'_>>> {
    match element(der)? {
        ((SEQUENCE, contents), []) => elements(contents),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lengths_are_held_against_what_is_there() {
        for der in [
            &b"\x30"[..],
            b"\x30\x80",
            b"\x30\x85\x01\x01\x01\x01\x01",
            b"\x30\x03\x02\x01",
            b"\x30\x84\xff\xff\xff\xff\x00",
            b"\x3f\x00",
        ] {
            assert_eq!(element(der), None, "{der:?}");
        }
        assert_eq!(sequence(b"\x30\x05\x02\x01\x07\x05\x00"), Some(vec![(2, &b"\x07"[..]), (5, b"")]));
        assert_eq!(sequence(b"\x30\x00\x00"), None, "something follows");
        assert_eq!(sequence(b"\x31\x00"), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(der: Vec<u8>) {
            let _ = elements(&der);
        }
    }
}
