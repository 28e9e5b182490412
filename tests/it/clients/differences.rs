//! What differs from PostgreSQL, step by step, and why.

/// What a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Refused on purpose, with this SQLSTATE.
    Refused(&'static str),
    /// Answered in another way on purpose.
    Meant,
    /// PostgreSQL does better.
    Gap,
}

impl Kind {
    /// The kind without its details, to group by.
    pub(super) fn plain(self) -> Self {
        match self {
            Self::Refused(_) => Self::Refused(""),
            other => other,
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

const fn gap(clients: &'static str, step: &'static str, why: &'static str) -> Difference {
    Difference { clients, step, kind: Kind::Gap, why }
}

const WRITES: &str = "grantd only reads and says so at once; PostgreSQL looks for the privilege first";
const LISTENS: &str = "grantd sends no notifications";
const COPIES: &str = "COPY reads views, too";
const DEFINITIONS: &str = "the twin's views read its tables, and its functions are written in SQL";
const SEARCH: &str = "there is no text search";
const LANGUAGES: &str = "there are no procedural languages and no extensions";
const ROLES: &str = "there are no predefined roles";
const SIZES: &str = "nothing is stored in files";
const INDEXES: &str = "the indexes of PostgreSQL's own catalogs are not listed";
const DIGITS: &str =
    "calculated numeric values have another number of digits behind the point, which their type says, too";
const PARAMETERS: &str = "a parameter gets another type where PostgreSQL finds it from a distance";
const TEXTS: &str = "a type of PostgreSQL's catalogs that is shown as the type underneath";
const AGE: &str = "there is no age()";
const SCROLLS: &str = "cursors read forward only";

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
    gap("psql", "\\dS pg_class", INDEXES),
    gap("psql", "\\d pg_catalog.pg_class", INDEXES),
    gap("psql", "\\d+ pg_catalog.pg_namespace", INDEXES),
    gap("psql", "gdesc of nothing", "a select list cannot be empty"),
    refused("postgres_fdw", "insert", "25006", WRITES),
    refused("postgres_fdw", "update", "25006", WRITES),
    meant("adbc", "adbc objects", "the statement leaves the order of a list open"),
    meant("metabase", "distinct", "the last digit of a standard deviation"),
    gap("psql", "SELECT pg_typeof(1)*", "a literal is text, never unknown"),
    gap("psql", "SELECT 7 / 2*", DIGITS),
    gap("metabase", "bins", DIGITS),
    gap("metabase", "conditional", DIGITS),
    gap("tableau", "truncated", DIGITS),
    gap("psycopg", "describe SELECT CASE WHEN*", PARAMETERS),
    gap("psycopg", "describe SELECT oid, relname*", PARAMETERS),
    gap("psycopg", "describe SELECT now()*", "current_time has no zone"),
    gap("psycopg", "describe SELECT row_number()*", "ntile is bigint"),
    gap("tableau", "date arithmetic", "the difference of two dates is bigint"),
    gap("npgsql", "columns", TEXTS),
    meant("asyncpg", "information schema", "no view can be changed, for grantd only reads"),
    gap("asyncpg", "null of type oidvector", TEXTS),
    gap("asyncpg", "null of type int2vector", TEXTS),
    gap("asyncpg", "null of type xid", TEXTS),
    gap("asyncpg", "null of type pg_node_tree", TEXTS),
    gap("asyncpg", "null of type aclitem[]", TEXTS),
    gap("asyncpg", "null of type name[]", TEXTS),
    gap("perl", "statistics", "a column of NULLs alone in one part of a UNION is text"),
    gap("odbc", "foreign keys", "a column is said to be nullable that is not"),
    gap("pgcli", "table columns", "the type of pg_statistic_ext_data.stxdexpr is not there"),
    meant("pgcli", "casing", "the functions have no source that words could be taken from"),
    gap("psql", "tab after \\c grant", "the completion of a name that a database and a role share"),
    gap("dbeaver", "locks", AGE),
    gap("dbeaver", "state numbers", AGE),
    gap("psycopg", "scrolled cursor", SCROLLS),
    gap("php", "scroll", SCROLLS),
];
