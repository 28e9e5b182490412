//! What tests of whole runs share: a sandbox, and daemons that sync it with settings of their own.

use grantd::daemon::{Connector, Daemon, Report, SyncRequest, SyncSettings};
use grantd::sandbox::engine::SandboxEngine;
use grantd::sandbox::protocol::keys::KeyPair;
use grantd::sandbox::protocol::{Controls, Sandbox};
use grantd::store::{AccountSource, Store};
use grantd::sync::snowflake::{Credential, Limits, SigningKey, SnowflakeConfig, SnowflakeSource};
use grantd::sync::source::Silent;
use grantd::sync::{Source, SourceError};
use grantd_catalog::snapshot::Snapshot;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The name of the account in every daemon.
pub(super) const NAME: &str = "prod";

/// One pair for all tests: making it takes a second.
fn pair() -> &'static KeyPair {
    static PAIR: OnceLock<KeyPair> = OnceLock::new();
    PAIR.get_or_init(|| KeyPair::generate().unwrap())
}

/// A sandbox that is served until this value goes.
pub(super) struct Platform {
    pub(super) engine: SandboxEngine,
    pub(super) controls: Controls,
    url: String,
    stop: CancellationToken,
}

impl Drop for Platform {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

impl Platform {
    /// An account that a script made.
    pub(super) fn start(script: &str) -> Platform {
        let engine = SandboxEngine::new("ACME");
        engine.run_script(script).unwrap();
        engine.prepare_sync("GRANTD_SVC", "GRANTD_SYNC", "GRANTD_WH", &pair().public_key_der).unwrap();
        let sandbox = Sandbox::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let (controls, url) = (sandbox.controls(), format!("http://{}", sandbox.local_addr()));
        let stop = CancellationToken::new();
        tokio::spawn(sandbox.serve(Arc::new(engine.clone()), stop.clone()));
        Platform { engine, controls, url, stop }
    }

    pub(super) fn run(&self, sql: &str) {
        self.engine.run_script(sql).unwrap();
    }

    /// A connection to it.
    pub(super) fn connector(&self, settings: SyncSettings) -> Arc<dyn Connector> {
        Arc::new(Connection { url: self.url.clone(), settings })
    }

    /// A configuration of it in a folder, with the state in `state` beside it.
    pub(super) fn configure(&self, folder: &Path) -> PathBuf {
        let (key, config) = (folder.join("key.p8"), folder.join("grantd.toml"));
        crate::support::write_key(&key, &pair().private_key_pem);
        let text = format!(
            "[server]\ndata_dir = \"state\"\n\n[[account]]\nname = \"{NAME}\"\naccount_identifier = \"acme\"\n\
             host = \"{}\"\nuser = \"GRANTD_SVC\"\nrole = \"GRANTD_SYNC\"\nwarehouse = \"GRANTD_WH\"\n\
             private_key_file = \"key.p8\"\n",
            self.url
        );
        std::fs::write(&config, text).unwrap();
        config
    }

    /// A daemon with a store of its own.
    pub(super) fn daemon(&self, settings: SyncSettings) -> Daemon {
        let store = Arc::new(Store::in_memory().unwrap());
        Daemon::open(store, HashMap::from([(NAME.to_owned(), self.connector(settings))])).unwrap()
    }
}

struct Connection {
    url: String,
    settings: SyncSettings,
}

impl Connector for Connection {
    fn open(&self) -> Result<Box<dyn Source>, SourceError> {
        let key = SigningKey::from_pem(&pair().private_key_pem, None)?;
        let credential = Credential::KeyPair(Arc::new(key));
        let mut config = SnowflakeConfig::new("acme", "grantd_svc", "GRANTD_SYNC", credential);
        config.url = Some(self.url.parse().unwrap());
        config.use_proxy = false;
        config.warehouse = Some("GRANTD_WH".into());
        config.limits = Limits {
            response_bytes: 4 << 20,
            request: Duration::from_secs(2),
            statement: Duration::from_secs(8),
            attempts: 4,
            ..Limits::default()
        };
        Ok(Box::new(SnowflakeSource::new(config)?))
    }

    fn settings(&self) -> SyncSettings {
        self.settings.clone()
    }
}

/// Settings for a platform without latency on the same clock: no overlap, future grants in every run.
pub(super) fn exact() -> SyncSettings {
    SyncSettings { overlap: Duration::ZERO, future_grants_interval: Duration::ZERO, ..SyncSettings::default() }
}

pub(super) async fn sync(daemon: &Daemon, request: SyncRequest) -> Result<Report, grantd::daemon::DaemonError> {
    daemon.sync_with(NAME, AccountSource::Sync, request, &Silent).await
}

/// What a daemon shows.
pub(super) fn shown(daemon: &Daemon) -> Arc<Snapshot> {
    Arc::clone(&daemon.world().account(NAME).unwrap().snapshot)
}
