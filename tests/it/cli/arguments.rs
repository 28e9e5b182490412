//! The arguments of every command.

use std::path::Path;

use clap::{Args, Parser};
use grantd::cli::{demo::DemoArgs, import::ImportArgs, sandbox::SandboxArgs, serve::ServeArgs, sync::SyncArgs};
use grantd::config::DEFAULT_LISTEN;

#[derive(Parser, Debug)]
struct Only<A: Args> {
    #[command(flatten)]
    args: A,
}

fn parse<A: Args>(args: &[&str]) -> Result<A, String> {
    let parsed = Only::<A>::try_parse_from(std::iter::once("grantd").chain(args.iter().copied()));
    parsed.map(|only| only.args).map_err(|error| error.to_string())
}

#[test]
fn demo_runs_without_arguments_on_loopback() {
    let demo: DemoArgs = parse(&[]).unwrap();
    assert_eq!((demo.listen, demo.sandbox_listen.port(), &demo.script), (DEFAULT_LISTEN, 0, &None));
    assert!(demo.listen.ip().is_loopback() && demo.sandbox_listen.ip().is_loopback());
    let demo: DemoArgs =
        parse(&["--listen", "127.0.0.1:0", "--sandbox-listen", "[::1]:81", "--script", "a.sql"]).unwrap();
    assert_eq!((demo.listen.port(), demo.sandbox_listen.to_string().as_str()), (0, "[::1]:81"));
    assert_eq!(demo.script.as_deref(), Some(Path::new("a.sql")));
    let error = parse::<DemoArgs>(&["--listen", "5433"]).unwrap_err();
    assert!(error.contains("--listen <HOST:PORT>"), "{error}");
}

#[test]
fn serve_and_sync_take_a_configuration() {
    assert_eq!(parse::<ServeArgs>(&[]).unwrap().config, Path::new("grantd.toml"));
    assert_eq!(parse::<ServeArgs>(&["--config", "x.toml"]).unwrap().config, Path::new("x.toml"));
    let sync: SyncArgs = parse(&["prod", "staging", "--config", "x.toml"]).unwrap();
    assert_eq!(
        (sync.accounts, sync.config.as_path()),
        (vec!["prod".to_owned(), "staging".to_owned()], Path::new("x.toml"))
    );
    assert!(parse::<SyncArgs>(&[]).unwrap().accounts.is_empty());
}

#[test]
fn import_wants_an_account_and_a_folder() {
    let import: ImportArgs = parse(&["--account", "prod", "--data-dir", "d", "exports"]).unwrap();
    assert_eq!((import.account.as_str(), import.dir.as_path()), ("prod", Path::new("exports")));
    assert_eq!(import.data_dir, Path::new("d"));
    assert!(parse::<ImportArgs>(&["exports"]).unwrap_err().contains("--account <NAME>"));
    assert!(parse::<ImportArgs>(&["--account", "prod"]).unwrap_err().contains("<DIR>"));
    assert!(parse::<ImportArgs>(&["--account", "", "exports"]).is_err());
}

#[test]
fn sandbox_wants_an_address() {
    let sandbox: SandboxArgs = parse(&["--listen", "127.0.0.1:0", "--script", "a.sql"]).unwrap();
    assert_eq!((sandbox.listen.port(), sandbox.script, sandbox.demo), (0, vec!["a.sql".into()], false));
    assert!(parse::<SandboxArgs>(&[]).unwrap_err().contains("--listen"));
}

#[test]
fn the_sandbox_is_as_late_as_it_is_told_to_be() {
    let lags =
        |args: &[&str]| parse::<SandboxArgs>(&[&["--listen", "127.0.0.1:0"], args].concat()).map(|a| a.usage_lag);
    assert!(lags(&[]).unwrap().is_empty());
    let given = lags(&["--usage-lag", "2h", "--usage-lag", "tables=90m"]).unwrap();
    let given: Vec<_> = given.iter().map(|lag| (lag.view.as_deref(), lag.lag.as_secs())).collect();
    assert_eq!(given, [(None, 7_200), (Some("TABLES"), 5_400)]);
    assert!(lags(&["--usage-lag", "NOTHING=1h"]).unwrap_err().contains("GRANTS_TO_ROLES"));
    assert!(lags(&["--usage-lag", "soon"]).unwrap_err().contains("duration"));
}
