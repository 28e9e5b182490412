//! `grantd serve` and `grantd sql` over TLS and over the Unix socket, with the passwords of libpq's file.

use crate::support::certificates::{Authority, Wanted};
use crate::support::process::Process;
use crate::support::{grantd, outcome, utf8};
use std::path::Path;
use std::process::Command;

fn says(mut command: Command) -> String {
    let (code, out, err) = outcome(&command.output().unwrap());
    if code == Some(0) { out } else { err }
}

fn sql(url: &str, password: &str) -> Command {
    let mut command = grantd(&["sql", "--format", "csv", "-d", url, "SELECT current_user"]);
    // No certificate or password file of whoever runs the test.
    command.env("PGPASSWORD", password).env_remove("HOME");
    command
}

#[test]
fn grantd_sql_encrypts_and_verifies_as_sslmode_says() {
    let folder = tempfile::tempdir().unwrap();
    let (known, other) = (Authority::new("known"), Authority::new("other"));
    let root = known.write(folder.path().join("known.crt"));
    let stranger = other.write(folder.path().join("other.crt"));
    let dns = Some("localhost");
    let own = known.issue(folder.path(), "server", Wanted { common: "server", dns, ..Wanted::default() });
    let process = Process::serve_with(&format!(
        "tls = \"require\"\ntls_certificate_file = \"{}\"\ntls_key_file = \"{}\"\n",
        own.certificate.display(),
        own.key.display()
    ));
    let port = process.address.port();
    let ask = |host: &str, options: &str| {
        says(sql(&format!("postgresql://grantd@{host}:{port}/grantd{options}"), &process.password))
    };
    let with = |mode: &str, root: &Path| format!("?sslmode={mode}&sslrootcert={}", root.display());
    let good = "current_user\ngrantd\n";
    for options in
        ["", "?sslmode=allow", "?sslmode=prefer", "?sslmode=require", "?sslmode=require&channel_binding=require"]
    {
        assert_eq!(ask("localhost", options), good, "{options}");
    }
    assert_eq!(ask("localhost", &with("verify-full", &root)), good);
    assert_eq!(ask("127.0.0.1", &with("verify-ca", &root)), good);
    let in_clear = ask("localhost", "?sslmode=disable");
    assert!(in_clear.contains("28000") && in_clear.contains("sslmode=require"), "{in_clear}");
    for (host, options) in [
        ("localhost", with("verify-full", &stranger)),
        ("localhost", with("verify-ca", &stranger)),
        ("localhost", with("require", &stranger)),
        ("127.0.0.1", with("verify-full", &root)),
    ] {
        let said = ask(host, &options);
        assert!(said.contains("certificate") && said.contains("PGSSLROOTCERT"), "{host} {options}: {said}");
    }
    let said = ask("localhost", "?sslmode=verify-full");
    assert!(said.contains("no authority to verify the server by"), "{said}");
    let said = ask("localhost", "?sslmode=sometimes");
    assert!(said.contains("disable, allow, prefer"), "{said}");
}

#[test]
fn grantd_sql_reaches_the_unix_socket_and_reads_the_password_file() {
    let folder = tempfile::tempdir().unwrap();
    let process = Process::serve_with(&format!("socket_dir = \"{}\"\n", folder.path().display()));
    let port = process.address.port().to_string();
    let file = folder.path().join("passwords");
    crate::support::write_key(&file, &format!("localhost:{port}:grantd:grantd:{}\n", process.password));
    let ask = |user: &str, variables: &[(&str, &str)]| {
        let mut command = grantd(&[
            "sql",
            "--format",
            "csv",
            "-h",
            utf8(folder.path()),
            "-p",
            &port,
            "-U",
            user,
            "SELECT current_user",
        ]);
        command.env_remove("HOME").envs(variables.iter().copied());
        says(command)
    };
    assert_eq!(ask("grantd", &[("PGPASSFILE", utf8(&file))]), "current_user\ngrantd\n");
    assert_eq!(ask("grantd", &[("PGPASSWORD", &process.password)]), "current_user\ngrantd\n");
    let said = ask("ann", &[("PGPASSFILE", utf8(&file))]);
    assert!(said.contains("PGPASSFILE or ~/.pgpass"), "{said}");
    let said = ask("grantd", &[("PGPASSWORD", "wrong")]);
    assert!(said.contains("28P01"), "{said}");
}
