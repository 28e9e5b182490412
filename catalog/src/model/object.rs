//! Securables: what privileges are granted on.

use super::{Ident, IdentError};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The kind of a securable, as `GRANTED_ON` spells it (`TABLE`, `EXTERNAL_TABLE`, `CORTEX_SEARCH_SERVICE`).
///
/// Snowflake has internal names for some types; they are folded into the name that GRANT uses, so that one
/// thing has one name: `VOLUME` is `EXTERNAL_VOLUME`, `CORTEX_AGENT` is `AGENT`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectType(Cow<'static, str>);

/// Internal type names and the names GRANT uses.
const ALIASES: &[(&str, &str)] = &[
    ("CORTEX_AGENT", "AGENT"),
    ("CORTEX_AGENT_SERVER", "MCP_SERVER"),
    ("MODULE", "MODEL"),
    ("QUALITY_MONITOR", "MODEL_MONITOR"),
    ("VOLUME", "EXTERNAL_VOLUME"),
];

/// Types that share one namespace in a schema: a name is taken by at most one of them.
const RELATIONS: &[&str] = &[
    "DYNAMIC_TABLE",
    "EVENT_TABLE",
    "EXTERNAL_TABLE",
    "HYBRID_TABLE",
    "ICEBERG_TABLE",
    "INTERACTIVE_TABLE",
    "MATERIALIZED_VIEW",
    "ONLINE_FEATURE_TABLE",
    "SEMANTIC_VIEW",
    "TABLE",
    "VIEW",
];

/// Types that live in the account itself.
const ACCOUNT_LEVEL: &[&str] = &[
    "ACCOUNT",
    "APPLICATION",
    "APPLICATION_PACKAGE",
    "COMPUTE_POOL",
    "CONNECTION",
    "DATABASE",
    "DATA_EXCHANGE",
    "EXTERNAL_VOLUME",
    "FAILOVER_GROUP",
    "INTEGRATION",
    "LISTING",
    "NETWORK_POLICY",
    "ORGANIZATION_PROFILE",
    "PROVISIONED_THROUGHPUT",
    "REPLICATION_GROUP",
    "RESOURCE_MONITOR",
    "ROLE",
    "SHARE",
    "USER",
    "WAREHOUSE",
];

macro_rules! types {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => { impl ObjectType { $($(#[$doc])* pub const $name: Self = Self(Cow::Borrowed($text));)* } };
}
types! {
    /// The account itself.
    ACCOUNT = "ACCOUNT";
    /// A database.
    DATABASE = "DATABASE";
    /// A schema.
    SCHEMA = "SCHEMA";
    /// A standard or hybrid table.
    TABLE = "TABLE";
    /// A view.
    VIEW = "VIEW";
    /// A warehouse.
    WAREHOUSE = "WAREHOUSE";
    /// An account role, as a securable.
    ROLE = "ROLE";
    /// A database role, as a securable.
    DATABASE_ROLE = "DATABASE_ROLE";
    /// An application role, as a securable.
    APPLICATION_ROLE = "APPLICATION_ROLE";
    /// A user, as a securable.
    USER = "USER";
    /// A user-defined function.
    FUNCTION = "FUNCTION";
    /// A stored procedure.
    PROCEDURE = "PROCEDURE";
    /// A stage.
    STAGE = "STAGE";
}

impl ObjectType {
    /// Reads a type name in any of its spellings: spaces or underscores, any case, internal or SQL name.
    pub fn new(text: &str) -> Self {
        let name =
            text.trim().to_ascii_uppercase().split([' ', '_']).filter(|w| !w.is_empty()).collect::<Vec<_>>().join("_");
        match ALIASES.iter().find(|(internal, _)| *internal == name) {
            Some((_, public)) => Self(Cow::Borrowed(public)),
            None => Self(Cow::Owned(name)),
        }
    }

    /// The name with underscores, as `GRANTED_ON` has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The words of the type in a GRANT statement: `EXTERNAL TABLE`.
    pub fn sql(&self) -> String {
        self.0.replace('_', " ")
    }

    /// The plural in `ON ALL | FUTURE <plural> IN ...`.
    pub fn plural_sql(&self) -> String {
        let sql = self.sql();
        match sql.strip_suffix('Y') {
            Some(stem) if sql.ends_with("POLICY") || sql.ends_with("REPOSITORY") => format!("{stem}IES"),
            _ => format!("{sql}S"),
        }
    }

    /// Reads a plural (`TABLES`, `MASKING POLICIES`) back into its type.
    pub fn from_plural(text: &str) -> Option<Self> {
        let upper = text.trim().to_ascii_uppercase();
        let singular = match upper.strip_suffix("IES") {
            Some(stem) => format!("{stem}Y"),
            None => upper.strip_suffix('S')?.to_owned(),
        };
        Some(Self::new(&singular))
    }

    /// The namespace of a name of this type: relations share one, every other type has its own.
    pub fn namespace(&self) -> &str {
        if self.is_relation() { "RELATION" } else { &self.0 }
    }

    /// Whether this is a table or view of some kind.
    pub fn is_relation(&self) -> bool {
        RELATIONS.binary_search(&self.as_str()).is_ok()
    }

    /// Whether objects of this type live in the account itself, outside databases.
    pub fn is_account_level(&self) -> bool {
        ACCOUNT_LEVEL.binary_search(&self.as_str()).is_ok()
    }

    /// Whether this type names a role as a securable; USAGE on it is a membership, not a privilege.
    pub fn is_role(&self) -> bool {
        matches!(self.as_str(), "ROLE" | "DATABASE_ROLE" | "APPLICATION_ROLE" | "INSTANCE_ROLE")
    }

    /// Whether objects of this type are told apart by their argument types.
    pub fn has_signature(&self) -> bool {
        matches!(self.as_str(), "FUNCTION" | "PROCEDURE" | "DATA_METRIC_FUNCTION")
    }
}

impl fmt::Display for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The argument types of a function or procedure: `NUMBER, VARCHAR`, upper case, no names, no return type.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Signature(Arc<str>);

impl Signature {
    /// Normalises a list of argument types: upper case, one space after each comma, no space elsewhere around.
    pub fn new(types: &str) -> Self {
        let mut parts: Vec<String> = Vec::new();
        let (mut depth, mut part) = (0_i32, String::new());
        for c in types.chars() {
            match c {
                '(' => depth += 1,
                ')' => depth -= 1,
                ',' if depth <= 0 => {
                    parts.push(std::mem::take(&mut part));
                    continue;
                }
                _ => {}
            }
            part.push(c);
        }
        parts.push(part);
        let clean = |p: &String| p.split_whitespace().collect::<Vec<_>>().join(" ").to_ascii_uppercase();
        let joined = parts.iter().map(clean).collect::<Vec<_>>().join(", ");
        Self(joined.into())
    }

    /// The types as text, without parentheses; empty for no arguments.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A securable by its full name. Two values are equal when they name the same thing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectRef {
    /// Database part; `None` for account-level objects.
    pub database: Option<Ident>,
    /// Schema part; `None` above schema level.
    pub schema: Option<Ident>,
    /// Kind of the securable.
    pub object_type: ObjectType,
    /// Last part of the name.
    pub name: Ident,
    /// Argument types, for functions and procedures only.
    pub signature: Option<Signature>,
}

impl ObjectRef {
    /// The account itself: where `CREATE ROLE` or `MANAGE GRANTS` are granted.
    pub fn account() -> Self {
        Self::top(ObjectType::ACCOUNT, Ident::known("ACCOUNT"))
    }

    /// An account-level object.
    pub fn top(object_type: ObjectType, name: Ident) -> Self {
        Self { database: None, schema: None, object_type, name, signature: None }
    }

    /// A database.
    pub fn database(name: Ident) -> Self {
        Self::top(ObjectType::DATABASE, name)
    }

    /// A schema, or another object that lives directly in a database.
    pub fn in_database(object_type: ObjectType, database: Ident, name: Ident) -> Self {
        Self { database: Some(database), schema: None, object_type, name, signature: None }
    }

    /// An object in a schema.
    pub fn in_schema(object_type: ObjectType, database: Ident, schema: Ident, name: Ident) -> Self {
        Self { database: Some(database), schema: Some(schema), object_type, name, signature: None }
    }

    /// The same object with argument types.
    pub fn with_signature(mut self, types: &str) -> Self {
        self.signature = Some(Signature::new(types));
        self
    }

    /// The database that this is, or that it lies in.
    pub fn own_database(&self) -> Option<&Ident> {
        if self.object_type == ObjectType::DATABASE { Some(&self.name) } else { self.database.as_ref() }
    }

    /// The parts of the name, outermost first.
    pub fn parts(&self) -> impl Iterator<Item = &Ident> {
        self.database.iter().chain(self.schema.iter()).chain(std::iter::once(&self.name))
    }

    /// The full name as SQL text, every part quoted: `"DB"."S"."F"(NUMBER)`.
    pub fn quoted(&self) -> String {
        self.join(|i| i.quoted().to_string())
    }

    /// The full name for people, quoted only where needed: `DB.S.F(NUMBER)`. The account is `ACCOUNT`, as in
    /// `GRANT ... ON ACCOUNT`.
    pub fn shown(&self) -> String {
        if self.object_type == ObjectType::ACCOUNT {
            return self.name.as_str().to_owned();
        }
        self.join(|i| i.shown().to_string())
    }

    fn join(&self, part: impl Fn(&Ident) -> String) -> String {
        let mut text = self.parts().map(part).collect::<Vec<_>>().join(".");
        if let Some(signature) = &self.signature {
            text.push('(');
            text.push_str(signature.as_str());
            text.push(')');
        }
        text
    }
}

impl fmt::Debug for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.object_type, self.quoted())
    }
}

/// What a future or inherited grant ranges over.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Container {
    /// The whole account (inherited grants only).
    Account,
    /// One database.
    Database(Ident),
    /// One schema.
    Schema(Ident, Ident),
}

impl Container {
    /// Database part of the container.
    pub fn database(&self) -> Option<&Ident> {
        match self {
            Self::Account => None,
            Self::Database(d) | Self::Schema(d, _) => Some(d),
        }
    }

    /// Schema part of the container.
    pub fn schema(&self) -> Option<&Ident> {
        match self {
            Self::Schema(_, s) => Some(s),
            _ => None,
        }
    }

    /// Whether `object` lies in this container.
    pub fn contains(&self, object: &ObjectRef) -> bool {
        match self {
            Self::Account => true,
            Self::Database(d) => object.database.as_ref() == Some(d),
            Self::Schema(d, s) => object.database.as_ref() == Some(d) && object.schema.as_ref() == Some(s),
        }
    }
}

/// Reads a dotted, possibly quoted name into its parts: `DB."my.schema".T` has three.
///
/// Unquoted parts are taken as stored, not folded: this reads names that the platform printed, not SQL that a
/// person typed. A quote inside a part must be doubled.
pub fn qualified(text: &str) -> Result<Vec<Ident>, IdentError> {
    let mut parts = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        let mut part = String::new();
        if chars.peek() == Some(&'"') {
            chars.next();
            while let Some(c) = chars.next() {
                if c == '"' {
                    if chars.peek() == Some(&'"') {
                        chars.next();
                    } else {
                        break;
                    }
                }
                part.push(c);
            }
        }
        for c in chars.by_ref() {
            if c == '.' {
                parts.push(Ident::new(&part)?);
                part.clear();
                part.push('.');
                break;
            }
            part.push(c);
        }
        // A lone dot left in `part` says that another part follows.
        if part == "." && parts.last().is_some() {
            if chars.peek().is_none() {
                return Err(IdentError::Empty);
            }
            continue;
        }
        parts.push(Ident::new(&part)?);
        return Ok(parts);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(s: &str) -> Ident {
        Ident::new(s).unwrap()
    }

    #[test]
    fn type_names_have_one_spelling() {
        for (text, want) in [
            ("external table", "EXTERNAL_TABLE"),
            ("VOLUME", "EXTERNAL_VOLUME"),
            ("CORTEX_AGENT", "AGENT"),
            ("MODULE", "MODEL"),
        ] {
            assert_eq!(ObjectType::new(text).as_str(), want);
        }
        assert_eq!(ObjectType::new("MASKING POLICY").plural_sql(), "MASKING POLICIES");
        assert_eq!(ObjectType::from_plural("git repositories").unwrap().as_str(), "GIT_REPOSITORY");
        assert_eq!(ObjectType::from_plural("EXTERNAL TABLES").unwrap().as_str(), "EXTERNAL_TABLE");
        assert!(RELATIONS.is_sorted() && ACCOUNT_LEVEL.is_sorted());
    }

    #[test]
    fn signatures_are_normalised() {
        assert_eq!(Signature::new("number,  varchar").as_str(), "NUMBER, VARCHAR");
        assert_eq!(Signature::new("TABLE(DATE, int),float").as_str(), "TABLE(DATE, INT), FLOAT");
        assert_eq!(Signature::new("").as_str(), "");
    }

    #[test]
    fn names_print_quoted_and_shown() {
        let f = ObjectRef::in_schema(ObjectType::FUNCTION, id("DB"), id("my.s"), id("F")).with_signature("number");
        assert_eq!(f.quoted(), "\"DB\".\"my.s\".\"F\"(NUMBER)");
        assert_eq!(f.shown(), "DB.\"my.s\".F(NUMBER)");
    }

    #[test]
    fn printed_names_split_outside_quotes() {
        assert_eq!(qualified("DB.\"a.b\".\"c\"\"d\"").unwrap(), [id("DB"), id("a.b"), id("c\"d")]);
        assert_eq!(qualified("G6TM2").unwrap(), [id("G6TM2")]);
        assert_eq!(qualified("\".\".A").unwrap(), [id("."), id("A")]);
        assert_eq!(qualified("A.").unwrap_err(), IdentError::Empty);
        assert_eq!(qualified("").unwrap_err(), IdentError::Empty);
    }
}
