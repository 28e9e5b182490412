//! What a configuration may say, and what is said about one that is wrong.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::time::Duration;

use super::*;

const GOOD: &str = r#"
[server]
listen = "[::1]:6000"
data_dir = "data"
statement_timeout = "2m"
max_connections = 7
metrics_listen = "127.0.0.1:9187"
log_format = "json"
shutdown_timeout = "30s"

[[account]]
name = "prod-eu"
platform = "snowflake"
account_identifier = "org-acc"
user = "GRANTD"
role = "R"
warehouse = "W"
private_key_file = "keys/prod.p8"
host = "https://localhost:8443"
sync_interval = "0"
"#;

fn parse(text: &str, environment: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let environment = environment.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::parse(Path::new("conf/grantd.toml"), text, environment)
}

fn message(text: &str, environment: &[(&str, &str)]) -> String {
    let error = parse(text, environment).unwrap_err();
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error}\nhint: {hint}"))
}

#[test]
fn every_key_is_read_and_paths_are_relative_to_the_file() {
    let config = parse(GOOD, &[]).unwrap();
    assert_eq!(
        config.server,
        ServerConfig {
            listen: "[::1]:6000".parse().unwrap(),
            data_dir: "conf/data".into(),
            usage: Limits {
                statement_timeout: Some(Duration::from_mins(2)),
                spill: Some(Spill::to(PathBuf::from("conf/data/spill"))),
                ..Limits::default()
            },
            limits: ConnectionLimits {
                connections: 7,
                connections_per_address: 7,
                starting: 1_000,
                starting_per_address: 200,
            },
            access: AccessConfig::default(),
            operations: OperationsConfig {
                metrics_listen: Some("127.0.0.1:9187".parse().unwrap()),
                log_format: Some(LogFormat::Json),
                shutdown_timeout: Duration::from_secs(30),
            },
        }
    );
    let account = &config.accounts[0];
    assert_eq!((account.name.as_str(), account.platform), ("prod-eu", Platform::Snowflake));
    assert_eq!((account.account_identifier.as_str(), account.user.as_str()), ("org-acc", "GRANTD"));
    assert_eq!((account.role.as_deref(), account.warehouse.as_deref()), (Some("R"), Some("W")));
    let key = CredentialFiles::KeyPair { key: "conf/keys/prod.p8".into(), passphrase: None };
    assert_eq!(account.credential, key);
    assert_eq!((account.host.as_deref(), account.sync_interval), (Some("https://localhost:8443"), None));
}

#[test]
fn how_an_account_is_synced_is_read_and_checked() {
    let keys = "check_interval = \"0\"\nfull_interval = \"12h\"\nfuture_grants_interval = \"2h\"\n\
                incremental_overlap = \"3h\"\nrun_timeout = \"10m\"\nrepair_limit = 0\nmax_statements = 300\n\
                max_warehouse_seconds = 90\nmax_loss_users = 0\nmax_loss_roles = 100\nmax_loss_grants = 30\n\
                max_loss_objects = 40\n";
    let config = parse(&format!("{GOOD}{keys}"), &[]).unwrap();
    assert_eq!(
        config.accounts[0].sync,
        SyncConfig {
            check_interval: None,
            full_interval: Duration::from_hours(12),
            future_grants_interval: Duration::from_hours(2),
            incremental_overlap: Duration::from_hours(3),
            run_timeout: Duration::from_mins(10),
            repair_limit: 0,
            max_statements: Some(300),
            max_warehouse_seconds: Some(90),
            max_loss_users: 0,
            max_loss_roles: 100,
            max_loss_grants: 30,
            max_loss_objects: 40,
        }
    );
    assert_eq!(parse(GOOD, &[]).unwrap().accounts[0].sync, SyncConfig::default());
    let by_variable = parse(GOOD, &[("GRANTD__ACCOUNT__PROD_EU__MAX_STATEMENTS", "20")]).unwrap();
    assert_eq!(by_variable.accounts[0].sync.max_statements, Some(20));
    for (key, said) in [
        ("incremental_overlap = \"1h\"", "shorter than the two hours"),
        ("run_timeout = \"0\"", "run_timeout cannot be 0"),
        ("max_loss_users = 101", "101 is no share in percent"),
        ("max_loss_users = -1", "-1 is no share in percent"),
        ("max_statements = 0", "max_statements"),
    ] {
        let text = message(&format!("{GOOD}{key}\n"), &[]);
        assert!(text.contains(said) || text.contains("nonzero"), "{key}: {text}");
    }
}

#[test]
fn what_clients_may_take_is_read_and_checked() {
    let keys = "idle_session_timeout = \"1h\"\nidle_in_transaction_session_timeout = \"0\"\nwrite_timeout = \"5s\"\n\
                max_result_rows = 1000\nmax_result_bytes = \"64MiB\"\nquery_memory = \"1GiB\"\n\
                statement_memory = \"100MB\"\nmemory_limit = \"3GiB\"\nspill_limit = \"10GiB\"\n\
                statement_spill_limit = \"1GiB\"\n";
    let server = |keys: &str| format!("[server]\ndata_dir = \"/d\"\n{keys}");
    assert_eq!(
        parse(&server(keys), &[]).unwrap().server.usage,
        Limits {
            statement_timeout: Limits::default().statement_timeout,
            idle_session_timeout: Some(Duration::from_hours(1)),
            idle_in_transaction_session_timeout: None,
            write_timeout: Some(Duration::from_secs(5)),
            max_result_rows: Some(1_000),
            max_result_bytes: Some(64 << 20),
            query_memory: 1 << 30,
            statement_memory: 100 << 20,
            memory_limit: Some(3 << 30),
            spill: Some(Spill { folder: "/d/spill".into(), limit: 10 << 30, statement_limit: 1 << 30 }),
        }
    );
    let none = parse(&server("max_result_rows = 0\nmax_result_bytes = \"0\"\nspill_limit = \"0\""), &[]).unwrap();
    let limits = none.server.usage;
    assert_eq!((limits.max_result_rows, limits.max_result_bytes, limits.spill), (None, None, None));
    for (key, said) in [
        ("query_memory = \"1MiB\"", "query_memory is too small"),
        ("statement_memory = \"3GiB\"", "more than query_memory"),
        ("spill_limit = \"1GiB\"\nstatement_spill_limit = \"2GiB\"", "more than spill_limit"),
        ("max_result_bytes = \"lots\"", "is not a size"),
        ("max_result_rows = -1", "max_result_rows"),
    ] {
        let text = message(&server(key), &[]);
        assert!(text.contains(said) || text.contains("invalid value"), "{key}: {text}");
    }
}

#[test]
fn what_is_left_out_has_a_default() {
    let config = parse("[server]\ndata_dir = \"/d\"", &[]).unwrap();
    assert_eq!(config.server.listen, DEFAULT_LISTEN);
    assert!(config.server.listen.ip().is_loopback());
    let usage = Limits { spill: Some(Spill::to(PathBuf::from("/d/spill"))), ..Limits::default() };
    assert_eq!(config.server.usage, usage);
    assert_eq!(config.server.limits, ConnectionLimits::default());
    assert!(config.accounts.is_empty());
}

#[test]
fn a_mistake_is_named_with_its_place_and_what_was_meant() {
    for (text, expected) in [
        (
            "[server]\nlisten = \"localhost\"",
            "\"localhost\" is not an address and port such as \"127.0.0.1:5433\" (conf/grantd.toml:2:10)",
        ),
        ("[server]\nstatement_timeout = 5", "invalid type: integer `5`, expected a string (conf/grantd.toml:2:21)"),
        (
            "[[account]]\nplatform = \"snowflak\"",
            "unknown variant `snowflak`, expected `snowflake` (conf/grantd.toml:2:12)\nhint: did you mean snowflake?",
        ),
        (
            "[servers]",
            "unknown field `servers`, expected `server` or `account` (conf/grantd.toml:1:2)\nhint: did you mean server?",
        ),
        ("", "data_dir is missing in [server] (conf/grantd.toml:1:1)\nhint: data_dir = \"/var/lib/grantd\""),
        (
            "[server]\ndata_dir = \"d\"\n[[account]]\nname = \"prod\"",
            "account_identifier is missing in [[account]] of account \"prod\" (conf/grantd.toml:3:1)\n\
             hint: account_identifier = \"myorg-myaccount\"",
        ),
        ("[server]\ndata_dir = \" \"", "it is empty (conf/grantd.toml:2:12)"),
        ("[server]\nmax_connections = 0", "invalid value: integer `0`, expected a nonzero u32 (conf/grantd.toml:2:19)"),
    ] {
        assert_eq!(message(text, &[]), expected, "{text}");
    }
    let said = message("[server]\ndata_dir = \"/d\"\n  lisen = \"x\"", &[]);
    assert!(said.starts_with("unknown field `lisen`, expected one of `listen`, `data_dir`, "), "{said}");
    assert!(said.ends_with("(conf/grantd.toml:3:3)\nhint: did you mean listen?"), "{said}");
    let said = message("[server]\ndata_dir = \"d", &[]);
    assert!(said.contains("(conf/grantd.toml:2:"), "{said}");
}

#[test]
fn two_accounts_cannot_share_a_name() {
    let account = GOOD.split_once("[[account]]").unwrap().1;
    let said = message(&format!("{GOOD}\n[[account]]{account}"), &[]);
    assert!(said.starts_with("there are two accounts named \"prod-eu\" (conf/grantd.toml:22:1)"), "{said}");
}

#[test]
fn the_environment_wins_over_the_file_and_completes_it() {
    let config = parse(
        GOOD,
        &[
            ("GRANTD__SERVER__LISTEN", "127.0.0.1:1"),
            ("GRANTD__SERVER__MAX_CONNECTIONS", "9"),
            ("GRANTD__ACCOUNT__PROD_EU__USER", "12345"),
            ("GRANTD_LOG", "debug"),
            ("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!((config.server.listen.port(), config.server.limits.connections), (1, 9));
    assert_eq!(config.accounts[0].user, "12345");
    assert_eq!(parse("", &[("GRANTD__SERVER__DATA_DIR", "/d")]).unwrap().server.data_dir, Path::new("/d"));
}

#[test]
fn a_mistake_in_the_environment_names_the_variable() {
    for (variable, value, expected) in [
        ("GRANTD__SERVER__LISEN", "x", "did you mean listen?"),
        ("GRANTD__SERVER__MAX_CONNECTIONS", "many", "(environment variable GRANTD__SERVER__MAX_CONNECTIONS)"),
        ("GRANTD__ACCOUNT__PRODEU__USER", "x", "did you mean GRANTD__ACCOUNT__PROD_EU__USER?"),
        ("GRANTD__ACCOUNT__OTHER__USER", "x", "it names PROD_EU"),
        ("GRANTD__LISTEN", "x", "it does not name a key"),
    ] {
        let said = message(GOOD, &[(variable, value)]);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_secret_does_not_show_itself() {
    let secret = Secret::new("hunter2".to_owned());
    assert_eq!(format!("{secret:?} {:#?}", Some(&secret)), "Secret(..) Some(\n    Secret(..),\n)");
    assert_eq!(secret.expose(), "hunter2");
}

#[cfg(unix)]
#[test]
fn a_key_file_that_others_can_change_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("key.p8");
    fs::write(&key, "KEY\r\n").unwrap();
    for (mode, trusted) in [(0o600, true), (0o400, true), (0o644, true), (0o620, false), (0o602, false), (0o666, false)]
    {
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).unwrap();
        match read_secret(&key) {
            Ok(secret) => assert!(trusted && secret.expose() == "KEY\r\n", "{mode:o}"),
            Err(error) => assert!(!trusted && error.to_string().contains(&format!("{mode:o}")), "{mode:o}: {error}"),
        }
    }
}

/// Writes a file as `umask 077` would.
fn write_private(file: &Path, text: &str) {
    fs::write(file, text).unwrap();
    #[cfg(unix)]
    fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
}

#[test]
fn loading_checks_the_files_that_hold_secrets() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("grantd.toml");
    fs::write(&file, format!("{GOOD}private_key_passphrase_file = \"pass\"\n")).unwrap();
    let missing = Config::load(&file).unwrap_err().to_string();
    assert!(missing.contains("keys/prod.p8"), "{missing}");

    fs::create_dir(dir.path().join("keys")).unwrap();
    write_private(&dir.path().join("keys/prod.p8"), "KEY");
    write_private(&dir.path().join("pass"), "\n");
    let empty = Config::load(&file).unwrap_err().to_string();
    assert!(empty.contains("it is empty"), "{empty}");

    write_private(&dir.path().join("pass"), " pass phrase \r\n");
    let config = Config::load(&file).unwrap();
    let account = &config.accounts[0];
    let CredentialTexts::KeyPair { key, passphrase } = account.credential.read().unwrap() else { panic!("a key pair") };
    assert_eq!((key.expose().as_str(), passphrase.unwrap().expose().as_str()), ("KEY", " pass phrase "));
    assert!(Config::load(&dir.path().join("nope.toml")).unwrap_err().to_string().contains("nope.toml"));
}

#[test]
fn an_account_has_exactly_one_proof() {
    let token = GOOD.replace("private_key_file = \"keys/prod.p8\"", "access_token_file = \"pat\"");
    assert_eq!(parse(&token, &[]).unwrap().accounts[0].credential, CredentialFiles::AccessToken("conf/pat".into()));
    let oauth = GOOD.replace("private_key_file", "oauth_token_file");
    let expected = CredentialFiles::OAuth("conf/keys/prod.p8".into());
    assert_eq!(parse(&oauth, &[]).unwrap().accounts[0].credential, expected);
    let both = message(&format!("{GOOD}access_token_file = \"pat\""), &[]);
    assert!(both.starts_with("the account has more than one proof (of account \"prod-eu\")"), "{both}");
    let none = message(&GOOD.replace("private_key_file = \"keys/prod.p8\"", ""), &[]);
    assert!(none.contains("private_key_file is missing") && none.contains("grantd setup"), "{none}");
    let stray = message(&format!("{token}private_key_passphrase_file = \"p\""), &[]);
    assert!(stray.contains("private_key_file is missing"), "{stray}");
}

/// A home folder with a `connections.toml`.
fn home(connections: &str) -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join(".snowflake")).unwrap();
    fs::write(home.path().join(".snowflake/connections.toml"), connections).unwrap();
    home
}

const NAMED: &str = "[server]\ndata_dir = \"d\"\n[[account]]\nname = \"prod\"\nconnection = \"work\"\n";

#[test]
fn a_named_connection_completes_an_account_that_asks_for_it() {
    let home = home(
        "[work]\naccount = \"org-acc\"\nuser = \"ME\"\nrole = \"R\"\nhost = \"sf.example.com\"\nport = 8443\n\
         authenticator = \"SNOWFLAKE_JWT\"\nprivate_key_path = \"~/keys/me.p8\"\ndatabase = \"IGNORED\"\n",
    );
    let at = home.path().to_str().unwrap();
    let config = parse(&format!("{NAMED}role = \"GRANTD_SYNC\""), &[("HOME", at)]).unwrap();
    let account = &config.accounts[0];
    assert_eq!((account.account_identifier.as_str(), account.user.as_str()), ("org-acc", "ME"));
    assert_eq!(account.role.as_deref(), Some("GRANTD_SYNC"), "what the account says wins");
    assert_eq!(account.host.as_deref(), Some("https://sf.example.com:8443"));
    let key = CredentialFiles::KeyPair { key: home.path().join("keys/me.p8"), passphrase: None };
    assert_eq!(account.credential, key);
    let by_environment = parse(NAMED, &[("HOME", at), ("GRANTD__ACCOUNT__PROD__USER", "OTHER")]).unwrap();
    assert_eq!(by_environment.accounts[0].user, "OTHER");
    assert!(message(&NAMED.replace("work", "wrk"), &[("HOME", at)]).contains("did you mean work?"));
    assert!(parse(&NAMED.replace("connection = \"work\"", ""), &[("HOME", at)]).is_err(), "only when asked for");
}

#[test]
fn the_connections_are_found_where_snowflakes_tools_keep_them() {
    let home = tempfile::tempdir().unwrap();
    let at = home.path().to_str().unwrap();
    let said = message(NAMED, &[("HOME", at)]);
    assert!(said.contains(".config/snowflake/connections.toml") || said.contains("Application Support"), "{said}");
    let other = home.path().join("sf");
    fs::create_dir(&other).unwrap();
    let connection =
        "account = \"org-acc\"\nuser = \"ME\"\nauthenticator = \"oauth\"\ntoken_file_path = \"/run/token\"\n";
    fs::write(other.join("config.toml"), format!("[connections.work]\n{connection}")).unwrap();
    let environment = [("HOME", at), ("SNOWFLAKE_HOME", "~/sf")];
    let config = parse(NAMED, &environment).unwrap();
    assert_eq!(config.accounts[0].credential, CredentialFiles::OAuth("/run/token".into()));
    fs::write(other.join("connections.toml"), "[elsewhere]").unwrap();
    let said = message(NAMED, &environment);
    assert!(said.contains("there is no connection \"work\"") && said.contains("it has elsewhere"), "{said}");
}

#[test]
fn a_connection_that_needs_a_person_or_holds_its_secret_is_refused() {
    for (connection, expected) in [
        ("password = \"x\"", "authenticator \"snowflake\" asks a person, or for a password"),
        ("authenticator = \"externalbrowser\"", "asks a person"),
        ("authenticator = \"oauth\"\ntoken = \"hunter2\"", "it has no token_file_path"),
        ("authenticator = \"SNOWFLAKE_JWT\"\nprivate_key_raw = \"hunter2\"", "it has no private_key_file"),
        ("authenticator = \"SNOWFLAKE_JWT\"\nprivate_key_file = \"me.p8\"", "depends on the folder"),
    ] {
        let home = home(&format!("[work]\naccount = \"a\"\nuser = \"u\"\n{connection}\n"));
        let said = message(NAMED, &[("HOME", home.path().to_str().unwrap())]);
        assert!(said.contains(expected) && !said.contains("hunter2"), "{said}");
    }
}
