//! The gateway through real sockets: tokio-postgres, psql, and hand-made bytes for what no client sends.

mod abuse;
mod hostile;
mod limits;
mod login;
mod memory;
mod recorded;
mod snapshots;
mod tls_modes;
mod ways_in;
mod wire;

use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use datafusion::arrow::array::{
    ArrayRef, Float64Array, Int64Array, StringViewArray, TimestampMicrosecondArray, UInt64Array,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::datasource::MemTable;
use datafusion::logical_expr::{ColumnarValue, Volatility, create_udf};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::scalar::ScalarValue;
use grantd::config::{ConnectionLimits, Limits, SocketAccess};
use grantd::gateway::pgcatalog::{self, Identity};
use grantd::gateway::stats::{Gauge, Present, Stats};
use grantd::gateway::{
    Access, Backend, BackendSession, CallOutcome, Gateway, GatewayError, Recorder, SqlError, Startup,
};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};
use tokio_util::sync::CancellationToken;

use crate::support::raw::{Raw, error_code, frame};

/// Counts snapshots: each pin by a session that follows it sees the newest number in table `version`.
struct Demo {
    version: Arc<AtomicU64>,
    /// Sessions that pin a snapshot now.
    pinned: Arc<Gauge>,
    /// Sessions that were opened.
    opened: Arc<AtomicU64>,
}

/// A statement that computes for longer than a test waits.
const HEAVY: &str = "select sum((a.n * b.n + a.n) % 7) from many a, many b, users c where (a.n * b.n + c.id) % 5 > 1";

/// Rows of the tables that have the snapshot's number in each row.
const ROWS: i64 = 20;

struct DemoSession {
    context: SessionContext,
    version: Arc<AtomicU64>,
    pinned: Arc<Gauge>,
    pin: Option<Present>,
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter(columns).unwrap()
}

fn register(context: &SessionContext, name: &str, batch: RecordBatch) {
    context.deregister_table(name).unwrap();
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
    context.register_table(name, Arc::new(table)).unwrap();
}

impl Backend for Demo {
    fn open(&self, startup: &Startup) -> Result<Box<dyn BackendSession>, SqlError> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        if startup.user == "refused" {
            return Err(SqlError::new("28000", "no entry for this user"));
        }
        let config = SessionConfig::new().with_default_catalog_and_schema("grantd", "public").with_target_partitions(2);
        let context = SessionContext::new_with_config(config);
        register(
            &context,
            "users",
            batch(vec![
                ("id", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef),
                ("name", Arc::new(StringViewArray::from(vec![Some("ALICE"), Some("bob \"x\""), None])) as ArrayRef),
                ("score", Arc::new(Float64Array::from(vec![8.0, 0.5, 1e20])) as ArrayRef),
                (
                    "seen",
                    Arc::new(TimestampMicrosecondArray::from(vec![1_767_225_600_000_000; 3]).with_timezone("UTC"))
                        as ArrayRef,
                ),
                ("big", Arc::new(UInt64Array::from(vec![1, 2, 3])) as ArrayRef),
            ]),
        );
        let many: Vec<i64> = (0..20_000).collect();
        register(&context, "many", batch(vec![("n", Arc::new(Int64Array::from(many)) as ArrayRef)]));
        let explode = create_udf(
            "explode",
            vec![],
            DataType::Int64,
            Volatility::Volatile,
            Arc::new(|_: &[ColumnarValue]| -> datafusion::error::Result<ColumnarValue> { panic!("a test's panic") }),
        );
        context.register_udf(explode);
        let refuse = create_udf(
            "refuse",
            vec![],
            DataType::Int64,
            Volatility::Volatile,
            Arc::new(|_: &[ColumnarValue]| {
                Err(datafusion::error::DataFusionError::External(Box::new(
                    SqlError::new("42501", "the provider says no").with_hint("ask"),
                )))
            }),
        );
        context.register_udf(refuse);
        let identity = Identity {
            user: startup.user.clone(),
            database: startup.database.clone(),
            backend_pid: startup.backend_pid,
            settings: Arc::new(startup.settings.clone()),
        };
        pgcatalog::install(&context, &identity, &[]).unwrap();
        let (version, pinned) = (Arc::clone(&self.version), Arc::clone(&self.pinned));
        Ok(Box::new(DemoSession { context, version, pinned, pin: None }))
    }
}

#[async_trait]
impl BackendSession for DemoSession {
    fn context(&self) -> &SessionContext {
        &self.context
    }

    fn release(&mut self) {
        self.pin = None;
    }

    fn pin(&mut self) {
        self.pin = Some(self.pinned.hold());
        let version = self.version.load(Ordering::SeqCst) as i64;
        register(&self.context, "version", batch(vec![("v", Arc::new(Int64Array::from(vec![version])) as ArrayRef)]));
        for name in ["version_one", "version_two", "version_three"] {
            let column = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
            let rows = batch(vec![("n", column((0..ROWS).collect())), ("v", column(vec![version; ROWS as usize]))]);
            register(&self.context, name, rows);
        }
    }

    fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), SqlError> {
        match (name, value) {
            ("grantd.roles", Some(value)) if !["all", "default", "primary"].contains(&value) => {
                Err(SqlError::new("22023", format!("invalid value for parameter \"grantd.roles\": \"{value}\"")))
            }
            _ => Ok(()),
        }
    }

    async fn call(&mut self, name: &str, args: Vec<ScalarValue>) -> Result<CallOutcome, SqlError> {
        match name {
            "sync" => Ok(CallOutcome::Done { notice: format!("synced {}", args[0]) }),
            "rows" => {
                let schema = Arc::new(Schema::new(vec![Field::new("a", DataType::Int64, true)]));
                let column: ArrayRef = Arc::new(Int64Array::from(vec![7, 8]));
                Ok(CallOutcome::Rows(Arc::clone(&schema), vec![RecordBatch::try_new(schema, vec![column]).unwrap()]))
            }
            "wait" => {
                tokio::time::sleep(Duration::from_mins(1)).await;
                Ok(CallOutcome::Done { notice: String::new() })
            }
            other => Err(SqlError::new("42883", format!("procedure {other} does not exist"))),
        }
    }
}

struct Server {
    address: SocketAddr,
    version: Arc<AtomicU64>,
    opened: Arc<AtomicU64>,
    pinned: Arc<Gauge>,
    stats: Arc<Stats>,
    shutdown: CancellationToken,
}

impl Server {
    fn start() -> Self {
        Self::with_limit(200)
    }

    fn with_limit(most: u32) -> Self {
        Self::with(most, Access::default())
    }

    fn with(most: u32, access: Access) -> Self {
        let limits = ConnectionLimits { connections: most, connections_per_address: most, ..access.limits };
        Self::with_limits(Access { limits, ..access })
    }

    fn with_limits(access: Access) -> Self {
        Self::start_at(access, None, Limits::default(), None)
    }

    /// With other limits of what clients may take.
    fn limited(limits: Limits) -> Self {
        Self::start_at(Access::default(), None, limits, None)
    }

    /// With a Unix socket in the folder.
    fn with_socket(most: u32, access: Access, folder: Option<&std::path::Path>) -> Self {
        let limits = ConnectionLimits { connections: most, connections_per_address: most, ..access.limits };
        Self::start_at(Access { limits, ..access }, folder, Limits::default(), None)
    }

    fn recorded(access: Access, recorder: Arc<dyn Recorder>) -> Self {
        Self::start_at(access, None, Limits::default(), Some(recorder))
    }

    fn start_at(
        access: Access,
        folder: Option<&std::path::Path>,
        limits: Limits,
        recorder: Option<Arc<dyn Recorder>>,
    ) -> Self {
        let folder = folder.map(std::path::Path::to_owned);
        let opened = Arc::new(AtomicU64::new(0));
        let version = Arc::new(AtomicU64::new(1));
        let shutdown = CancellationToken::new();
        let pinned = Arc::<Gauge>::default();
        let (backend_pinned, backend_opened) = (Arc::clone(&pinned), Arc::clone(&opened));
        let backend = Demo { version: Arc::clone(&version), pinned: backend_pinned, opened: backend_opened };
        let backend = Arc::new(backend);
        let (sender, receiver) = std::sync::mpsc::channel();
        let until = shutdown.clone();
        // A thread of its own, so that tests with and without a runtime can start a server.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let gateway = Gateway::bind("127.0.0.1:0".parse().unwrap(), access).await.unwrap();
                let mut gateway = gateway.with_limits(limits).with_shutdown_timeout(Duration::from_millis(500));
                if let Some(folder) = folder {
                    gateway = gateway.with_socket(&folder, SocketAccess::Owner).unwrap();
                }
                if let Some(recorder) = recorder {
                    gateway = gateway.with_recorder(recorder);
                }
                sender.send((gateway.local_addr(), gateway.stats())).unwrap();
                gateway.serve(backend, until).await.unwrap();
            });
        });
        let (address, stats) = receiver.recv().unwrap();
        Self { address, version, opened, pinned, stats, shutdown }
    }

    async fn client(&self) -> Client {
        self.client_with("").await.unwrap()
    }

    async fn client_with(&self, more: &str) -> Result<Client, tokio_postgres::Error> {
        let config = format!("host=127.0.0.1 port={} user=tester dbname=grantd {more}", self.address.port());
        let (client, connection) = tokio_postgres::connect(&config, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    fn psql(&self, arguments: &[&str]) -> Output {
        let url = format!("postgresql://tester@127.0.0.1:{}/grantd", self.address.port());
        Command::new("psql")
            .arg(url)
            .args(["-X", "-q", "-v", "VERBOSITY=verbose"])
            .args(arguments)
            .output()
            .expect("psql must be on PATH for these tests")
    }

    /// Stdout of psql's unaligned output, one statement per argument.
    fn ask(&self, sql: &str) -> String {
        let output = self.psql(&["-At", "-c", sql]);
        assert!(output.status.success(), "{sql}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    fn raw(&self) -> Raw {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Raw(stream)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Raw {
    fn open(server: &Server) -> Self {
        let mut raw = server.raw();
        raw.startup(3 << 16, &[("user", "tester"), ("database", "grantd")]);
        raw.until(b'Z');
        raw
    }
}

fn rows(messages: &[SimpleQueryMessage]) -> Vec<Vec<Option<String>>> {
    messages
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|at| row.get(at).map(ToOwned::to_owned)).collect()),
            _ => None,
        })
        .collect()
}

async fn code(client: &Client, sql: &str) -> String {
    match client.simple_query(sql).await {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.code().map_or_else(|| format!("{error}"), |code| code.code().to_owned()),
    }
}

#[test]
fn psql_reads_rows_columns_and_types() {
    let server = Server::start();
    assert_eq!(
        server.ask("select id, name, score, seen, big from users order by id"),
        concat!(
            "1|ALICE|8|2026-01-01 00:00:00+00|1\n",
            "2|bob \"x\"|0.5|2026-01-01 00:00:00+00|2\n",
            "3||1e+20|2026-01-01 00:00:00+00|3"
        )
    );
    assert_eq!(server.ask("\\conninfo").split(' ').next(), Some("You"));
    assert_eq!(server.ask("table users limit 1").split('|').next(), Some("1"));
    assert_eq!(server.ask("values (1, 'a'), (2, null)"), "1|a\n2|");
    assert_eq!(
        server.ask("select array[1, null, 3], array['a b', 'c'], true, null, 1.50, date '2026-02-03'"),
        "{1,NULL,3}|{\"a b\",c}|t||1.50|2026-02-03"
    );
}

#[test]
fn psql_has_cursors_copy_and_gdesc() {
    let server = Server::start();
    let script = "\\set FETCH_COUNT 7000\nselect n from many order by n;\n";
    let path = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(path.path(), script).unwrap();
    let output = server.psql(&["-At", "-f", path.path().to_str().unwrap()]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), 20_000, "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(text.lines().last(), Some("19999"));
    assert_eq!(server.ask("copy (select id, name from users order by id) to stdout"), "1\tALICE\n2\tbob \"x\"\n3\t\\N");
    assert_eq!(
        server.ask("copy (select id, name from users order by id) to stdout with (format csv, header)"),
        "id,name\n1,ALICE\n2,\"bob \"\"x\"\"\"\n3,"
    );
    let binary = server.psql(&["-c", "copy (select 1) to stdout (format \"binary\")"]).stdout;
    assert_eq!(binary, b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0\0\x01\0\0\0\x04\0\0\0\x01\xff\xff");
}

#[tokio::test]
async fn columns_have_postgresqls_names_and_types() {
    let server = Server::start();
    let client = server.client().await;
    for (sql, names) in [
        ("select count(*), count(name), sum(id) from users", "count,count,sum"),
        ("select 1, 'a', null, null", "?column?,?column?,?column?,?column?"),
        (
            "select coalesce(name, 'x'), upper(name), id + 1, id::text, 1::text, '1'::int8 from users",
            "coalesce,upper,?column?,id,text,int8",
        ),
        (
            "select case when true then 1 end, exists (select 1), (select max(id) from users), array[1]",
            "case,exists,max,array",
        ),
        ("select id, id, u.* from users u", "id,id,id,name,score,seen,big"),
        ("select extract(year from seen), date_trunc('day', seen), now() from users", "extract,date_trunc,now"),
        ("select * from (select count(*) from users) x", "count"),
        ("select row_number() over (order by id), -1, id as \"Id\" from users", "row_number,?column?,Id"),
    ] {
        let statement = client.prepare(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        let found: Vec<&str> = statement.columns().iter().map(tokio_postgres::Column::name).collect();
        assert_eq!(found.join(","), names, "{sql}");
    }
    let sql = "select 1, 1 + 2, 3000000000, count(*), row_number() over (), big, name, score, seen, 1.5, null, exists (select 1), id \
               from users group by big, name, score, seen, id";
    let statement = client.prepare(sql).await.unwrap();
    let types: Vec<Type> = statement.columns().iter().map(|column| column.type_().clone()).collect();
    assert_eq!(
        types,
        [
            Type::INT4,
            Type::INT4,
            Type::INT8,
            Type::INT8,
            Type::INT8,
            Type::INT8,
            Type::TEXT,
            Type::FLOAT8,
            Type::TIMESTAMPTZ,
            Type::NUMERIC,
            Type::TEXT,
            Type::BOOL,
            Type::INT8,
        ]
    );
}

#[tokio::test]
async fn ordering_and_grouping_by_named_columns_still_work() {
    let server = Server::start();
    for (sql, wanted) in [
        ("select count(*) from users group by id > 1 order by count(*)", "1\n2"),
        ("select id > 1, count(*) from users group by 1 order by 2 desc", "t|2\nf|1"),
        ("select max(id) from users having max(id) > 2", "3"),
        ("select upper(name) from users where name is not null order by upper", "ALICE\nBOB \"X\""),
        ("select count from (select count(*) from users) x", "3"),
        ("select id::text from users order by id", "1\n2\n3"),
        ("select exists (select 1 from users where id > 5), not exists (select 1 from users where id > 5)", "f|t"),
        ("select id, exists (select 1 from many m where m.n = u.id + 19997) from users u order by id", "1|t\n2|t\n3|f"),
        ("select case when exists (select 1) then 'y' else 'n' end", "y"),
        (
            "select id from users u where exists (select 1 from many m where m.n = u.id) order by id fetch first 2 rows only",
            "1\n2",
        ),
        ("select distinct id from users order by id limit 1 offset 1", "2"),
        ("select 1 union all select 2 order by 1", "1\n2"),
    ] {
        assert_eq!(server.ask(sql), wanted, "{sql}");
    }
}

#[tokio::test]
async fn parameters_are_typed_and_read_in_both_formats() {
    let server = Server::start();
    let client = server.client().await;
    let statement = client.prepare("select name from users where id = $1 limit $2 offset $3").await.unwrap();
    assert_eq!(statement.params(), [Type::INT8, Type::INT8, Type::INT8]);
    let row = client.query_one(&statement, &[&1i64, &1i64, &0i64]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "ALICE");
    let statement = client.prepare_typed("select $1 + 1, $2", &[Type::INT4, Type::TEXT]).await.unwrap();
    assert_eq!(statement.params(), [Type::INT4, Type::TEXT]);
    let row = client.query_one(&statement, &[&41i32, &"x"]).await.unwrap();
    assert_eq!(row.get::<_, String>(1), "x");
    let row = client
        .query_one(
            "select $1::timestamptz, $2::date, $3::float8, $4::bool, $5",
            &[&std::time::SystemTime::UNIX_EPOCH, &Null, &2.5f64, &true, &"text"],
        )
        .await
        .unwrap();
    assert_eq!(row.get::<_, std::time::SystemTime>(0), std::time::SystemTime::UNIX_EPOCH);
    assert_eq!((row.get::<_, f64>(2), row.get::<_, bool>(3), row.get::<_, &str>(4)), (2.5, true, "text"));
    let found = client
        .query("select id from users where name = any($1) order by id", &[&vec!["ALICE", "nobody"]])
        .await
        .unwrap();
    assert_eq!(found.len(), 1);
    let row =
        client.query_one("select score, seen, 12.5, array['a', null] from users where id = 1", &[]).await.unwrap();
    assert!((row.get::<_, f64>(0) - 8.0).abs() < f64::EPSILON);
    assert_eq!(row.get::<_, Vec<Option<String>>>(3), [Some("a".to_owned()), None]);
    assert!(client.query("select $1::int4", &[&"x"]).await.is_err());
}

#[tokio::test]
async fn a_list_is_an_array_of_what_its_elements_are_compared_with() {
    let server = Server::start();
    let client = server.client().await;
    for (condition, wanted) in [
        ("oid = any($1)", Type::OID_ARRAY),
        ("relkind = any($1)", Type::CHAR_ARRAY),
        ("relname <> all($1)", Type::NAME_ARRAY),
        ("relnatts > any($1)", Type::INT2_ARRAY),
        ("oid::regclass = any($1)", Type::OID_ARRAY),
        ("'x'::varchar = any($1)", Type::TEXT_ARRAY),
        ("1 = any($1)", Type::INT4_ARRAY),
        ("1.5 = any($1)", Type::NUMERIC_ARRAY),
        ("now() <= all($1)", Type::TIMESTAMPTZ_ARRAY),
        ("time '10:00' = any($1)", Type::TIME_ARRAY),
        ("exists (select 1 from pg_type t where t.typname = any($1))", Type::NAME_ARRAY),
    ] {
        let statement = client.prepare(&format!("select 1 from pg_class where {condition}")).await.unwrap();
        assert_eq!(statement.params(), [wanted], "{condition}");
    }
    let names = async |condition: &str, list: &(dyn tokio_postgres::types::ToSql + Sync)| {
        let sql = format!("select relname from pg_class where relname = 'pg_class' and {condition}");
        client.query(&sql, &[list]).await.unwrap().len()
    };
    assert_eq!(names("oid = any($1)", &vec![7u32, 1259]).await, 1);
    assert_eq!(names("oid <> all($1)", &vec![7u32, 1259]).await, 0);
    assert_eq!(names("relkind = any($1)", &vec![b'v'.cast_signed(), b'r'.cast_signed()]).await, 1);
    assert_eq!(names("relname = any($1)", &vec!["pg_type"]).await, 0);
    assert_eq!(names("relnatts > any($1)", &vec![1i16]).await, 1);
    assert_eq!(names("now() > all($1)", &vec![std::time::SystemTime::UNIX_EPOCH]).await, 1);
    assert_eq!(names("oid = any($1)", &Null).await, 0);
}

/// A NULL of any type.
#[derive(Debug)]
struct Null;

impl tokio_postgres::types::ToSql for Null {
    fn to_sql(
        &self,
        _: &Type,
        _: &mut bytes::BytesMut,
    ) -> Result<tokio_postgres::types::IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(tokio_postgres::types::IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    tokio_postgres::types::to_sql_checked!();
}

#[tokio::test]
async fn a_prepared_statement_sees_the_newest_snapshot_and_a_transaction_its_own() {
    let server = Server::start();
    let mut client = server.client().await;
    let statement = client.prepare("select v from version").await.unwrap();
    let see = async |client: &Client| client.query_one(&statement, &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!(see(&client).await, 1);
    server.version.store(2, Ordering::SeqCst);
    assert_eq!(see(&client).await, 2);
    let transaction = client.transaction().await.unwrap();
    server.version.store(3, Ordering::SeqCst);
    assert_eq!(transaction.query_one("select v from version", &[]).await.unwrap().get::<_, i64>(0), 2);
    transaction.commit().await.unwrap();
    assert_eq!(see(&client).await, 3);
}

#[tokio::test]
async fn a_batch_sends_its_results_before_the_error() {
    let server = Server::start();
    let mut raw = Raw::open(&server);
    raw.send(b'Q', b"select 1; select 1/0; select 2\0");
    assert_eq!(raw.types(b'Z'), "TDCEZ");
    raw.send(b'Q', b"  ; -- nothing\0");
    assert_eq!(raw.types(b'Z'), "IZ");
    raw.send(b'Q', b"select 1; selec 2\0");
    assert_eq!(raw.types(b'Z'), "EZ");
}

#[tokio::test]
async fn tags_are_postgresqls() {
    let server = Server::start();
    let mut raw = Raw::open(&server);
    for (sql, tag) in [
        ("select 1 union all select 2", "SELECT 2"),
        ("show timezone", "SHOW"),
        ("set timezone to 'UTC'", "SET"),
        ("reset all", "RESET"),
        ("explain select 1", "EXPLAIN"),
        ("prepare p as select 1", "PREPARE"),
        ("execute p", "SELECT 1"),
        ("deallocate p", "DEALLOCATE"),
        ("start transaction", "START TRANSACTION"),
        ("declare c cursor for select 1", "DECLARE CURSOR"),
        ("fetch all in c", "FETCH 1"),
        ("move 1 in c", "MOVE 0"),
        ("close c", "CLOSE CURSOR"),
        ("savepoint s", "SAVEPOINT"),
        ("rollback to s", "ROLLBACK"),
        ("release s", "RELEASE"),
        ("commit", "COMMIT"),
        ("begin", "BEGIN"),
        ("abort", "ROLLBACK"),
        ("discard all", "DISCARD ALL"),
        ("deallocate all", "DEALLOCATE ALL"),
        ("close all", "CLOSE CURSOR ALL"),
        ("unlisten *", "UNLISTEN"),
        ("call sync('x')", "CALL"),
        ("copy (select 1) to stdout", "COPY 1"),
    ] {
        raw.send(b'Q', format!("{sql}\0").as_bytes());
        let messages = raw.until(b'Z');
        let complete = messages.iter().find(|(kind, _)| *kind == b'C').unwrap_or_else(|| panic!("{sql}: {messages:?}"));
        assert_eq!(String::from_utf8_lossy(&complete.1).trim_end_matches('\0'), tag, "{sql}");
    }
}

#[tokio::test]
async fn errors_have_postgresqls_codes() {
    let server = Server::start();
    let client = server.client().await;
    for (sql, wanted) in [
        ("selec 1", "42601"),
        ("select * from nothing", "42P01"),
        ("select nope from users", "42703"),
        ("select u.nope from users u", "42703"),
        ("select nofunc(1)", "42883"),
        ("select id from users a, users b", "42702"),
        ("select name, count(*) from users", "42803"),
        ("select 'x'::int4", "22P02"),
        ("select 'x'::timestamp", "22007"),
        ("select 1/0", "22012"),
        ("select '99999999999'::int4", "22003"),
        ("select id / 0 from users", "22012"),
        ("select 2147483647 + 1", "22003"),
        ("insert into users values (1)", "25006"),
        ("create table t (a int)", "25006"),
        ("execute nothing", "26000"),
        ("fetch 1 from nothing", "34000"),
        ("listen x", "0A000"),
        ("show nothing", "42704"),
        ("set nothing = 1", "42704"),
        ("set grantd.roles = 'odd'", "22023"),
        ("call nothing()", "42883"),
        ("select * from '/etc/passwd'", "42601"),
        ("select * from \"/etc/passwd\"", "42P01"),
        ("select (select id from users)", "21000"),
        ("copy users from '/etc/passwd'", "25006"),
        ("copy users to '/etc/x'", "42501"),
        ("select refuse()", "42501"),
        ("savepoint a", "25P01"),
        ("declare c cursor for select 1", "25P01"),
        ("select * from users where id + interval '1 day' = 3", "42883"),
        ("select 1 where 'a'", "42804"),
        ("rollback to a", "25P01"),
    ] {
        assert_eq!(code(&client, sql).await, wanted, "{sql}");
    }
    let error = client.simple_query("select id,\n  nope from users").await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.message(), "column \"nope\" does not exist");
    assert_eq!(error.position(), Some(&tokio_postgres::error::ErrorPosition::Original(14)));
    let error = client.simple_query("select * from nothing").await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.message(), "relation \"nothing\" does not exist");
    assert_eq!(error.position(), Some(&tokio_postgres::error::ErrorPosition::Original(15)));
    let error = client.simple_query("select 1 fro users").await.unwrap_err();
    assert_eq!(error.as_db_error().unwrap().message(), "syntax error at or near \"users\"");
}

#[tokio::test]
async fn a_failed_transaction_refuses_all_until_its_end() {
    let server = Server::start();
    let mut raw = Raw::open(&server);
    for (sql, status) in [
        ("begin", 'T'),
        ("savepoint a", 'T'),
        ("select 1/0", 'E'),
        ("select 1", 'E'),
        ("rollback to a", 'T'),
        ("select 1", 'T'),
        ("nonsense", 'E'),
        ("commit", 'I'),
        ("begin; select 1", 'T'),
        ("rollback", 'I'),
    ] {
        raw.send(b'Q', format!("{sql}\0").as_bytes());
        let messages = raw.until(b'Z');
        assert_eq!(messages.last().unwrap().1[0] as char, status, "{sql}");
    }
    let client = server.client().await;
    client.simple_query("begin").await.unwrap();
    assert_eq!(code(&client, "select 1/0").await, "22012");
    assert_eq!(code(&client, "select 1").await, "25P02");
    assert_eq!(code(&client, "rollback").await, "ok");
}

#[tokio::test]
async fn settings_are_checked_shown_told_and_undone() {
    let server = Server::start();
    let client = server
        .client_with("options='-c statement_timeout=5s -c grantd.changeset=2026-10-01\\\\ 00:00' application_name=app")
        .await
        .unwrap();
    let show =
        async |name: &str| rows(&client.simple_query(&format!("show {name}")).await.unwrap())[0][0].clone().unwrap();
    assert_eq!(show("statement_timeout").await, "5s");
    assert_eq!(show("grantd.changeset").await, "2026-10-01 00:00");
    assert_eq!(show("application_name").await, "app");
    assert!(show("server_version").await.starts_with("15.18 (grantd "));
    assert_eq!(show("default_transaction_read_only").await, "on");
    assert_eq!(show("transaction isolation level").await, "read committed");
    client.simple_query("set time zone 'Europe/Berlin'").await.unwrap();
    let seen = &rows(&client.simple_query("select seen from users limit 1").await.unwrap())[0][0];
    assert_eq!(seen.as_deref(), Some("2026-01-01 01:00:00+01"));
    client.simple_query("begin; set local time zone 'UTC'; set grantd.roles = 'primary'").await.unwrap();
    assert_eq!(show("timezone").await, "UTC");
    client.simple_query("rollback").await.unwrap();
    assert_eq!((show("timezone").await.as_str(), show("grantd.roles").await.as_str()), ("Europe/Berlin", "all"));
    client.simple_query("set statement_timeout = '30s'; reset grantd.changeset").await.unwrap();
    assert_eq!(show("statement_timeout").await, "30s");
    client.simple_query("discard all").await.unwrap();
    assert_eq!((show("statement_timeout").await.as_str(), show("timezone").await.as_str()), ("5s", "UTC"));
    assert!(rows(&client.simple_query("show all").await.unwrap()).len() > 50);
    // The client is told: ParameterStatus after SET, and again after the rollback.
    let mut raw = Raw::open(&server);
    raw.send(b'Q', b"begin; set application_name = 'x'\0");
    assert!(raw.types(b'Z').contains('S'));
    raw.send(b'Q', b"rollback\0");
    assert!(raw.types(b'Z').contains('S'));
    // Another session has its own.
    let other = server.client().await;
    other.simple_query("set work_mem = '1GB'").await.unwrap();
    assert_eq!(show("work_mem").await, "4MB");
}
