//! The PROXY protocol, versions 1 and 2: a proxy says whom it speaks for before it passes on his bytes.
//! <https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>

use std::net::SocketAddr;

use ppp::v1::{Addresses as TextAddresses, Header as TextHeader};
use ppp::v2::{Addresses as BinaryAddresses, Command, Header as BinaryHeader};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Longest header of version 1, its line break included.
const LONGEST_TEXT: usize = 107;
/// The part of a header of version 2 that says how long the rest is.
const FIXED: usize = 16;
/// Longest rest: addresses and what proxies add to them.
const LONGEST_REST: usize = 2_048;

/// Reads the header and not a byte more. Gives whom the proxy speaks for; `None` is itself, for a look whether
/// somebody is here.
///
/// # Errors
/// There is no header, or none of TCP; the connection cannot be believed then.
pub(super) async fn header(stream: &mut (impl AsyncRead + Unpin)) -> Result<Option<SocketAddr>, &'static str> {
    let gone = |_| "the proxy closed the connection";
    let mut bytes = vec![stream.read_u8().await.map_err(gone)?];
    if bytes == b"P" {
        while !bytes.ends_with(b"\r\n") {
            if bytes.len() == LONGEST_TEXT {
                return Err("a PROXY header is too long");
            }
            bytes.push(stream.read_u8().await.map_err(gone)?);
        }
        let header = TextHeader::try_from(bytes.as_slice()).map_err(|_| "a PROXY header cannot be read")?;
        return match header.addresses {
            TextAddresses::Tcp4(of) => Ok(Some(SocketAddr::from((of.source_address, of.source_port)))),
            TextAddresses::Tcp6(of) => Ok(Some(SocketAddr::from((of.source_address, of.source_port)))),
            TextAddresses::Unknown => Ok(None),
        };
    }
    if bytes != b"\r" {
        return Err("there is no PROXY header");
    }
    bytes.resize(FIXED, 0);
    let (_, rest) = bytes.split_at_mut(1);
    stream.read_exact(rest).await.map_err(gone)?;
    let length = bytes.last_chunk::<2>().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
    if length > LONGEST_REST {
        return Err("a PROXY header is too long");
    }
    bytes.resize(FIXED + length, 0);
    let (_, rest) = bytes.split_at_mut(FIXED);
    stream.read_exact(rest).await.map_err(gone)?;
    let header = BinaryHeader::try_from(bytes.as_slice()).map_err(|_| "a PROXY header cannot be read")?;
    match (header.command, header.addresses) {
        (Command::Local, _) => Ok(None),
        (Command::Proxy, BinaryAddresses::IPv4(of)) => Ok(Some(SocketAddr::from((of.source_address, of.source_port)))),
        (Command::Proxy, BinaryAddresses::IPv6(of)) => Ok(Some(SocketAddr::from((of.source_address, of.source_port)))),
        (Command::Proxy, _) => Err("a PROXY header speaks for nobody with an address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

    /// What the header says, and what of the bytes is left to read.
    fn read(bytes: &[u8]) -> (Result<Option<SocketAddr>, &'static str>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut left = bytes;
        let said = runtime.block_on(header(&mut left));
        (said, left.len())
    }

    fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        [SIGNATURE, &[0x20 | command, family], &(rest.len() as u16).to_be_bytes(), rest].concat()
    }

    #[test]
    fn both_versions_are_read_to_the_byte() {
        let client: SocketAddr = "192.0.2.7:4711".parse().unwrap();
        assert_eq!(read(b"PROXY TCP4 192.0.2.7 192.0.2.1 4711 5433\r\nrest"), (Ok(Some(client)), 4));
        assert_eq!(read(b"PROXY UNKNOWN\r\nrest"), (Ok(None), 4));
        let addresses = [&[192, 0, 2, 7, 192, 0, 2, 1][..], &4711_u16.to_be_bytes(), &5433_u16.to_be_bytes()].concat();
        let with_rest = |bytes: Vec<u8>| [bytes.as_slice(), b"rest"].concat();
        assert_eq!(read(&with_rest(binary(1, 0x11, &addresses))), (Ok(Some(client)), 4));
        // With an unknown extension of three bytes.
        let extended = [addresses.as_slice(), &[0xee, 0, 3, 1, 2, 3]].concat();
        assert_eq!(read(&with_rest(binary(1, 0x11, &extended))), (Ok(Some(client)), 4));
        assert_eq!(read(&with_rest(binary(0, 0, b""))), (Ok(None), 4));
        let v6: SocketAddr = "[2001:db8::1]:7".parse().unwrap();
        assert_eq!(read(b"PROXY TCP6 2001:db8::1 2001:db8::2 7 8\r\n"), (Ok(Some(v6)), 0));
    }

    #[test]
    fn what_is_no_header_is_refused() {
        for bytes in [
            &b""[..],
            b"\0\0\0\x08\x04\xd2\x16\x2f",
            b"PROXY TCP4 192.0.2.7 192.0.2.1 4711\r\n",
            b"PROXY TCP4 ::1 ::1 1 2\r\n",
            b"PROXY TCP4 192.0.2.7 192.0.2.1 99999 5433\r\n",
            b"POST / HTTP/1.1\r\n",
            b"\r\n\r\n\0\r\nQUIX\n\x21\x11\0\0",
            b"\r\n\r\n\0\r\nQUIT\n\x21\x11\xff\xff",
            b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0",
        ] {
            assert!(read(bytes).0.is_err(), "{bytes:?}");
        }
        assert!(read(&[b"PROXY ".as_slice(), &[b'A'; 200]].concat()).0.is_err());
        // A datagram's and a Unix socket's addresses are nobody's here, and too few bytes are none.
        assert!(read(&binary(1, 0x31, &[0; 216])).0.is_err());
        assert!(read(&binary(1, 0x11, &[0; 11])).0.is_err());
        assert!(read(&binary(1, 0, b"")).0.is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_panic(text: bool, tail: Vec<u8>) {
            let start: &[u8] = if text { b"PROXY " } else { SIGNATURE };
            let _ = read(&[start, &tail].concat());
        }
    }
}
