//! The sources: every `ACCOUNT_USAGE` view and SHOW that grantd reads, and their columns, as data.
//!
//! Column names follow Snowflake's documentation of each view and command. Columns are bound by name; a source may
//! have more than are listed here, in any order.

use std::fmt;

/// Where a source comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Family {
    /// A view of `SNOWFLAKE.ACCOUNT_USAGE`: deep, needs a warehouse, hours old.
    AccountUsage,
    /// A SHOW command: fresh, no warehouse, limited to what the role may see and to 10,000 rows.
    Show,
    /// No source of its own: several views in one answer, or a second look at one role.
    Derived,
}

/// The columns of a source.
#[derive(Clone, Copy, Debug)]
pub struct Spec {
    /// Name of the view, or `SHOW_...`; also the stem of an export file.
    pub name: &'static str,
    /// View or SHOW.
    pub family: Family,
    /// Columns without which the source is of no use.
    pub mandatory: &'static [&'static str],
    /// Columns that are used when there.
    pub optional: &'static [&'static str],
    /// Columns that older accounts lack; used when there.
    pub recent: &'static [&'static str],
    /// The column that is set when the row is of something that is gone.
    pub deleted: Option<&'static str>,
    /// How old a row may be, in minutes (Snowflake's documented maximum); 0 for SHOW.
    pub latency_minutes: u32,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $name:literal, $family:ident, $latency:literal, deleted $deleted:expr,
        mandatory [$($m:literal),*], optional [$($o:literal),*], recent [$($r:literal),*];)*) => {
        /// One `ACCOUNT_USAGE` view or SHOW command.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum SourceKind { $($(#[$doc])* $kind,)* }

        impl SourceKind {
            /// Every kind, in the order in which people see them.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Its columns.
            pub fn spec(self) -> Spec {
                match self {
                    $(Self::$kind => Spec {
                        name: $name, family: Family::$family, latency_minutes: $latency, deleted: $deleted,
                        mandatory: &[$($m),*], optional: &[$($o),*], recent: &[$($r),*],
                    },)*
                }
            }
        }
    };
}

kinds! {
    /// Users.
    Users = "USERS", AccountUsage, 120, deleted Some("DELETED_ON"),
        mandatory ["NAME"],
        optional ["CREATED_ON", "DELETED_ON", "LOGIN_NAME", "DISPLAY_NAME", "EMAIL", "DISABLED", "DEFAULT_ROLE",
            "DEFAULT_WAREHOUSE", "DEFAULT_NAMESPACE", "DEFAULT_SECONDARY_ROLE", "COMMENT", "OWNER", "HAS_PASSWORD",
            "HAS_RSA_PUBLIC_KEY", "LAST_SUCCESS_LOGIN", "EXPIRES_AT"],
        recent ["HAS_MFA", "TYPE"];
    /// Roles of every kind.
    Roles = "ROLES", AccountUsage, 120, deleted Some("DELETED_ON"),
        mandatory ["NAME"],
        optional ["CREATED_ON", "DELETED_ON", "COMMENT", "OWNER", "ROLE_TYPE", "ROLE_DATABASE_NAME"],
        recent ["OWNER_ROLE_TYPE", "ROLE_INSTANCE_ID"];
    /// Privileges and roles granted to roles, users, applications.
    GrantsToRoles = "GRANTS_TO_ROLES", AccountUsage, 120, deleted Some("DELETED_ON"),
        mandatory ["PRIVILEGE", "GRANTED_ON", "NAME", "GRANTED_TO", "GRANTEE_NAME"],
        optional ["CREATED_ON", "DELETED_ON", "TABLE_CATALOG", "TABLE_SCHEMA", "GRANT_OPTION", "GRANTED_BY",
            "GRANTED_BY_ROLE_TYPE", "OBJECT_INSTANCE"],
        recent ["IS_INHERITED", "INHERITED_FROM", "INHERITED_FROM_DATABASE", "INHERITED_FROM_SCHEMA"];
    /// Account roles granted to users.
    GrantsToUsers = "GRANTS_TO_USERS", AccountUsage, 120, deleted Some("DELETED_ON"),
        mandatory ["ROLE", "GRANTEE_NAME"],
        optional ["CREATED_ON", "DELETED_ON", "GRANTED_TO", "GRANTED_BY"],
        recent [];
    /// Privileges granted to shares.
    GrantsToShares = "GRANTS_TO_SHARES", AccountUsage, 180, deleted Some("DELETED_ON"),
        mandatory ["PRIVILEGE", "GRANTED_ON", "OBJECT_NAME", "SHARE_NAME"],
        optional ["CREATED_ON", "DELETED_ON", "OBJECT_DATABASE", "OBJECT_SCHEMA", "GRANTED_BY", "GRANTED_BY_ROLE_TYPE"],
        recent [];
    /// Databases.
    Databases = "DATABASES", AccountUsage, 180, deleted Some("DELETED"),
        mandatory ["DATABASE_NAME"],
        optional ["DATABASE_OWNER", "COMMENT", "CREATED", "DELETED"],
        recent ["TYPE", "OWNER_ROLE_TYPE"];
    /// Schemas.
    Schemata = "SCHEMATA", AccountUsage, 120, deleted Some("DELETED"),
        mandatory ["SCHEMA_NAME", "CATALOG_NAME"],
        optional ["SCHEMA_OWNER", "IS_MANAGED_ACCESS", "COMMENT", "CREATED", "DELETED"],
        recent ["OWNER_ROLE_TYPE"];
    /// Tables and views of every kind.
    Tables = "TABLES", AccountUsage, 90, deleted Some("DELETED"),
        mandatory ["TABLE_NAME", "TABLE_SCHEMA", "TABLE_CATALOG"],
        optional ["TABLE_OWNER", "TABLE_TYPE", "COMMENT", "CREATED", "DELETED"],
        recent ["IS_ICEBERG", "IS_DYNAMIC", "IS_HYBRID", "OWNER_ROLE_TYPE"];
    /// Views; TABLES has them too.
    Views = "VIEWS", AccountUsage, 90, deleted Some("DELETED"),
        mandatory ["TABLE_NAME", "TABLE_SCHEMA", "TABLE_CATALOG"],
        optional ["TABLE_OWNER", "COMMENT", "CREATED", "DELETED"],
        recent ["OWNER_ROLE_TYPE"];
    /// Stages.
    Stages = "STAGES", AccountUsage, 120, deleted Some("DELETED"),
        mandatory ["STAGE_NAME", "STAGE_SCHEMA", "STAGE_CATALOG"],
        optional ["STAGE_OWNER", "COMMENT", "CREATED", "DELETED"],
        recent ["OWNER_ROLE_TYPE"];
    /// User-defined functions.
    Functions = "FUNCTIONS", AccountUsage, 120, deleted Some("DELETED"),
        mandatory ["FUNCTION_NAME", "FUNCTION_SCHEMA", "FUNCTION_CATALOG", "ARGUMENT_SIGNATURE"],
        optional ["FUNCTION_OWNER", "COMMENT", "CREATED", "DELETED"],
        recent ["OWNER_ROLE_TYPE"];
    /// Stored procedures.
    Procedures = "PROCEDURES", AccountUsage, 120, deleted Some("DELETED"),
        mandatory ["PROCEDURE_NAME", "PROCEDURE_SCHEMA", "PROCEDURE_CATALOG", "ARGUMENT_SIGNATURE"],
        optional ["PROCEDURE_OWNER", "COMMENT", "CREATED", "DELETED"],
        recent ["OWNER_ROLE_TYPE"];
    /// File formats.
    FileFormats = "FILE_FORMATS", AccountUsage, 120, deleted Some("DELETED"),
        mandatory ["FILE_FORMAT_NAME", "FILE_FORMAT_SCHEMA", "FILE_FORMAT_CATALOG"],
        optional ["FILE_FORMAT_OWNER", "COMMENT", "CREATED", "DELETED"],
        recent ["OWNER_ROLE_TYPE"];
    /// Sequences.
    Sequences = "SEQUENCES", AccountUsage, 120, deleted Some("DELETED"),
        mandatory ["SEQUENCE_NAME", "SEQUENCE_SCHEMA", "SEQUENCE_CATALOG"],
        optional ["SEQUENCE_OWNER", "COMMENT", "CREATED", "DELETED"],
        recent ["OWNER_ROLE_TYPE"];
    /// Pipes.
    Pipes = "PIPES", AccountUsage, 120, deleted Some("DELETED"),
        mandatory ["PIPE_NAME", "PIPE_SCHEMA", "PIPE_CATALOG"],
        optional ["PIPE_OWNER", "COMMENT", "CREATED", "DELETED"],
        recent ["OWNER_ROLE_TYPE"];
    /// Streams.
    Streams = "STREAMS", AccountUsage, 120, deleted Some("DELETED"),
        mandatory ["STREAM_NAME", "STREAM_SCHEMA", "STREAM_CATALOG"],
        optional ["OWNER", "COMMENT", "CREATED", "DELETED"],
        recent [];
    /// Tasks.
    Tasks = "TASKS", AccountUsage, 120, deleted Some("DELETED"),
        mandatory ["TASK_NAME", "TASK_SCHEMA", "TASK_DATABASE"],
        optional ["TASK_OWNER", "COMMENT", "CREATED", "DELETED"],
        recent [];
    /// Semantic views.
    SemanticViews = "SEMANTIC_VIEWS", AccountUsage, 120, deleted Some("DELETED"),
        mandatory ["SEMANTIC_VIEW_NAME", "SEMANTIC_VIEW_SCHEMA_NAME", "SEMANTIC_VIEW_DATABASE_NAME"],
        optional ["OWNER", "COMMENT", "CREATED", "DELETED"],
        recent [];
    /// `SHOW USERS`.
    ShowUsers = "SHOW_USERS", Show, 0, deleted None,
        mandatory ["NAME"],
        optional ["CREATED_ON", "LOGIN_NAME", "DISPLAY_NAME", "EMAIL", "DISABLED", "DEFAULT_ROLE", "DEFAULT_WAREHOUSE",
            "DEFAULT_NAMESPACE", "DEFAULT_SECONDARY_ROLES", "COMMENT", "OWNER", "HAS_PASSWORD", "HAS_RSA_PUBLIC_KEY",
            "LAST_SUCCESS_LOGIN", "EXPIRES_AT_TIME", "HAS_MFA", "TYPE"],
        recent [];
    /// `SHOW ROLES`.
    ShowRoles = "SHOW_ROLES", Show, 0, deleted None,
        mandatory ["NAME"],
        optional ["CREATED_ON", "OWNER", "COMMENT", "ASSIGNED_TO_USERS", "GRANTED_TO_ROLES"],
        recent [];
    /// `SHOW DATABASES`.
    ShowDatabases = "SHOW_DATABASES", Show, 0, deleted None,
        mandatory ["NAME"],
        optional ["CREATED_ON", "OWNER", "COMMENT", "KIND", "OWNER_ROLE_TYPE"],
        recent [];
    /// `SHOW SCHEMAS IN ACCOUNT`.
    ShowSchemas = "SHOW_SCHEMAS", Show, 0, deleted None,
        mandatory ["NAME", "DATABASE_NAME"],
        optional ["CREATED_ON", "OWNER", "COMMENT", "OPTIONS", "OWNER_ROLE_TYPE"],
        recent [];
    /// `SHOW WAREHOUSES`.
    ShowWarehouses = "SHOW_WAREHOUSES", Show, 0, deleted None,
        mandatory ["NAME"],
        optional ["CREATED_ON", "OWNER", "COMMENT", "SIZE", "OWNER_ROLE_TYPE"],
        recent [];
    /// `SHOW INTEGRATIONS`.
    ShowIntegrations = "SHOW_INTEGRATIONS", Show, 0, deleted None,
        mandatory ["NAME"],
        optional ["CREATED_ON", "COMMENT"],
        recent [];
    /// `CALL EXPLAIN_GRANTABLE_PRIVILEGES()`: one row with a JSON text.
    GrantablePrivileges = "EXPLAIN_GRANTABLE_PRIVILEGES", Show, 0, deleted None,
        mandatory [],
        optional ["EXPLAIN_GRANTABLE_PRIVILEGES"],
        recent [];
    /// `SHOW FUTURE GRANTS IN ...` or `TO ...`: one table per statement.
    ShowFutureGrants = "SHOW_FUTURE_GRANTS", Show, 0, deleted None,
        mandatory ["PRIVILEGE", "GRANT_ON", "NAME", "GRANT_TO", "GRANTEE_NAME"],
        optional ["CREATED_ON", "GRANT_OPTION"],
        recent [];
    /// `SHOW GRANTS TO ...` or `OF ...`, as `grantd doctor` asks: what it lists differs with the question.
    ShowGrants = "SHOW_GRANTS", Derived, 0, deleted None,
        mandatory [],
        optional ["PRIVILEGE", "GRANTED_ON", "NAME", "ROLE", "GRANTED_TO", "GRANTEE_NAME", "GRANTED_BY", "CREATED_ON"],
        recent [];
    /// A count or a fact for `grantd doctor`: one row, one column.
    Fact = "FACT", Derived, 0, deleted None,
        mandatory ["FACT"],
        optional [],
        recent [];
    /// The views of schema objects that have the same columns, in one answer; `SOURCE` names the view.
    SchemaObjects = "SCHEMA_OBJECTS", Derived, 120, deleted None,
        mandatory ["SOURCE", "NAME", "SCHEMA_NAME", "DATABASE_NAME"],
        optional ["OWNER", "COMMENT", "CREATED", "OWNER_ROLE_TYPE"],
        recent [];
    /// `SHOW GRANTS OF ROLE`: the members of one role.
    ShowGrantsOf = "SHOW_GRANTS_OF", Derived, 0, deleted None,
        mandatory ["ROLE", "GRANTED_TO", "GRANTEE_NAME"],
        optional ["CREATED_ON", "GRANTED_BY"],
        recent [];
}

/// The sources without which no account can be read.
pub const REQUIRED: &[SourceKind] =
    &[SourceKind::GrantsToRoles, SourceKind::GrantsToUsers, SourceKind::Roles, SourceKind::Users];

impl SourceKind {
    /// Name of the view, or `SHOW_...`.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Reads the name of a source, any case, spaces or underscores.
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.trim().replace([' ', '-'], "_").to_ascii_uppercase();
        Self::ALL.iter().copied().find(|k| k.name() == name && !k.is_derived())
    }

    /// Whether it is no source of its own.
    pub fn is_derived(self) -> bool {
        self.spec().family == Family::Derived
    }

    /// Whether a view lists the same things as this SHOW, somewhat later.
    pub fn is_repeated(self) -> bool {
        matches!(self, Self::ShowUsers | Self::ShowRoles | Self::ShowDatabases | Self::ShowSchemas)
    }

    /// Whether the source can be left out.
    pub fn is_required(self) -> bool {
        REQUIRED.contains(&self)
    }
}

impl Spec {
    /// Every column that is used when there.
    pub fn columns(&self) -> impl Iterator<Item = &'static str> {
        self.mandatory.iter().chain(self.optional).chain(self.recent).copied()
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back_and_no_column_is_listed_twice() {
        for &kind in SourceKind::ALL {
            let found = SourceKind::parse(&kind.name().to_ascii_lowercase());
            assert_eq!(found, (!kind.is_derived()).then_some(kind));
            let mut columns: Vec<_> = kind.spec().columns().collect();
            let count = columns.len();
            columns.sort_unstable();
            columns.dedup();
            assert_eq!(columns.len(), count, "{kind}");
            if let Some(deleted) = kind.spec().deleted {
                assert!(kind.spec().optional.contains(&deleted), "{kind}");
            }
        }
        assert_eq!(SourceKind::parse("show warehouses"), Some(SourceKind::ShowWarehouses));
        assert_eq!(SourceKind::parse("QUERY_HISTORY"), None);
    }
}
