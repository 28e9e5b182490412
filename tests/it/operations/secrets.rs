//! Canaries in every input, at level trace, and no hit in anything that grantd writes, shows or keeps.

use std::path::Path;
use std::process::Command;

use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, LineEnding};
use tokio_postgres::{Client, NoTls};

use super::{Served, account, until};
use crate::support::operator::{keys, operator_sql};
use crate::support::wire::rows;
use crate::support::{demo_of, grantd, utf8, write_key};

/// What must not be found, with a name for the report.
#[derive(Default)]
struct Canaries(Vec<(&'static str, Vec<u8>)>);

impl Canaries {
    fn add(&mut self, name: &'static str, secret: &str) {
        assert!(secret.len() >= 8, "{name}: too short to be told from chance");
        self.0.push((name, secret.as_bytes().to_vec()));
    }

    /// Every line of a PEM file but its markers.
    fn add_pem(&mut self, name: &'static str, pem: &str) {
        for line in pem.lines().filter(|line| !line.starts_with('-') && line.len() >= 16) {
            self.add(name, line);
        }
    }

    /// Which are in there.
    fn hits(&self, place: &str, text: &[u8]) -> Vec<String> {
        let is_in = |secret: &[u8]| text.windows(secret.len()).any(|window| window == secret);
        self.0.iter().filter(|(_, secret)| is_in(secret)).map(|(name, _)| format!("{name} in {place}")).collect()
    }
}

/// The files below a folder.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files(&entry.path(), found),
            kind if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

async fn login(served: &Served, user: &str, password: &str) -> Result<Client, tokio_postgres::Error> {
    let mut config = tokio_postgres::Config::new();
    config.host("127.0.0.1").port(served.gateway.port()).dbname("grantd").user(user).password(password);
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// An error as a client shows it, whole.
fn told(error: &tokio_postgres::Error) -> String {
    format!("{error} {error:?}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_reaches_an_output() {
    let mut canaries = Canaries::default();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);

    // Keys, with and without a passphrase; the wrong passphrase too.
    let pem = &keys().private_key_pem;
    write_key(&at("key.p8"), pem);
    canaries.add_pem("private key", pem);
    let key = rsa::RsaPrivateKey::from_pkcs8_pem(pem).unwrap();
    let locked = key.to_pkcs8_encrypted_pem(&mut rsa::rand_core::OsRng, "CANARY-passphrase", LineEnding::LF).unwrap();
    write_key(&at("locked.p8"), &locked);
    canaries.add_pem("encrypted key", &locked);
    for (name, file, secret) in [
        ("passphrase", "passphrase", "CANARY-passphrase"),
        ("wrong passphrase", "wrong", "CANARY-other-phrase"),
        ("OAuth token", "oauth", "CANARY-oauth-token"),
        ("access token", "pat", "CANARY-access-token"),
    ] {
        write_key(&at(file), secret);
        canaries.add(name, secret);
    }
    let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(at("server.crt"), certificate.cert.pem()).unwrap();
    write_key(&at("server.key"), &certificate.signing_key.serialize_pem());
    canaries.add_pem("TLS key", &certificate.signing_key.serialize_pem());

    let sandbox = demo_of(&operator_sql());
    let with =
        |name: &str, host: &str, proof: &str| account(name, host, "").replace("private_key_file = \"key.p8\"", proof);
    let locked = "private_key_file = \"locked.p8\"\nprivate_key_passphrase_file = ";
    let accounts = [
        account("live", &sandbox.sandbox, ""),
        with("locked", &sandbox.sandbox, &format!("{locked}\"passphrase\"")),
        with("mistaken", &sandbox.sandbox, &format!("{locked}\"wrong\"")),
        with("oauth", &sandbox.sandbox, "oauth_token_file = \"oauth\""),
        with("pat", &sandbox.sandbox, "access_token_file = \"pat\""),
        with("url", "http://eve:CANARY-in-url@127.0.0.1:1/?token=CANARY-in-query", "private_key_file = \"key.p8\""),
        with("proxied", "https://localhost:1", "private_key_file = \"key.p8\""),
    ];
    for (name, secret) in [
        ("URL", "CANARY-in-url"),
        ("URL's query", "CANARY-in-query"),
        ("proxy", "CANARY-of-proxy"),
        ("wrong password", "CANARY-wrong-password"),
        ("SQL literal", "CANARY-literal"),
        ("parameter", "CANARY-parameter"),
        ("password of a URL", "CANARY-dsn-password"),
    ] {
        canaries.add(name, secret);
    }
    let tls = "tls = \"allow\"\ntls_certificate_file = \"server.crt\"\ntls_key_file = \"server.key\"";
    let environment = [
        ("GRANTD_LOG", "trace"),
        ("GRANTD__SERVER__LOGIN", "password"),
        ("HTTPS_PROXY", "http://eve:CANARY-of-proxy@127.0.0.1:1"),
    ];
    let served = Served::start_in(folder, tls, &accounts.concat(), &environment);

    // Passwords and tokens that grantd makes itself.
    let state = served.folder.path().join("state");
    let root = std::fs::read_to_string(state.join("first-password")).unwrap();
    std::fs::remove_file(state.join("first-password")).unwrap();
    canaries.add("first password", &root);
    let admin = login(&served, "grantd", &root).await.unwrap();
    let made = rows(&admin, "CALL create_user('ann')").await;
    let password = made[0].last().unwrap().clone();
    canaries.add("password", &password);
    let made = rows(&admin, "CALL create_token('ann', 'dbt', '90')").await;
    let token = made[0].last().unwrap().clone();
    canaries.add("API token", &token);
    let mut shown = Vec::new();
    let mut show = |what: &str, text: String| shown.push((what.to_owned(), text));
    for (who, secret) in [("ann", "CANARY-wrong-password"), ("nobody", "CANARY-wrong-password"), ("nobody", &token)] {
        show("the error of a login", told(&login(&served, who, secret).await.err().unwrap()));
    }
    let ann = login(&served, "ann", &password).await.unwrap();
    let by_token = login(&served, "ann", &token).await.unwrap();
    assert_eq!(rows(&by_token, "SELECT current_user").await, [["ann"]]);
    let psql = Command::new("psql")
        .args(["-X", "-At", "-c", "SELECT 'CANARY-literal'"])
        .arg(format!("host=localhost port={} user=ann dbname=grantd sslmode=require", served.gateway.port()))
        .env("PGPASSWORD", &password)
        .output()
        .unwrap();
    assert_eq!(psql.stdout.trim_ascii(), b"CANARY-literal", "{psql:?}");

    // Literals and parameters, in statements that are answered and in such that are not. Their own answers may quote
    // them; nothing else may. Names are no secrets: of relations, of applications, of what a CALL is about.
    for sql in [
        "SELECT 'CANARY-literal'",
        "SELECT count(*) FROM users WHERE user_name = 'CANARY-literal'",
        "EXPLAIN SELECT * FROM users WHERE user_name = 'CANARY-literal'",
        "EXPLAIN ANALYZE SELECT * FROM users WHERE user_name = 'CANARY-literal'",
        "COPY (SELECT 'CANARY-literal') TO STDOUT",
        "SELECT 'CANARY-literal' FROM",
        "SELECT 'CANARY-literal'::int",
        "SELECT no_function('CANARY-literal')",
        "INSERT INTO users VALUES ('CANARY-literal')",
        "CREATE USER x PASSWORD 'CANARY-literal'",
        "CALL propose('CANARY-literal', 'GRANT ROLE \"CANARY-literal\" TO USER y')",
        "CALL no_procedure('CANARY-literal')",
        "PREPARE p AS SELECT 'CANARY-literal'",
        "EXECUTE p",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 'CANARY-literal'",
        "FETCH ALL FROM c",
        "SET search_path = 'CANARY-literal'",
        "RESET search_path",
    ] {
        // Whether it is answered is another test's question.
        let _ = ann.simple_query(sql).await;
    }
    let _ = ann.query("SELECT $1::text", &[&"CANARY-parameter"]).await.unwrap();
    let _ = ann.query("SELECT $1::int", &[&"CANARY-parameter"]).await;
    let _ = ann.query("SELECT count(*) FROM users WHERE user_name = $1", &[&"CANARY-parameter"]).await.unwrap();

    // What grantd shows to others: another session of an administrator.
    until("every account was tried", || {
        let (_, ready) = served.get("/readyz");
        // A daemon that logs everything may be too busy to answer in time; it is asked again.
        let Ok(ready) = serde_json::from_str::<serde_json::Value>(&ready) else { return false };
        let accounts = ready["accounts"].as_array().unwrap().clone();
        accounts.iter().all(|a| a["ready"] == true || a["failures"].as_u64() > Some(0))
    });
    for sql in [
        "SHOW ALL",
        "SELECT * FROM pg_settings",
        "SELECT * FROM pg_stat_activity",
        "SELECT * FROM sync_runs",
        "SELECT * FROM sync_steps",
        "SELECT * FROM accounts",
        "SELECT * FROM coverage",
        "CALL list_users()",
        "EXPLAIN VERBOSE SELECT * FROM sync_runs",
    ] {
        show(sql, format!("{:?}", rows(&admin, sql).await));
    }
    show("/metrics", served.get("/metrics").1);
    show("/readyz", served.get("/readyz").1);
    show("an unknown page", served.get("/CANARY").1);

    // The command line against the same configuration, and with a URL that has a password.
    let config = served.config();
    let run = |args: &[&str]| {
        let mut command = grantd(args);
        command.env("GRANTD_LOG", "trace").env("HTTPS_PROXY", "http://eve:CANARY-of-proxy@127.0.0.1:1");
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    };
    for args in [
        &["doctor", "--config", utf8(&config)][..],
        &["sync", "--config", utf8(&config)],
        &["health", "--config", utf8(&config)],
    ] {
        show(&args.join(" "), run(args));
    }
    let url = format!("postgresql://ann:CANARY-dsn-password@127.0.0.1:{}/grantd", served.gateway.port());
    show("grantd sql with a URL", run(&["sql", "-d", &url, "SELECT 1"]));
    let unreachable = "postgresql://ann:CANARY-dsn-password@127.0.0.1:1/grantd";
    show("grantd sql with a URL that leads nowhere", run(&["sql", "-d", unreachable, "SELECT 1"]));

    if let Ok(line) = std::fs::read(format!("/proc/{}/cmdline", served.running.pid())) {
        show("the command line", String::from_utf8_lossy(&line).into_owned());
    }
    let mut running = served.running;
    running.terminate();
    let (code, said) = running.ended();
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("\"level\":\"TRACE\"") || said.contains("\"level\":\"DEBUG\""),
        "the log is not at level trace"
    );
    show("the log", said);

    let mut hits: Vec<String> = shown.iter().flat_map(|(place, text)| canaries.hits(place, text.as_bytes())).collect();
    let mut kept = Vec::new();
    files(&state, &mut kept);
    assert!(kept.len() >= 2, "{kept:?}");
    for file in &kept {
        hits.extend(canaries.hits(utf8(file), &std::fs::read(file).unwrap()));
    }
    assert!(hits.is_empty(), "{hits:#?}");
}
