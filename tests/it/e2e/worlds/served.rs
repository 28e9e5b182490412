//! A platform for each world, and one daemon that has every one of them twice: synced, and imported from exported files.

use super::text::World;
use crate::support::operator::keys;
use datafusion::parquet::arrow::ArrowWriter;
use grantd::daemon::snowflake::SandboxAccount;
use grantd::daemon::{Connector, Daemon, DaemonBackend};
use grantd::gateway::{Access, Gateway};
use grantd::sandbox::engine::{SandboxEngine, account_usage};
use grantd::sandbox::protocol::Sandbox;
use grantd::sandbox::protocol::engine::{Engine, LoginRequest};
use grantd::store::{AccountSource, Store};
use grantd::sync::SourceKind;
use grantd::sync::source::Silent;
use grantd_catalog::model::Ident;
use serde_json::Map;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// The account's name on the platform.
pub(super) const PLATFORM: &str = "WORLD";

/// The user that reads the account.
const READER: &str = "GRANTD_SVC";

/// Roles that every sandbox has; a world's text may make them as if it were the first to do so.
const SYSTEM_ROLES: [&str; 4] = ["ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN"];

/// A role that nobody has makes the world and owns it, as ACCOUNTADMIN may be somebody's in it.
const MAKER: &str = "ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'ENABLED';
CREATE ROLE MAKER; GRANT ROLE ACCOUNTADMIN TO ROLE MAKER; USE ROLE MAKER;\n";

/// The name of the account that is imported.
pub(super) fn imported(world: &World) -> String {
    format!("{}, imported", world.name)
}

/// Daemon and platforms; they end with this value.
pub(super) struct Served {
    /// Where grantd answers.
    pub(super) url: String,
    /// Where the platform of each world listens.
    pub(super) sandboxes: Vec<String>,
    stop: CancellationToken,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// Makes every world, syncs and imports it, and answers.
pub(super) async fn served(worlds: &[World]) -> Served {
    let stop = CancellationToken::new();
    let mut connectors: HashMap<String, Arc<dyn Connector>> = HashMap::new();
    let (mut refused, mut sandboxes) = (Vec::new(), Vec::new());
    let exports = tempfile::tempdir().unwrap();
    for world in worlds {
        let engine = SandboxEngine::new(PLATFORM);
        refused.extend(engine.run_script(&script(world)).err().map(|error| format!("{}: {error}", world.name)));
        engine.prepare_sync(READER, "GRANTD_SYNC", "GRANTD_WH", &keys().public_key_der).unwrap();
        export(&engine, &exports.path().join(&world.name)).await;
        let sandbox = Sandbox::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let url = format!("http://{}", sandbox.local_addr());
        let account = SandboxAccount {
            url: url.parse().unwrap(),
            account: PLATFORM.to_owned(),
            user: READER.to_owned(),
            role: "GRANTD_SYNC".to_owned(),
            warehouse: Some("GRANTD_WH".to_owned()),
            private_key_pem: keys().private_key_pem.clone(),
        };
        sandboxes.push(url);
        connectors.insert(world.name.clone(), Arc::new(account));
        tokio::spawn(sandbox.serve(Arc::new(engine), stop.clone()));
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
    let daemon = Arc::new(Daemon::open(Arc::new(Store::in_memory().unwrap()), connectors).unwrap());
    for world in worlds {
        let synced = daemon.sync(&world.name, AccountSource::Sandbox, &Silent).await;
        synced.unwrap_or_else(|error| panic!("{}: {error}", world.name));
        let read = daemon.import(&imported(world), &exports.path().join(&world.name)).await;
        read.unwrap_or_else(|error| panic!("{}: {error}", world.name));
    }
    let gateway = Gateway::bind("127.0.0.1:0".parse().unwrap(), Access::default()).await.unwrap();
    let url = format!("postgresql://grantd@{}/grantd", gateway.local_addr());
    let backend = Arc::new(DaemonBackend::new(daemon).unwrap());
    tokio::spawn(gateway.serve(backend, stop.clone()));
    Served { url, sandboxes, stop }
}

/// The world's own statements, and a key with which each of its users can log in.
fn script(world: &World) -> String {
    let mut sql = format!("{MAKER}{}", world.sql);
    for role in SYSTEM_ROLES {
        sql = sql.replace(&format!("CREATE ROLE {role};"), "");
    }
    // The platform itself makes the rows of what a share exposes, and refuses to make one of them alone.
    if sql.contains(" FROM SHARE ") {
        let of_share =
            |line: &&str| line.starts_with("GRANT ") && !line.contains("IMPORTED") && line.contains(" SHARED.");
        sql = sql.lines().filter(|line| !of_share(line)).collect::<Vec<_>>().join("\n");
    }
    for user in world.assertions.iter().map(|a| &a.user).collect::<BTreeSet<_>>() {
        let (name, key) = (Ident::new(user.as_str()).unwrap(), keys().public_key_base64());
        // A key alone changes no access, and what changes none is refused.
        write!(sql, "\nALTER USER {} SET COMMENT = 'has a key' RSA_PUBLIC_KEY = '{key}';", name.quoted()).unwrap();
    }
    sql
}

/// Writes what the platform answers, as files: every view and SHOW that an import reads.
async fn export(engine: &SandboxEngine, folder: &Path) {
    std::fs::create_dir(folder).unwrap();
    let request = LoginRequest { login_name: READER.to_owned(), ..LoginRequest::default() };
    let mut session = engine.open(&request).unwrap();
    let views = account_usage::views().map(|v| (v.to_owned(), format!("SELECT * FROM SNOWFLAKE.ACCOUNT_USAGE.{v}")));
    let shows = ["USERS", "ROLES", "DATABASES", "SCHEMAS", "WAREHOUSES", "INTEGRATIONS"].map(|what| {
        let all = if what == "SCHEMAS" { " IN ACCOUNT" } else { "" };
        (format!("SHOW_{what}"), format!("SHOW {what}{all}"))
    });
    for (name, sql) in views.filter(|(name, _)| SourceKind::parse(name).is_some()).chain(shows) {
        let answer = session.execute(&sql, false, &Map::new()).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let file = std::fs::File::create(folder.join(format!("{name}.parquet"))).unwrap();
        let schema = answer.batches.first().unwrap_or_else(|| panic!("{sql}: no batch, no columns")).schema();
        let mut writer = ArrowWriter::try_new(file, schema, None).unwrap();
        answer.batches.iter().for_each(|batch| writer.write(batch).unwrap());
        writer.close().unwrap();
    }
}
