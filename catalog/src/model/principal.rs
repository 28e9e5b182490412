//! Principals: users, every kind of role, and the other grantees.

use super::{Ident, ObjectRef, ObjectType};
use std::fmt;

/// Kind of a principal. The order is the order of the snapshot's principals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PrincipalKind {
    /// An account role.
    Role,
    /// A database role: `scope` is its database.
    DatabaseRole,
    /// An application role: `scope` is its application.
    ApplicationRole,
    /// A class instance role: `scope` is the instance's database, schema and name.
    InstanceRole,
    /// An application, as a grantee.
    Application,
    /// A share, as a grantee.
    Share,
    /// A user.
    User,
}

impl PrincipalKind {
    /// Every kind, in order.
    pub const ALL: [Self; 7] = [
        Self::Role,
        Self::DatabaseRole,
        Self::ApplicationRole,
        Self::InstanceRole,
        Self::Application,
        Self::Share,
        Self::User,
    ];

    /// The platform's word, with underscores: `DATABASE_ROLE`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Role => "ROLE",
            Self::DatabaseRole => "DATABASE_ROLE",
            Self::ApplicationRole => "APPLICATION_ROLE",
            Self::InstanceRole => "INSTANCE_ROLE",
            Self::Application => "APPLICATION",
            Self::Share => "SHARE",
            Self::User => "USER",
        }
    }

    /// Reads the word in any of its spellings (`ACCOUNT ROLE`, `ROLE`, `DATABASE_ROLE`, `DATABASE ROLE`).
    pub fn parse(text: &str) -> Option<Self> {
        let name = ObjectType::new(text);
        match name.as_str() {
            "ACCOUNT_ROLE" => Some(Self::Role),
            other => Self::ALL.into_iter().find(|k| k.as_str() == other),
        }
    }

    /// Whether principals of this kind can be members of others and hold members: the roles.
    pub fn is_role(self) -> bool {
        matches!(self, Self::Role | Self::DatabaseRole | Self::ApplicationRole | Self::InstanceRole)
    }

    /// The securable type of a principal of this kind.
    pub fn object_type(self) -> ObjectType {
        ObjectType::new(self.as_str())
    }
}

/// A user, role or other grantee by its full name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Principal {
    /// What it is.
    pub kind: PrincipalKind,
    /// The parts before the name: none for account roles and users, the database for a database role.
    pub scope: Vec<Ident>,
    /// Last part of the name.
    pub name: Ident,
}

impl Principal {
    /// An account role.
    pub fn role(name: Ident) -> Self {
        Self { kind: PrincipalKind::Role, scope: Vec::new(), name }
    }

    /// A user.
    pub fn user(name: Ident) -> Self {
        Self { kind: PrincipalKind::User, scope: Vec::new(), name }
    }

    /// A database role.
    pub fn database_role(database: Ident, name: Ident) -> Self {
        Self { kind: PrincipalKind::DatabaseRole, scope: vec![database], name }
    }

    /// An application role.
    pub fn application_role(application: Ident, name: Ident) -> Self {
        Self { kind: PrincipalKind::ApplicationRole, scope: vec![application], name }
    }

    /// An application or share.
    pub fn other(kind: PrincipalKind, name: Ident) -> Self {
        Self { kind, scope: Vec::new(), name }
    }

    /// The role that every user and role has without being granted it.
    pub fn public() -> Self {
        Self::role(Ident::known("PUBLIC"))
    }

    /// The full name for people, quoted only where needed: `DB.READER`.
    ///
    /// A user or account role is its stored name, never quoted: `user_name = 'my "odd" Role'` must match.
    pub fn shown(&self) -> String {
        if self.scope.is_empty() {
            return self.name.as_str().to_owned();
        }
        let mut text = self.scope.iter().map(|i| i.shown().to_string()).collect::<Vec<_>>().join(".");
        text.push(if self.kind == PrincipalKind::InstanceRole { '!' } else { '.' });
        text.push_str(&self.name.shown().to_string());
        text
    }

    /// The full name as SQL text, every part quoted.
    pub fn quoted(&self) -> String {
        let parts = self.scope.iter().chain(std::iter::once(&self.name));
        parts.map(|i| i.quoted().to_string()).collect::<Vec<_>>().join(".")
    }

    /// This principal as the grantee of a statement: `ROLE "ANALYST"`.
    pub fn grantee_sql(&self) -> String {
        format!("{} {}", self.kind.object_type().sql(), self.quoted())
    }

    /// This principal as a securable.
    pub fn as_object(&self) -> ObjectRef {
        let mut scope = self.scope.iter().cloned();
        ObjectRef {
            object_type: self.kind.object_type(),
            database: scope.next(),
            schema: scope.next(),
            name: self.name.clone(),
            signature: None,
        }
    }

    /// The principal that a securable of a principal's type names.
    pub fn from_object(object: &ObjectRef) -> Option<Self> {
        let kind = PrincipalKind::ALL.into_iter().find(|k| k.as_str() == object.object_type.as_str())?;
        let scope = object.database.iter().chain(object.schema.iter()).cloned().collect();
        Some(Self { kind, scope, name: object.name.clone() })
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.grantee_sql())
    }
}
