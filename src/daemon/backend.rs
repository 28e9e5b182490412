//! What a connection of the gateway sees: its own context over the relations, functions and PostgreSQL's catalog.

use super::Daemon;
use super::audit::{LogRelation, QueryLog};
use super::calls;
use super::user_relations::relations;
use super::users::Users;
use crate::gateway::pgcatalog::{self, FunctionDoc, Identity};
use crate::gateway::{Backend, BackendSession, CallOutcome, Snapshots, SqlError, Startup};
use async_trait::async_trait;
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::object_store::DefaultObjectStoreRegistry;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::prelude::{SessionConfig, SessionContext};
use grantd_catalog::tables::{QueryLogView, RelationTable, SessionState, World, providers, view_providers};
use std::sync::Arc;

/// The database that clients name.
const DATABASE: &str = "grantd";

/// The daemon as the gateway's backend.
pub struct DaemonBackend {
    daemon: Arc<Daemon>,
    runtime: Arc<RuntimeEnv>,
    functions: Vec<FunctionDoc>,
    query_log: Option<Arc<QueryLog>>,
}

impl DaemonBackend {
    /// Shows what the log holds.
    #[must_use]
    pub fn with_query_log(mut self, log: Arc<QueryLog>) -> Self {
        self.query_log = Some(log);
        self
    }

    /// The backend of a daemon.
    ///
    /// # Errors
    /// DataFusion refuses the runtime's settings.
    pub fn new(daemon: Arc<Daemon>) -> Result<Self, DataFusionError> {
        // No files: no store of them is registered, so SQL has nothing to open. Memory and disk are the gateway's to give,
        // statement by statement; what would run past it gets none.
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(0)))
            .with_disk_manager_builder(DiskManagerBuilder::default().with_mode(DiskManagerMode::Disabled))
            .with_object_store_registry(Arc::new(DefaultObjectStoreRegistry::default()))
            .build_arc()?;
        let url = url::Url::parse("file://").map_err(|e| DataFusionError::External(Box::new(e)))?;
        // The default registry starts with the local file system.
        runtime.deregister_object_store(&url)?;
        Ok(Self { daemon, runtime, functions: function_docs(), query_log: None })
    }
}

fn function_docs() -> Vec<FunctionDoc> {
    let doc = |f: &Arc<dyn grantd_sql_functions::SqlFunction>| {
        let definition = f.definition();
        FunctionDoc {
            name: definition.name.to_owned(),
            arguments: f.arguments().iter().map(|a| (a.name.to_owned(), "text".to_owned())).collect(),
            returns: definition.columns.iter().map(|c| (c.name.to_owned(), pg_type(c.ty).to_owned())).collect(),
            comment: definition.comment.to_owned(),
        }
    };
    grantd_sql_functions::functions().iter().map(doc).collect()
}

/// The `pg_type.typname` of a column type.
fn pg_type(ty: grantd_catalog::tables::ColumnType) -> &'static str {
    use grantd_catalog::tables::ColumnType;
    match ty {
        ColumnType::Text => "text",
        ColumnType::Bool => "bool",
        ColumnType::Int => "int8",
        ColumnType::Time => "timestamptz",
        ColumnType::Texts => "_text",
    }
}

impl Backend for DaemonBackend {
    fn open(&self, startup: &Startup) -> Result<Box<dyn BackendSession>, SqlError> {
        let daemon = Arc::clone(&self.daemon);
        let mut session = SessionState::following(move || daemon.world());
        if let Some(log) = &self.query_log {
            let of_user = (!startup.administrator).then(|| startup.user.clone());
            session = session.with_query_log(QueryLogView { log: Arc::new(LogRelation(Arc::clone(log))), of_user });
        }
        let session = Arc::new(session);
        let context = self.context(startup, &session).map_err(|error| {
            tracing::error!(%error, "a session could not be set up");
            SqlError::internal()
        })?;
        Ok(Box::new(Session {
            daemon: Arc::clone(&self.daemon),
            user: startup.user.clone(),
            administrator: startup.administrator,
            session,
            context,
            proposed: None,
        }))
    }
}

impl DaemonBackend {
    fn context(&self, startup: &Startup, session: &Arc<SessionState>) -> Result<SessionContext, DataFusionError> {
        let mut config = SessionConfig::new()
            .with_default_catalog_and_schema(DATABASE, "public")
            .with_information_schema(false)
            .with_target_partitions(2);
        let options = config.options_mut();
        options.sql_parser.dialect = datafusion::config::Dialect::PostgreSQL;
        options.sql_parser.map_string_types_to_utf8view = true;
        // The planner compares schemas with their metadata, where relations have their comments: a UNION of two relations
        // keeps those in one of its plans and not in the other, and an aggregate over it would be an internal error.
        options.execution.skip_physical_aggregate_schema_check = true;
        let state = SessionStateBuilder::new()
            .with_config(config)
            .with_runtime_env(Arc::clone(&self.runtime))
            .with_default_features()
            .with_table_factories(std::collections::HashMap::new())
            .build();
        let context = SessionContext::new_with_state(state);
        for (name, table) in providers(session) {
            context.register_table(name, table)?;
        }
        for relation in relations(&Users::new(Arc::clone(&self.daemon.store)), startup.administrator) {
            let name = relation.definition().name;
            context.register_table(name, Arc::new(RelationTable::new(relation, Arc::clone(session))))?;
        }
        for (name, view) in view_providers(session)? {
            context.register_table(name, view)?;
        }
        let identity = Identity {
            user: startup.user.clone(),
            database: startup.database.clone(),
            backend_pid: startup.backend_pid,
            settings: Arc::new(startup.settings.clone()),
        };
        pgcatalog::install(&context, &identity, &self.functions)?;
        grantd_sql_functions::register(&context, session);
        Ok(context)
    }
}

struct Session {
    daemon: Arc<Daemon>,
    user: String,
    administrator: bool,
    session: Arc<SessionState>,
    context: SessionContext,
    proposed: Option<Proposed>,
}

/// The changeset that the session looks through, and the world with it applied.
struct Proposed {
    changeset: String,
    /// What it was applied to.
    now: Arc<World>,
    applied: Arc<World>,
}

impl Proposed {
    fn new(changeset: String, now: Arc<World>) -> Result<Self, DataFusionError> {
        let applied = Arc::new(grantd_sql_functions::world_with_changeset(&now, &changeset)?);
        Ok(Self { changeset, now, applied })
    }
}

#[async_trait]
impl BackendSession for Session {
    fn context(&self) -> &SessionContext {
        &self.context
    }

    fn pin(&mut self) {
        let now = self.daemon.world();
        let Some(proposed) = &mut self.proposed else { return self.session.pin(now) };
        if !Arc::ptr_eq(&proposed.now, &now) {
            // A changeset that no longer applies keeps showing what it was checked against.
            if let Ok(next) = Proposed::new(proposed.changeset.clone(), now) {
                *proposed = next;
            }
        }
        self.session.pin(Arc::clone(&proposed.applied));
    }

    fn release(&mut self) {
        // A changeset's world is kept: it is costly to make, and shown until the setting is reset.
        if self.proposed.is_none() {
            self.session.release();
        }
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), SqlError> {
        match name {
            "grantd.roles" => {
                let lens = value.map(str::parse).transpose().map_err(|error: String| {
                    SqlError::new("22023", format!("invalid value for parameter \"grantd.roles\": {error}")).with_hint(
                        "Use all (every role the user can activate), default (the default session) or primary.",
                    )
                })?;
                self.session.set_lens(lens.unwrap_or_default());
                Ok(())
            }
            "grantd.changeset" => {
                let chosen = value.filter(|v| !v.is_empty()).map(str::to_owned);
                let proposed = chosen.map(|id| Proposed::new(id, self.daemon.world())).transpose();
                self.proposed = proposed.map_err(|error| {
                    SqlError::new("22023", format!("invalid value for parameter \"grantd.changeset\": {}", error.message()))
                        .with_hint("SELECT changeset, title FROM changesets; RESET grantd.changeset looks at the account as it is.")
                })?;
                self.pin();
                Ok(())
            }
            _ => Err(SqlError::new("42704", format!("unrecognized configuration parameter \"{name}\""))),
        }
    }

    fn snapshots(&self) -> Snapshots {
        let world = self.session.world();
        world.accounts.iter().map(|account| (account.name.clone(), account.snapshot_id)).collect()
    }

    fn about(&self, name: &str, args: &[ScalarValue]) -> Option<String> {
        calls::about(name, args)
    }

    async fn call(&mut self, name: &str, args: Vec<ScalarValue>) -> Result<CallOutcome, SqlError> {
        let outcome = calls::call(&self.daemon, &self.user, self.administrator, name, args).await;
        // The caller's next statement sees what the call did, also inside a transaction.
        self.pin();
        outcome
    }
}
