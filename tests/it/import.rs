//! Offline import: every format gives the same account, every broken file one clear message.

use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch, StringArray, TimestampNanosecondArray};
use datafusion::parquet::arrow::ArrowWriter;
use flate2::Compression;
use flate2::write::GzEncoder;
use grantd::sync::files::{ImportError, read_exports};
use grantd::sync::{CoverageStatus, assemble};
use grantd_catalog::account::Account;
use grantd_catalog::graph::Lens;
use grantd_catalog::graph::effective::{Scan, Wanted};
use grantd_catalog::snapshot::Snapshot;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

const FILES: &[(&str, &str)] = &[
    ("GRANTS_TO_ROLES", "PRIVILEGE,GRANTED_ON,NAME,TABLE_CATALOG,TABLE_SCHEMA,GRANTED_TO,GRANTEE_NAME,GRANT_OPTION,GRANTED_BY,DELETED_ON
SELECT,TABLE,ORDERS,RAW,S,ACCOUNT ROLE,\"my \"\"odd\"\" Role\",false,SYSADMIN,
SELECT,TABLE,OLD,RAW,S,ACCOUNT ROLE,ANALYST,false,SYSADMIN,2026-02-01 00:00:00.000 -0800
USAGE,ROLE,ANALYST,,,ROLE,\"my \"\"odd\"\" Role\",false,SECURITYADMIN,
"),
    ("GRANTS_TO_USERS", "ROLE,GRANTED_TO,GRANTEE_NAME,GRANTED_BY,CREATED_ON,DELETED_ON
ANALYST,USER,ALICE,SECURITYADMIN,2026-01-02 03:04:05.000 Z,
"),
    ("ROLES", "NAME,ROLE_TYPE,COMMENT,OWNER
ANALYST,ROLE,\"two
lines\",USERADMIN
\"my \"\"odd\"\" Role\",ROLE,,USERADMIN
"),
    ("USERS", "NAME,DISABLED,EMAIL
ALICE,false,alice@example.com
"),
];

fn write(dir: &Path, name: &str, text: impl AsRef<[u8]>) {
    fs::write(dir.join(name), text).unwrap();
}

fn gzip(text: &str) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

fn exports() -> TempDir {
    let dir = TempDir::new().unwrap();
    for (name, text) in FILES {
        write(dir.path(), &format!("{name}.csv"), text);
    }
    dir
}

/// The rows of a CSV text.
fn cells(text: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    (header, reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect())
}

fn json_lines(text: &str) -> String {
    let (header, rows) = cells(text);
    let mut lines = String::new();
    for row in &rows {
        let fields = header.iter().zip(row).filter(|(_, v)| !v.is_empty());
        let object: serde_json::Value =
            fields.map(|(n, v)| (n.to_lowercase(), serde_json::Value::from(v.as_str()))).collect();
        lines.push_str(&object.to_string());
        lines.push('\n');
    }
    lines
}

fn parquet(text: &str) -> Vec<u8> {
    let (header, rows) = cells(text);
    let columns = header.iter().enumerate().map(|(i, name)| {
        let text = |row: &Vec<String>| Some(row[i].clone()).filter(|v| !v.is_empty());
        let array: ArrayRef = match name.as_str() {
            "GRANT_OPTION" | "DISABLED" => {
                Arc::new(rows.iter().map(|r| text(r).map(|t| t == "true")).collect::<BooleanArray>())
            }
            "DELETED_ON" => {
                let gone = |r| text(r).map(|_| 1_769_932_800_000_000_000_i64);
                Arc::new(rows.iter().map(gone).collect::<TimestampNanosecondArray>())
            }
            _ => Arc::new(rows.iter().map(text).collect::<StringArray>()),
        };
        (name.clone(), array, true)
    });
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn account(dir: &Path) -> Account {
    assemble("acme", &read_exports(dir).unwrap().tables).unwrap().account
}

fn shape(account: &Account) -> Vec<String> {
    let grants = account.grants().map(|g| format!("{g:?}"));
    let members = account.memberships().map(|m| format!("{:?} {:?} {:?}", m.role, m.member, m.granted_by));
    let principals = account.principals().map(|(p, i)| format!("{p:?} {:?} {}", i.properties, i.listed));
    let mut rows: Vec<String> = grants.chain(members).chain(principals).collect();
    rows.sort();
    rows
}

fn error(dir: &TempDir) -> String {
    let text = match read_exports(dir.path()) {
        Ok(exports) => assemble("acme", &exports.tables).unwrap_err().to_string(),
        Err(e) => e.to_string(),
    };
    text.replace(dir.path().to_str().unwrap(), "DIR").replace('\\', "/")
}

#[test]
fn every_format_and_spelling_gives_the_same_account() {
    let plain = exports();
    let want = shape(&account(plain.path()));
    assert!(want.iter().any(|r| r.contains("ORDERS")) && !want.iter().any(|r| r.contains("OLD")), "{want:#?}");
    assert!(want.iter().any(|r| r.contains("two\\nlines")), "{want:#?}");
    let others = [
        FILES.iter().map(|(n, t)| (format!("{n}.csv.gz"), gzip(t))).collect::<Vec<_>>(),
        FILES.iter().map(|(n, t)| (format!("{}.JSONL", n.to_lowercase()), json_lines(t).into_bytes())).collect(),
        FILES.iter().map(|(n, t)| (format!("{n}.jsonl.gz"), gzip(&json_lines(t)))).collect(),
        FILES.iter().map(|(n, t)| (format!("{n}.parquet"), parquet(t))).collect(),
    ];
    for files in others {
        let dir = TempDir::new().unwrap();
        for (name, bytes) in &files {
            write(dir.path(), name, bytes);
        }
        assert_eq!(shape(&account(dir.path())), want, "{}", files[0].0);
    }
}

#[test]
fn headers_are_bound_by_name_in_any_case_and_order_and_unknown_columns_are_ignored() {
    let dir = exports();
    let want = shape(&account(dir.path()));
    write(dir.path(), "USERS.csv", "\u{feff}email,SOMETHING_NEW,Name,Disabled\nalice@example.com,7,ALICE,N\n");
    assert_eq!(shape(&account(dir.path())), want);
}

#[test]
fn missing_files_are_named_together() {
    let dir = exports();
    fs::remove_file(dir.path().join("ROLES.csv")).unwrap();
    fs::remove_file(dir.path().join("USERS.csv")).unwrap();
    assert!(error(&dir).starts_with("DIR: no file for ROLES, USERS; export these views"), "{}", error(&dir));
    let gone = read_exports(Path::new("no-such-folder")).unwrap_err();
    assert!(matches!(gone, ImportError::Io { .. }) && gone.to_string().contains("no-such-folder"));
}

#[test]
fn missing_columns_are_named_with_the_file_and_what_it_has() {
    let dir = exports();
    write(dir.path(), "GRANTS_TO_USERS.csv", "ROLE_NAME,USER\nA,B\n");
    assert_eq!(
        error(&dir),
        "GRANTS_TO_USERS: DIR/GRANTS_TO_USERS.csv lacks the columns ROLE, GRANTEE_NAME; it has ROLE_NAME, USER"
    );
    write(dir.path(), "GRANTS_TO_USERS.csv", "ROLE,GRANTEE_NAME,role\nA,B,C\n");
    assert!(error(&dir).contains("has the column ROLE twice"), "{}", error(&dir));
}

#[test]
fn broken_rows_name_file_and_line() {
    for (name, bytes, want) in [
        (
            "USERS.csv",
            b"NAME,DISABLED\nALICE\n".to_vec(),
            "DIR/USERS.csv: line 2: 1 values where the header has 2 columns",
        ),
        (
            "USERS.csv",
            b"NAME,DISABLED\nALICE,maybe\n".to_vec(),
            "USERS: DIR/USERS.csv: line 2, column DISABLED: \"maybe\" is neither true nor false",
        ),
        (
            "USERS.csv",
            b"NAME,COMMENT\nA,\"x\ny\"\n,gone\n".to_vec(),
            "USERS: DIR/USERS.csv: line 4, column NAME: the value is missing",
        ),
        ("USERS.csv", b"NAME\n\xff\xfe\n".to_vec(), "DIR/USERS.csv: line 2: the text is not UTF-8"),
        ("USERS.csv", Vec::new(), "DIR/USERS.csv: the file is empty; its first line must name the columns"),
        (
            "USERS.csv",
            b"NAME,CREATED_ON\nA,soon\n".to_vec(),
            "USERS: DIR/USERS.csv: line 2, column CREATED_ON: \"soon\" is no timestamp",
        ),
    ] {
        let dir = exports();
        write(dir.path(), name, bytes);
        assert_eq!(error(&dir), want);
    }
    for (name, bytes, want) in [
        ("USERS.jsonl", b"{\"name\":\"A\"}\n\n{\"name\":\n".to_vec(), "DIR/USERS.jsonl: line 3: no JSON object"),
        ("USERS.jsonl", b"[1]\n".to_vec(), "DIR/USERS.jsonl: line 1: no JSON object"),
        ("USERS.jsonl", b"{\"email\":\"A\"}\n".to_vec(), "USERS: DIR/USERS.jsonl lacks the column NAME"),
        ("USERS.parquet", b"PAR1 not really".to_vec(), "DIR/USERS.parquet: "),
        ("USERS.csv.gz", gzip("NAME\nALICE\n")[..20].to_vec(), "DIR/USERS.csv.gz: "),
    ] {
        let dir = exports();
        fs::remove_file(dir.path().join("USERS.csv")).unwrap();
        write(dir.path(), name, bytes);
        assert!(error(&dir).starts_with(want), "{}", error(&dir));
    }
}

#[test]
fn two_files_for_one_view_are_refused_and_unknown_files_are_reported() {
    let dir = exports();
    write(dir.path(), "notes.txt", "hello");
    write(dir.path(), "QUERY_HISTORY.csv", "QUERY_ID\n1\n");
    let notices = read_exports(dir.path()).unwrap().notices;
    let named: Vec<(&str, CoverageStatus)> = notices.iter().map(|n| (n.source.as_str(), n.status)).collect();
    assert_eq!(named, [("QUERY_HISTORY.csv", CoverageStatus::Ignored), ("notes.txt", CoverageStatus::Ignored)]);
    write(dir.path(), "users.jsonl", "{\"name\":\"A\"}\n");
    assert!(error(&dir).contains("users.jsonl are both USERS; keep one"), "{}", error(&dir));
}

/// The platform lists a grant of imported privileges as USAGE on the database and a row for each object that it exposes,
/// in a database whose objects no view of this account has.
#[test]
fn imported_privileges_are_usage_and_a_row_for_each_exposed_object() {
    const EXPOSED: usize = 300;
    let dir = exports();
    let mut rows =
        "PRIVILEGE,GRANTED_ON,NAME,TABLE_CATALOG,TABLE_SCHEMA,GRANTED_TO,GRANTEE_NAME,GRANT_OPTION,GRANTED_BY\n\
                    USAGE,DATABASE,SHARED,,,ACCOUNT ROLE,ANALYST,false,ACCOUNTADMIN\n\
                    USAGE,SCHEMA,S,SHARED,,ACCOUNT ROLE,ANALYST,false,\n"
            .to_owned();
    for i in 0..EXPOSED {
        rows.push_str(&format!("SELECT,VIEW,V{i},SHARED,S,ACCOUNT ROLE,ANALYST,false,\n"));
    }
    write(dir.path(), "GRANTS_TO_ROLES.csv", &rows);
    write(dir.path(), "DATABASES.csv", "DATABASE_NAME,TYPE\nSHARED,IMPORTED DATABASE\n");
    let snapshot = Arc::new(Snapshot::freeze(&account(dir.path()), 0));
    let everything = Wanted { users: None, objects: None, privileges: None, lens: Lens::All };
    let (mut scan, mut found) = (Scan::new(snapshot, everything), Vec::new());
    while scan.rows(found.len() + 1000, &mut found) {}
    assert_eq!(found.len(), EXPOSED + 2, "ALICE has ANALYST");
    assert!(found.iter().all(|row| row.usable && !row.usage_missing));
}
