//! What differs from PostgreSQL, step by step, and why.

/// What a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Refused on purpose, with this SQLSTATE.
    Refused(&'static str),
    /// Answered in another way on purpose.
    Meant,
}

impl Kind {
    /// The kind without its details, to group by.
    pub(super) fn plain(self) -> Self {
        match self {
            Self::Refused(_) => Self::Refused(""),
            Self::Meant => Self::Meant,
        }
    }
}

/// A difference.
pub(super) struct Difference {
    /// The clients, separated by blanks; `*` is every one.
    clients: &'static str,
    /// The step; a `*` at its end or at its start stands for anything.
    pub(super) step: &'static str,
    pub(super) kind: Kind,
    pub(super) why: &'static str,
}

impl Difference {
    /// Whether this is about a step of that name.
    pub(super) fn is_about(&self, step: &str) -> bool {
        match (self.step.strip_suffix('*'), self.step.strip_prefix('*')) {
            (Some(start), None) => step.starts_with(start),
            (None, Some(end)) => step.ends_with(end),
            _ => step == self.step,
        }
    }
}

/// The differences of a client.
pub(super) fn of(client: &str) -> impl Iterator<Item = &'static Difference> {
    let client = client.to_owned();
    DIFFERENCES.iter().filter(move |one| one.clients.split(' ').any(|name| name == client))
}

const fn refused(clients: &'static str, step: &'static str, code: &'static str, why: &'static str) -> Difference {
    Difference { clients, step, kind: Kind::Refused(code), why }
}

const fn meant(clients: &'static str, step: &'static str, why: &'static str) -> Difference {
    Difference { clients, step, kind: Kind::Meant, why }
}

const WRITES: &str = "grantd only reads and says so at once; PostgreSQL looks for the privilege first";
const LISTENS: &str = "grantd sends no notifications";
const COPIES: &str = "COPY reads views, too";
const DEFINITIONS: &str = "the twin's views read its tables, and its functions are written in SQL";
const SEARCH: &str = "there is no text search";
const LANGUAGES: &str = "there are no procedural languages and no extensions";
const ROLES: &str = "there are no predefined roles";
const SIZES: &str = "nothing is stored in files";
const CREATES: &str = "nothing can be created, and has_*_privilege says so";
const DEPENDS: &str = "the dependencies of the twin's views are on its tables";
const PLANS: &str = "the plan is grantd's";
const LAST: &str = "the last digit of a sum of floats";

static DIFFERENCES: &[Difference] = &[
    refused("psycopg2 psycopg asyncpg pg8000 perl php ruby", "insert", "25006", WRITES),
    refused("psycopg2", "copy from", "25006", WRITES),
    refused("sqlalchemy", "*insert", "25006", WRITES),
    refused("jdbc", "INSERT INTO*", "25006", WRITES),
    refused("jdbc", "UPDATE users*", "25006", WRITES),
    refused("odbc", "INSERT INTO*", "25006", WRITES),
    refused("node", "*insert", "25006", WRITES),
    refused("go", "*insert", "25006", WRITES),
    refused("go", "*copy from", "25006", WRITES),
    refused("pgcli", "INSERT INTO*", "25006", WRITES),
    refused("psql", "INSERT INTO*", "25006", WRITES),
    refused("psql", "UPDATE users*", "25006", WRITES),
    refused("psql", "DELETE FROM*", "25006", WRITES),
    refused("psql", "COPY users FROM*", "25006", WRITES),
    refused("psql", "copy from", "read-only", WRITES),
    refused("psql", "LOCK TABLE*", "25006", "nothing can be locked"),
    refused("psql", "LISTEN x", "0A000", LISTENS),
    refused("psycopg asyncpg", "listen", "0A000", LISTENS),
    refused("node", "pg listen", "0A000", LISTENS),
    meant("psql", "copy a view", COPIES),
    meant("php", "copy", COPIES),
    meant("php", "pg_copy_to", COPIES),
    meant("psql", "\\d+ users", DEFINITIONS),
    meant("psql", "\\d+ effective_privileges", DEFINITIONS),
    meant("psql", "\\sv*", DEFINITIONS),
    meant("psql", "\\df+", DEFINITIONS),
    meant("psql", "\\sf who_can", DEFINITIONS),
    meant("psql", "\\db+", SIZES),
    meant("psql", "\\l+", SIZES),
    meant("psql", "\\dF*", SEARCH),
    meant("psql", "\\dL", LANGUAGES),
    meant("psql pgcli", "\\dx*", LANGUAGES),
    meant("pgcli", "\\du", ROLES),
    meant("psql", "\\dAf btree", "the statement leaves the order of a list open"),
    meant("psql", "\\dconfig*", "the settings are each server's own"),
    meant("psql", "EXPLAIN*", "the plan is grantd's"),
    refused("postgres_fdw", "insert", "25006", WRITES),
    refused("postgres_fdw", "update", "25006", WRITES),
    meant("adbc", "adbc objects", "the statement leaves the order of a list open"),
    meant("asyncpg", "information schema", "no view can be changed, for grantd only reads"),
    meant("pgcli", "casing", "the functions have no source that words could be taken from"),
    meant("psql", "tab after \\c grant", ROLES),
    refused("tokio-postgres sqlx", "*insert", "25006", WRITES),
    refused("tokio-postgres sqlx", "*update", "25006", WRITES),
    refused("tokio-postgres sqlx", "*delete", "25006", WRITES),
    refused("tokio-postgres sqlx", "copy in", "25006", WRITES),
    refused("tokio-postgres sqlx", "*listen", "0A000", LISTENS),
    refused("tokio-postgres sqlx", "*notify", "0A000", LISTENS),
    refused("sqlx", "listener", "0A000", LISTENS),
    refused("prisma", "client execute insert", "25006", WRITES),
    refused("prisma", "migrate deploy: statements", "0A000", "there are no advisory locks"),
    refused("superset", "INSERT INTO*", "read-only", WRITES),
    refused("pgadmin", "INSERT INTO*", "25006", WRITES),
    refused("pgadmin", "VACUUM users", "25006", WRITES),
    refused("pgadmin", "DO $$*", "0A000", LANGUAGES),
    meant("pgadmin", "databases", CREATES),
    meant("pgadmin", "database list", CREATES),
    meant("pgadmin", "database obj", CREATES),
    meant("pgadmin", "catalog nodes", CREATES),
    meant("pgadmin", "catalog list", CREATES),
    meant("pgadmin", "catalog PostgreSQL Catalog (pg_catalog) obj", CREATES),
    meant("pgadmin", "catalog ANSI (information_schema) obj", CREATES),
    meant("pgadmin", "schema nodes", CREATES),
    meant("pgadmin", "schema list", CREATES),
    meant("pgadmin", "schema public obj", CREATES),
    meant("pgadmin", "ERD: what it may use", CREATES),
    meant("pgadmin", "role nodes", ROLES),
    meant("pgadmin", "role list", ROLES),
    meant("pgadmin", "new connection role", ROLES),
    meant("pgadmin", "extension nodes", LANGUAGES),
    meant("pgadmin", "extension list", LANGUAGES),
    meant("pgadmin", "language nodes", LANGUAGES),
    meant("pgadmin", "language list", LANGUAGES),
    meant("pgadmin", "function get_languages", LANGUAGES),
    meant("prisma", "db pull 13: pg_extension", LANGUAGES),
    meant("prisma", "db pull of two schemas 12: pg_extension", LANGUAGES),
    meant("pgadmin", "function nodes", DEFINITIONS),
    meant("pgadmin", "function list", DEFINITIONS),
    meant("pgadmin", "function obj", DEFINITIONS),
    meant("pgadmin", "function sql", DEFINITIONS),
    meant("pgadmin", "view users sql", DEFINITIONS),
    meant("pgadmin", "view effective_privileges sql", DEFINITIONS),
    meant("pgadmin", "view users dependency", DEPENDS),
    meant("pgadmin", "view effective_privileges dependency", DEPENDS),
    meant("pgadmin", "filter is checked", PLANS),
    meant("superset", "EXPLAIN*", PLANS),
    meant("npgsql", "views", "no view can be changed, for grantd only reads"),
    meant("npgsql", "views of a schema", "no view can be changed, for grantd only reads"),
    meant("tableau", "aggregate COVAR", LAST),
    meant("tableau", "aggregate COVARP", LAST),
    meant("tableau", "aggregate CORR", LAST),
    refused("sqlx", "lock", "0A000", "there are no advisory locks"),
    meant("pgadmin", "tablespace dependent", SIZES),
    meant("pgadmin", "table pg_class obj", CREATES),
    meant("pgadmin", "table pg_attribute obj", CREATES),
    meant("pgadmin", "role vopts", "the settings are each server's own"),
    meant("pgadmin", "locks of the *", "nothing is locked"),
    meant("npgsql", "columns of a result", "no view can be changed, for grantd only reads"),
];
