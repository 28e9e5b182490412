//! `grantd sql` against a server that plays one answer, message by message.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::thread::JoinHandle;

use super::{grantd, outcome};

/// Type ids of `pg_type`: int8, bool, text, text[].
const COLUMNS: &[(&str, u32)] = &[("n", 20), ("ok", 16), ("t", 25), ("l", 1009)];

/// How the server answers the statement.
#[derive(Clone, Copy)]
enum Answer {
    /// This many rows.
    Rows(usize),
    /// An error with all its fields.
    Error,
    /// It cannot be prepared, and gives two results when it is run.
    TwoResults,
    /// Nothing, until the client asks to cancel; then that it was cancelled.
    Never,
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend(u32::try_from(body.len() + 4).unwrap().to_be_bytes());
    bytes.extend(body);
    bytes
}

fn row_description(columns: &[(&str, u32)]) -> Vec<u8> {
    let mut body = u16::try_from(columns.len()).unwrap().to_be_bytes().to_vec();
    for (name, oid) in columns {
        body.extend(name.as_bytes());
        body.extend([0; 7]);
        body.extend(oid.to_be_bytes());
        body.extend((-1_i16).to_be_bytes());
        body.extend((-1_i32).to_be_bytes());
        body.extend([0; 2]);
    }
    message(b'T', &body)
}

fn data_row(cells: &[Option<&str>]) -> Vec<u8> {
    let mut body = u16::try_from(cells.len()).unwrap().to_be_bytes().to_vec();
    for cell in cells {
        match cell {
            Some(text) => {
                body.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
                body.extend(text.as_bytes());
            }
            None => body.extend((-1_i32).to_be_bytes()),
        }
    }
    message(b'D', &body)
}

fn error(code: &str) -> Vec<u8> {
    let fields = format!("SERROR\0VERROR\0C{code}\0Mno such \x1b[31mcolumn\0Dit was dropped\0Htry another\0P12\0\0");
    message(b'E', fields.as_bytes())
}

fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

fn query_answer(answer: Answer) -> Vec<u8> {
    match answer {
        Answer::Rows(rows) => {
            let row = data_row(&[Some("7"), Some("t"), None, Some("{a,\"b c\"}")]);
            [row_description(COLUMNS), row.repeat(rows), message(b'C', b"SELECT 1\0"), ready()].concat()
        }
        Answer::TwoResults => {
            let one = |value| [row_description(&[("x", 23)]), data_row(&[Some(value)]), message(b'C', b"SELECT 1\0")];
            [one("1").concat(), one("2").concat(), ready()].concat()
        }
        Answer::Error | Answer::Never => [error("42703"), ready()].concat(),
    }
}

fn exact<const N: usize>(stream: &mut TcpStream) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

/// The startup packet's length and code are read; returns its code and the rest.
fn startup(stream: &mut TcpStream) -> Option<(u32, Vec<u8>)> {
    let length = u32::from_be_bytes(exact(stream)?);
    let code = u32::from_be_bytes(exact(stream)?);
    let mut rest = vec![0; usize::try_from(length).unwrap() - 8];
    stream.read_exact(&mut rest).ok()?;
    Some((code, rest))
}

/// The same, after the client was told that there is no TLS (80877103 asks for it).
fn plain_startup(stream: &mut TcpStream) -> (u32, Vec<u8>) {
    loop {
        let (code, rest) = startup(stream).unwrap();
        if code != 80_877_103 {
            return (code, rest);
        }
        stream.write_all(b"N").unwrap();
    }
}

/// Serves one client until it goes; returns what its startup packet said.
fn serve(listener: &TcpListener, answer: Answer) -> String {
    let mut stream = listener.accept().unwrap().0;
    let (_, parameters) = plain_startup(&mut stream);
    // AuthenticationOk, BackendKeyData, ReadyForQuery.
    let hello = [message(b'R', &[0; 4]), message(b'K', &[0, 0, 0, 1, 0, 0, 0, 2]), ready()];
    stream.write_all(&hello.concat()).unwrap();
    while let Some([kind]) = exact::<1>(&mut stream) {
        let length = u32::from_be_bytes(exact(&mut stream).unwrap());
        let mut body = vec![0; usize::try_from(length).unwrap() - 4];
        stream.read_exact(&mut body).unwrap();
        let reply = match (kind, answer) {
            (b'P', Answer::TwoResults | Answer::Error) => error("42601"),
            (b'P', _) => message(b'1', &[]),
            (b'D', Answer::Rows(_)) => [message(b't', &[0; 2]), row_description(COLUMNS)].concat(),
            (b'D', Answer::Never) => [message(b't', &[0; 2]), message(b'n', &[])].concat(),
            (b'C', _) => message(b'3', &[]),
            (b'S', _) => ready(),
            (b'Q', Answer::Never) => {
                // 80877102 is the code of a CancelRequest; the ids are those of BackendKeyData.
                let (code, key) = plain_startup(&mut listener.accept().unwrap().0);
                assert_eq!((code, key.as_slice()), (80_877_102, &[0, 0, 0, 1, 0, 0, 0, 2][..]));
                query_answer(answer)
            }
            (b'Q', _) => query_answer(answer),
            _ => Vec::new(),
        };
        // The client may have gone with the answer unread.
        if stream.write_all(&reply).is_err() {
            break;
        }
    }
    String::from_utf8(parameters).unwrap()
}

fn server(answer: Answer) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    (port, std::thread::spawn(move || serve(&listener, answer)))
}

fn ask(answer: Answer, args: &[&str]) -> (Option<i32>, String, String) {
    let (port, server) = server(answer);
    let output = grantd(&["sql", "-p", &port, "SELECT n,\n  nope"]).args(args).output().unwrap();
    server.join().unwrap();
    outcome(&output)
}

#[test]
fn an_answer_is_printed_in_each_format() {
    for (format, expected) in [
        ("table", " n | ok | t |     l     \n---+----+---+-----------\n 7 | t  |   | {a,\"b c\"}\n(1 row)\n\n"),
        ("csv", "n,ok,t,l\n7,t,,\"{a,\"\"b c\"\"}\"\n"),
        ("json", "[\n{\"n\":7,\"ok\":true,\"t\":null,\"l\":[\"a\",\"b c\"]}\n]\n"),
    ] {
        assert_eq!(ask(Answer::Rows(1), &["--format", format]), (Some(0), expected.to_owned(), String::new()));
    }
}

#[test]
fn an_error_says_what_where_and_what_to_do() {
    let said =
        "grantd: no such \\u{1b}[31mcolumn\n  it was dropped (SQLSTATE 42703, line 2 column 2)\n  hint: try another\n";
    assert_eq!(ask(Answer::Error, &[]), (Some(2), String::new(), said.to_owned()));
}

#[test]
fn several_statements_give_several_results() {
    assert_eq!(ask(Answer::TwoResults, &["--format", "csv"]), (Some(0), "x\n1\nx\n2\n".to_owned(), String::new()));
}

#[test]
fn psqls_variables_say_whom_to_ask() {
    let (port, server) = server(Answer::Rows(0));
    let output = grantd(&["sql", "SELECT 1"])
        .envs([("PGHOST", "127.0.0.1"), ("PGPORT", &port), ("PGUSER", "ann"), ("PGDATABASE", "prod")])
        .env("PGOPTIONS", "-c grantd.as_of=2026-10-01")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let startup = server.join().unwrap();
    for said in
        ["user\0ann\0", "database\0prod\0", "options\0-c grantd.as_of=2026-10-01\0", "application_name\0grantd sql\0"]
    {
        assert!(startup.contains(said), "{startup:?}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_a_long_answer_without_an_error() {
    let (port, server) = server(Answer::Rows(200_000));
    let mut child = grantd(&["sql", "-p", &port, "--format", "csv", "SELECT 1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 8];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"n,ok,t,l");
    let (code, _, err) = outcome(&child.wait_with_output().unwrap());
    server.join().unwrap();
    assert_eq!((code, err.as_str()), (Some(0), ""));
}

#[test]
fn nobody_listening_is_explained() {
    let port = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port().to_string()
    };
    let (code, out, err) = outcome(&grantd(&["sql", "-p", &port, "SELECT 1"]).output().unwrap());
    assert_eq!((code, out.as_str()), (Some(2), ""));
    assert!(err.starts_with("grantd: cannot connect: Connection refused"), "{err}");
    assert!(err.contains(&format!("(127.0.0.1:{port})\n  hint: is grantd running there?")), "{err}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_cancels_the_statement_on_the_server() {
    let (port, server) = server(Answer::Never);
    let child =
        grantd(&["sql", "-p", &port, "SELECT 1"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let id = child.id().to_string();
    // Until the client has its statement under way, the signal is the system's: wait as a person would.
    std::thread::sleep(std::time::Duration::from_millis(700));
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let (code, out, err) = outcome(&child.wait_with_output().unwrap());
    server.join().unwrap();
    assert_eq!((code, out.as_str(), err.as_str()), (Some(130), "", "grantd: interrupted\n"));
}
