//! Statements as they were written: names not yet completed, bulk forms not yet spread.

use super::error::Position;
use crate::model::{Ident, ObjectType, OutboundGrants, PrincipalKind, Privilege, Signature};
use std::ops::Range;

/// One SQL statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// Its first character.
    pub at: Position,
    /// Its place in the script, in bytes, without the `;`.
    pub bytes: Range<usize>,
    /// What it says.
    pub kind: Kind,
}

/// A name as written: one to three parts, unquoted ones folded to upper case. `DB..T` has `PUBLIC` in the middle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// The parts, outermost first.
    pub parts: Vec<Ident>,
    /// Where it starts.
    pub at: Position,
}

impl Name {
    /// The name for messages: quoted where needed.
    pub fn shown(&self) -> String {
        self.parts.iter().map(|p| p.shown().to_string()).collect::<Vec<_>>().join(".")
    }
}

/// What a statement does.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// `GRANT <privileges> ON ... TO ...`
    GrantPrivileges {
        /// Which.
        privileges: Privileges,
        /// On what.
        target: Target,
        /// To whom.
        to: Grantee,
        /// `WITH GRANT OPTION`.
        grant_option: bool,
        /// Plain, `INHERITED`, `CALLER` or both.
        form: Form,
    },
    /// `REVOKE <privileges> ON ... FROM ...`
    RevokePrivileges {
        /// Which.
        privileges: Privileges,
        /// On what.
        target: Target,
        /// From whom.
        from: Grantee,
        /// `GRANT OPTION FOR`.
        grant_option_for: bool,
        /// `CASCADE`; `RESTRICT` is the default.
        cascade: bool,
        /// Plain, `INHERITED`, `CALLER` or both.
        form: Form,
    },
    /// `GRANT OWNERSHIP ON ... TO ...`
    GrantOwnership {
        /// Of what.
        target: Target,
        /// To which role.
        to: Grantee,
        /// `COPY | REVOKE CURRENT GRANTS`.
        outbound: Option<OutboundGrants>,
    },
    /// `GRANT [DATABASE | APPLICATION | SERVICE | class] ROLE x TO y`
    GrantRole {
        /// The role.
        role: RoleName,
        /// Who receives it.
        to: Grantee,
        /// `WITH GRANT OPTION`.
        grant_option: bool,
    },
    /// `REVOKE ... ROLE x FROM y`
    RevokeRole {
        /// The role.
        role: RoleName,
        /// Who loses it.
        from: Grantee,
    },
    /// `CREATE ...`
    Create(Create),
    /// `ALTER ...` or `COMMENT ON ... IS ...`
    Alter {
        /// What is altered.
        object: Named,
        /// `IF EXISTS`.
        if_exists: bool,
        /// How.
        action: AlterAction,
    },
    /// `DROP ...`
    Drop {
        /// What goes.
        object: Named,
        /// `IF EXISTS`.
        if_exists: bool,
    },
    /// `UNDROP ...`
    Undrop(Named),
    /// `USE ...`
    Use(Use),
    /// A statement that is no change of access control; who executes it reads its text.
    Other(Verb),
}

/// The forms of a privilege grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Form {
    /// `INHERITED`: live on every object of the type in the container.
    pub inherited: bool,
    /// `CALLER`: caps what the grantee's executables may do, gives no access.
    pub caller: bool,
}

/// The privileges of a statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Privileges {
    /// `ALL [PRIVILEGES]`
    All,
    /// A list, in the order written.
    List(Vec<Privilege>),
}

/// What a statement is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// `ON ACCOUNT`
    Account,
    /// `ON <type> <name>`
    Object(Named),
    /// `ON ALL <plural> IN ...`
    All(ObjectType, Within),
    /// `ON FUTURE <plural> IN ...`
    Future(ObjectType, Within),
}

/// A container as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Within {
    /// `IN ACCOUNT`
    Account,
    /// `IN DATABASE d`
    Database(Name),
    /// `IN SCHEMA d.s`
    Schema(Name),
}

/// An object by type and name.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// The type that the statement says.
    pub object_type: ObjectType,
    /// The name.
    pub name: Name,
    /// Argument types, of functions and procedures.
    pub signature: Option<Signature>,
}

/// A grantee as written; without a kind it is a role or else a user.
#[derive(Debug, Clone, PartialEq)]
pub struct Grantee {
    /// The kind that the statement says.
    pub kind: Option<PrincipalKind>,
    /// The name.
    pub name: Name,
}

/// A role that is granted.
#[derive(Debug, Clone, PartialEq)]
pub enum RoleName {
    /// An account, database or application role.
    Role(PrincipalKind, Name),
    /// `<class> ROLE instance!role`: the instance's name and the role.
    Instance(Name, Ident),
    /// `SERVICE ROLE service!role`.
    Service(Name, Ident),
}

/// `CREATE ...`
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a clause that the statement has or has not")]
pub struct Create {
    /// What appears.
    pub object: Named,
    /// `OR REPLACE`
    pub or_replace: bool,
    /// `IF NOT EXISTS`
    pub if_not_exists: bool,
    /// `COPY GRANTS`
    pub copy_grants: bool,
    /// `WITH MANAGED ACCESS`
    pub managed_access: bool,
    /// `FROM SHARE ...`
    pub from_share: bool,
    /// `CLONE x` or `LIKE x`: the word and the name.
    pub copy_of: Option<(String, Name)>,
    /// `NAME = value`, at the top level of the statement.
    pub settings: Vec<Setting>,
    /// The word for a kind of its own, such as `TEMPORARY` or `TRANSIENT`.
    pub modifiers: Vec<String>,
}

/// How something is altered.
#[derive(Debug, Clone, PartialEq)]
pub enum AlterAction {
    /// `RENAME TO`
    Rename(Name),
    /// `SET NAME = value ...`
    Set(Vec<Setting>),
    /// `UNSET NAME, ...`
    Unset(Vec<(String, Position)>),
    /// `ENABLE | DISABLE MANAGED ACCESS`
    ManagedAccess(bool),
    /// `SWAP WITH`
    Swap(Name),
    /// Anything that leaves access control as it is: its first word, such as `RESUME` or `ADD`.
    Other(String),
}

/// `NAME = value`
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// The name, upper case.
    pub name: String,
    /// The value.
    pub value: Value,
    /// Where the name stands.
    pub at: Position,
}

/// A setting's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A string literal.
    Text(String),
    /// A name, folded and shown as `DB.SCHEMA`.
    Name(Name),
    /// A number as written.
    Number(String),
    /// A parenthesised list of simple values.
    List(Vec<String>),
    /// A value that must not be kept: a password.
    Secret,
    /// Something else in parentheses.
    Group,
}

impl Value {
    /// The value as one text: a name as it is stored where it has one part, the list joined by commas.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text.clone()),
            Self::Name(name) => match name.parts.as_slice() {
                [one] => Some(one.as_str().to_owned()),
                _ => Some(name.shown()),
            },
            Self::List(items) => Some(items.join(",")),
            Self::Secret | Self::Group => None,
        }
    }
}

/// `USE ...`
#[derive(Debug, Clone, PartialEq)]
pub enum Use {
    /// `USE ROLE r`
    Role(Name),
    /// `USE SECONDARY ROLES ALL | NONE`
    SecondaryRoles {
        /// `ALL`.
        all: bool,
    },
    /// `USE [DATABASE] d`
    Database(Name),
    /// `USE [SCHEMA] d.s`
    Schema(Name),
    /// `USE WAREHOUSE w`
    Warehouse(Name),
}

/// What a statement that changes no access control starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// `SELECT`, `WITH`, `VALUES`
    Query,
    /// `SHOW`
    Show,
    /// `DESCRIBE`, `DESC`
    Describe,
    /// `EXPLAIN`
    Explain,
    /// `CALL`
    Call,
    /// `ALTER SESSION`, `SET`, `UNSET`
    Session,
    /// `BEGIN`, `COMMIT`, `ROLLBACK`, `START TRANSACTION`
    Transaction,
    /// `ALTER ACCOUNT`
    Account,
    /// `INSERT`
    Insert,
    /// `UPDATE`
    Update,
    /// `DELETE`
    Delete,
    /// `MERGE`
    Merge,
    /// `TRUNCATE`
    Truncate,
    /// `COPY`, `PUT`, `GET`, `LIST`, `LS`, `REMOVE`, `RM`
    Files,
    /// `EXECUTE ...`
    Execute,
}
