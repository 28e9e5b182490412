//! What a server answers, message by message, as lines that can be compared and read.

/// A message: its type and body.
pub(super) type Message = (u8, Vec<u8>);

/// The fields of an error or notice, by their letter.
pub(super) fn field(body: &[u8], letter: char) -> Option<String> {
    let field = body.split(|byte| *byte == 0).find(|field| field.first() == Some(&(letter as u8)))?;
    Some(String::from_utf8(field[1..].to_vec()).unwrap())
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, count: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(count);
        self.0 = rest;
        head
    }

    fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.bytes(2).try_into().unwrap())
    }

    fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.bytes(4).try_into().unwrap())
    }

    fn text(&mut self) -> String {
        let end = self.0.iter().position(|byte| *byte == 0).unwrap();
        let text = String::from_utf8(self.bytes(end).to_vec()).unwrap();
        self.bytes(1);
        text
    }
}

fn shown(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn line((kind, body): &Message) -> String {
    let mut reader = Reader(body);
    match kind {
        b'E' | b'N' => {
            let [severity, code] = ['V', 'C'].map(|letter| field(body, letter).unwrap());
            format!("{} {severity} {code}", *kind as char)
        }
        b'T' => {
            let columns = (0..reader.i16()).map(|_| {
                let name = reader.text();
                // The table and its column are PostgreSQL's own; so is the modifier.
                let (_, oid, size, _, format) =
                    (reader.bytes(6), reader.i32(), reader.i16(), reader.i32(), reader.i16());
                format!("{name}:{oid}/{size}/{format}")
            });
            format!("T {}", columns.collect::<Vec<_>>().join(", "))
        }
        b'D' => {
            let values = (0..reader.i16()).map(|_| match reader.i32() {
                -1 => "NULL".to_owned(),
                length => format!("'{}'", shown(reader.bytes(length as usize))),
            });
            format!("D {}", values.collect::<Vec<_>>().join(", "))
        }
        b't' => {
            let oids = (0..reader.i16()).map(|_| reader.i32().to_string());
            format!("t {}", oids.collect::<Vec<_>>().join(", "))
        }
        kind if body.is_empty() => (*kind as char).to_string(),
        kind => format!("{} {}", *kind as char, shown(body)),
    }
}

/// One line per message.
pub(super) fn lines(messages: &[Message]) -> Vec<String> {
    messages.iter().map(line).collect()
}

/// The same without what may differ: how many rows came before an error (grantd finds it in a batch, PostgreSQL in a
/// row), and in which order settings are reported.
pub(super) fn comparable(messages: &[Message]) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for line in lines(messages) {
        if line.starts_with('E') {
            while kept.last().is_some_and(|last| last.starts_with(['D', 'd', 'H'])) {
                kept.pop();
            }
            if kept.last().is_some_and(|last| last.starts_with('T')) {
                kept.pop();
            }
        }
        kept.push(line);
    }
    for run in kept.chunk_by_mut(|a, b| a.starts_with('S') && b.starts_with('S')) {
        run.sort();
    }
    kept
}
