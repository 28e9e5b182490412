//! What this database adds to PostgreSQL's own catalog: the published relations, the table functions, the roles; and the lookups
//! that functions and relations share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::catalog::SchemaProvider;
use datafusion::error::{DataFusionError, Result};
use futures::FutureExt as _;

use super::types;
use super::{FunctionDoc, Identity, Settings};
use super::{facts, indexes};

/// Schema metadata key: a relation's comment. Field metadata key: a column's comment.
pub const COMMENT_KEY: &str = "comment";
/// Schema metadata key: the SQL a view is defined by.
pub const DEFINITION_KEY: &str = "definition";
/// The name of the role that owns everything.
pub const OWNER_NAME: &str = "grantd";

/// A column of a published relation.
#[derive(Debug, Clone)]
pub struct Column {
    /// The column's name.
    pub name: String,
    /// Its type, as `pg_type.typname`.
    pub pg_type: String,
    /// Its comment.
    pub comment: Option<String>,
}

/// A published relation: a view, as clients see it.
#[derive(Debug, Clone)]
pub struct Relation {
    /// Stable across connections and restarts: derived from the name.
    pub oid: i32,
    /// The oid of the type of its rows.
    pub row_type: i32,
    /// The oid of the type of arrays of its rows.
    pub array_type: i32,
    /// The oid of the rule that makes it a view.
    pub rule: i32,
    /// The relation's name in schema `public`.
    pub name: String,
    /// Its comment.
    pub comment: Option<String>,
    /// The SQL that defines it, when it has one.
    pub definition: Option<String>,
    /// Its columns in order.
    pub columns: Vec<Column>,
}

impl Relation {
    /// The view's text as `pg_get_viewdef` prints it. A relation that is computed rather than defined by SQL reads as the list of
    /// its columns, so that tools which show or copy the text have a statement that runs.
    pub fn view_definition(&self) -> String {
        if let Some(definition) = &self.definition {
            let definition = definition.trim().trim_end_matches(';');
            return format!(" {definition};");
        }
        let columns: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        listed(&self.name, &quote_ident(&self.name), &columns)
    }
}

/// A query of a relation's columns by name, as PostgreSQL prints it. `from` is the relation as SQL names it.
pub(super) fn listed(relation: &str, from: &str, columns: &[&str]) -> String {
    let columns: Vec<String> =
        columns.iter().map(|column| format!("{}.{}", quote_ident(relation), quote_ident(column))).collect();
    format!(" SELECT {}\n   FROM {from};", columns.join(",\n    "))
}

/// A published table function.
#[derive(Debug, Clone)]
pub struct TableFunction {
    /// Stable across connections and restarts: derived from the name and argument types.
    pub oid: i32,
    /// What it declares.
    pub doc: FunctionDoc,
}

/// A role.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its oid.
    pub oid: i32,
    /// Its name.
    pub name: String,
    /// Whether it may log in.
    pub can_login: bool,
}

/// The catalog of one connection.
#[derive(Debug)]
pub struct Catalog {
    /// Who is connected to what.
    pub identity: Identity,
    /// The published relations, by name.
    pub relations: BTreeMap<String, Relation>,
    /// The published table functions, by name and then in the order they were given.
    pub functions: Vec<TableFunction>,
    /// The roles.
    pub roles: Vec<Role>,
    /// When the connection began, in microseconds since 1970-01-01 UTC.
    pub started: i64,
}

impl Catalog {
    /// Reads the relations of `schema`.
    ///
    /// # Errors
    /// When a relation of the schema is not there at once (a remote provider), or cannot be read.
    pub fn read(schema: &dyn SchemaProvider, identity: &Identity, functions: &[FunctionDoc]) -> Result<Self> {
        let mut oids = Oids::default();
        let mut names = schema.table_names();
        names.sort();
        let mut relations = BTreeMap::new();
        for name in names {
            let provider = schema.table(&name).now_or_never().ok_or_else(|| {
                DataFusionError::Configuration(format!(
                    "relation {name} is not available at once, so it cannot be described"
                ))
            })??;
            let Some(provider) = provider else { continue };
            let schema = provider.schema();
            let columns = schema
                .fields()
                .iter()
                .map(|field| Column {
                    name: field.name().clone(),
                    pg_type: types::name_of(field),
                    comment: field.metadata().get(COMMENT_KEY).cloned(),
                })
                .collect();
            let relation = Relation {
                oid: oids.assign(&format!("relation {name}")),
                row_type: 0,
                array_type: 0,
                rule: 0,
                comment: schema.metadata().get(COMMENT_KEY).cloned(),
                definition: schema.metadata().get(DEFINITION_KEY).cloned(),
                name: name.clone(),
                columns,
            };
            relations.insert(name, relation);
        }
        let mut docs: Vec<FunctionDoc> = functions.to_vec();
        docs.sort_by(|a, b| a.name.cmp(&b.name));
        let functions = docs
            .into_iter()
            .map(|doc| {
                let types: Vec<&str> = doc.arguments.iter().map(|(_, pg_type)| pg_type.as_str()).collect();
                TableFunction { oid: oids.assign(&format!("function {}({})", doc.name, types.join(","))), doc }
            })
            .collect();
        // After everything else, so that these take no oid away.
        for relation in relations.values_mut() {
            relation.row_type = oids.assign(&format!("type {}", relation.name));
            relation.array_type = oids.assign(&format!("type _{}", relation.name));
        }
        for relation in relations.values_mut() {
            relation.rule = oids.assign(&format!("rule of {}", relation.name));
        }
        let mut roles =
            vec![Role { oid: facts::OWNER, name: OWNER_NAME.to_owned(), can_login: identity.user == OWNER_NAME }];
        if identity.user != OWNER_NAME {
            roles.push(Role {
                oid: oids.assign(&format!("role {}", identity.user)),
                name: identity.user.clone(),
                can_login: true,
            });
        }
        let started = chrono::Utc::now().timestamp_micros();
        Ok(Self { identity: identity.clone(), relations, functions, roles, started })
    }

    /// The session's settings.
    pub fn settings(&self) -> &Arc<dyn Settings> {
        &self.identity.settings
    }

    /// The connected role's oid.
    pub fn user_oid(&self) -> i32 {
        self.roles.iter().find(|role| role.name == self.identity.user).map_or(facts::OWNER, |role| role.oid)
    }

    /// A published relation by oid.
    pub fn relation_by_oid(&self, oid: i32) -> Option<&Relation> {
        self.relations.values().find(|relation| relation.oid == oid)
    }

    /// A published relation by the oid of its type of rows, or of arrays of them.
    pub fn relation_of_type(&self, oid: i32) -> Option<(&Relation, bool)> {
        let of = |relation: &&Relation| relation.row_type == oid || relation.array_type == oid;
        self.relations.values().find(of).map(|relation| (relation, relation.array_type == oid))
    }

    /// A published relation by the oid of its rule.
    pub fn relation_by_rule(&self, oid: i32) -> Option<&Relation> {
        self.relations.values().find(|relation| relation.rule == oid)
    }

    /// A published table function by oid.
    pub fn function_by_oid(&self, oid: i32) -> Option<&TableFunction> {
        self.functions.iter().find(|function| function.oid == oid)
    }

    /// The name of a role by oid.
    pub fn role_name(&self, oid: i32) -> Option<&str> {
        self.roles.iter().find(|role| role.oid == oid).map(|role| role.name.as_str())
    }

    /// Schema and name of any relation, published or built in, or of an index.
    pub fn class_name(&self, oid: i32) -> Option<(&str, &str)> {
        if let Some(relation) = self.relation_by_oid(oid) {
            return Some(("public", &relation.name));
        }
        facts::relation_by_oid(oid)
            .map(|relation| (relation.schema, relation.name))
            .or_else(|| indexes::by_oid(oid).map(|index| ("pg_catalog", index.name)))
    }

    /// The oid of a relation as SQL names it: `name`, `schema.name`, quoted or not. An unqualified name is looked for as PostgreSQL's
    /// default search path does, `pg_catalog` before public.
    pub fn class_oid(&self, text: &str) -> Option<i32> {
        let parts = split_identifier(text)?;
        let mut parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if parts.len() == 3 && parts.first() == Some(&self.identity.database.as_str()) {
            parts.remove(0);
        }
        match parts.as_slice() {
            [name] => built_in("pg_catalog", name).or_else(|| self.relations.get(*name).map(|relation| relation.oid)),
            ["public", name] => self.relations.get(*name).map(|relation| relation.oid),
            [schema, name] => built_in(schema, name),
            _ => None,
        }
    }

    /// The oid of a namespace by name.
    pub fn namespace_oid(&self, name: &str) -> Option<i32> {
        namespaces().into_iter().find(|(_, known)| *known == name).map(|(oid, _)| oid)
    }
}

/// The oid of a built-in relation or index.
fn built_in(schema: &str, name: &str) -> Option<i32> {
    let index = || indexes::by_name(name).filter(|_| schema == "pg_catalog").map(|index| index.oid);
    facts::relation(schema, name).map(|relation| relation.oid).or_else(index)
}

/// Every namespace: oid and name.
pub fn namespaces() -> [(i32, &'static str); 4] {
    [
        (facts::PG_CATALOG, "pg_catalog"),
        (facts::PG_TOAST, "pg_toast"),
        (facts::PUBLIC, "public"),
        (facts::INFORMATION_SCHEMA, "information_schema"),
    ]
}

/// The oid of a built-in relation's namespace.
pub fn system_namespace(schema: &str) -> i32 {
    if schema == "pg_catalog" { facts::PG_CATALOG } else { facts::INFORMATION_SCHEMA }
}

/// Gives out oids that depend on the name alone. Names that hash alike take the next free number, in the order they are assigned,
/// which is the order of their names.
#[derive(Debug, Default)]
struct Oids {
    taken: BTreeSet<i32>,
}

impl Oids {
    /// First oid given out. PostgreSQL gives user objects oids from 16384.
    const FIRST: u32 = 16_385;
    /// Oids stay below 2^30 + FIRST, so that they are positive as `Int32`.
    const RANGE: u32 = 1 << 30;

    fn assign(&mut self, name: &str) -> i32 {
        // 32-bit FNV-1a: fixed for all time, unlike the hashers of the standard library.
        let mut hash: u32 = 0x811c_9dc5;
        for byte in name.bytes() {
            hash = (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193);
        }
        let mut offset = hash % Self::RANGE;
        loop {
            let oid = i32::try_from(Self::FIRST.saturating_add(offset)).unwrap_or(i32::MAX);
            if self.taken.insert(oid) {
                return oid;
            }
            offset = offset.wrapping_add(1) % Self::RANGE;
        }
    }
}

/// `quote_ident`: quotes an identifier where PostgreSQL would, reserved words included.
pub fn quote_ident(name: &str) -> String {
    let mut characters = name.chars();
    let plain = characters.next().is_some_and(|first| first.is_ascii_lowercase() || first == '_')
        && characters.all(|rest| rest.is_ascii_lowercase() || rest.is_ascii_digit() || rest == '_' || rest == '$');
    // PostgreSQL leaves `$` unquoted only where the scanner takes it, which it does not at quoting time.
    if plain && !name.contains('$') && !is_reserved(name) {
        name.to_owned()
    } else {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

/// True for every keyword PostgreSQL quotes: all but the unreserved ones.
fn is_reserved(word: &str) -> bool {
    static RESERVED: std::sync::LazyLock<BTreeSet<&str>> = std::sync::LazyLock::new(|| {
        let Some(table) = facts::table("pg_keywords") else { return BTreeSet::new() };
        table
            .rows
            .iter()
            .filter_map(|row| match (row.first(), row.get(1)) {
                (Some(Some(word)), Some(Some(category))) if category != "U" => Some(&**word),
                _ => None,
            })
            .collect()
    });
    RESERVED.contains(word)
}

/// Splits `a."B c".d` into its names: unquoted ones folded to lower case. `None` when it is not a qualified name.
pub fn split_identifier(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut characters = text.trim().chars().peekable();
    loop {
        let mut part = String::new();
        if characters.peek() == Some(&'"') {
            characters.next();
            loop {
                match characters.next()? {
                    '"' if characters.peek() == Some(&'"') => {
                        characters.next();
                        part.push('"');
                    }
                    '"' => break,
                    other => part.push(other),
                }
            }
        } else {
            while let Some(character) = characters.next_if(|next| *next != '.' && *next != '"' && !next.is_whitespace())
            {
                part.extend(character.to_lowercase());
            }
            if part.is_empty() {
                return None;
            }
        }
        parts.push(part);
        match characters.next() {
            None => return Some(parts),
            Some('.') => {}
            Some(_) => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oids_depend_on_the_name_alone() {
        let (mut first, mut second) = (Oids::default(), Oids::default());
        let a = first.assign("relation grants");
        first.assign("relation users");
        second.assign("relation other");
        assert_eq!(a, second.assign("relation grants"));
        assert_ne!(a, second.assign("relation grants"), "a taken oid is never given twice");
        assert!(a > 16_384);
    }

    #[test]
    fn identifiers_are_quoted_as_postgresql_quotes_them() {
        for (name, quoted) in [
            ("abc", "abc"),
            ("Abc", "\"Abc\""),
            ("user", "\"user\""),
            ("a\"b", "\"a\"\"b\""),
            ("name", "name"),
            ("", "\"\""),
        ] {
            assert_eq!(quote_ident(name), quoted);
        }
        assert_eq!(split_identifier("Public.\"A.b\""), Some(vec!["public".to_owned(), "A.b".to_owned()]));
        assert_eq!(split_identifier("a..b"), None);
    }
}
