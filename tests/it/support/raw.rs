//! The PostgreSQL protocol by hand, for what no client sends and what no client shows.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// A connection whose messages are written and read one by one.
pub(crate) struct Raw(pub(crate) TcpStream);

impl Raw {
    pub(crate) fn startup(&mut self, version: u32, parameters: &[(&str, &str)]) {
        let mut body = version.to_be_bytes().to_vec();
        for (name, value) in parameters {
            body.extend_from_slice(name.as_bytes());
            body.push(0);
            body.extend_from_slice(value.as_bytes());
            body.push(0);
        }
        body.push(0);
        self.send_raw(&(body.len() as u32 + 4).to_be_bytes());
        self.send_raw(&body);
    }

    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    pub(crate) fn send(&mut self, tag: u8, body: &[u8]) {
        self.send_raw(&frame(tag, body));
    }

    /// The next message, or `None` when the server closed.
    pub(crate) fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 5];
        if self.0.read_exact(&mut head).is_err() {
            return None;
        }
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let mut body = vec![0; length - 4];
        self.0.read_exact(&mut body).unwrap();
        Some((head[0], body))
    }

    /// All messages up to one of type `tag`.
    pub(crate) fn until(&mut self, tag: u8) -> Vec<(u8, Vec<u8>)> {
        self.until_any(&[tag])
    }

    /// All messages up to one of the types `tags`.
    pub(crate) fn until_any(&mut self, tags: &[u8]) -> Vec<(u8, Vec<u8>)> {
        let mut all = Vec::new();
        while let Some(message) = self.next() {
            let last = tags.contains(&message.0);
            all.push(message);
            if last {
                return all;
            }
        }
        panic!("the server closed before {}: {all:?}", tags.escape_ascii());
    }

    pub(crate) fn types(&mut self, last: u8) -> String {
        self.until(last).iter().map(|(tag, _)| *tag as char).collect()
    }

    /// The SQLSTATE of the error that ends the connection.
    pub(crate) fn fatal(&mut self) -> String {
        let mut code = String::new();
        while let Some((tag, body)) = self.next() {
            if tag == b'E' {
                code = error_code(&body);
            }
        }
        code
    }
}

/// A message as bytes.
pub(crate) fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32 + 4).to_be_bytes();
    [&[tag], &length[..], body].concat()
}

pub(crate) fn error_code(body: &[u8]) -> String {
    let field = body.split(|byte| *byte == 0).find(|field| field.first() == Some(&b'C')).unwrap();
    String::from_utf8(field[1..].to_vec()).unwrap()
}
