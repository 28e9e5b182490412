//! From a statement to the steps that carry it out: everything is checked here, by Snowflake's rules, and nothing changed.
//!
//! - [`grant`]: GRANT and REVOKE of privileges; [`ownership`], [`membership`], [`container`], [`imported`]
//! - [`create`]: CREATE; [`alter`]: ALTER, DROP and account parameters

mod alter;
mod container;
mod create;
mod grant;
mod imported;
mod membership;
mod ownership;
#[cfg(test)]
mod tests;

use super::refusals::{expand_error, forbidden, missing_object};
use super::roles::{Active, schema_of};
use super::state::State;
use crate::sandbox::protocol::engine::Failure;
use grantd_catalog::account::Account;
use grantd_catalog::model::{Change, Container, Ident, ObjectRef, ObjectType, Principal, PrincipalKind};
use grantd_catalog::sql::{Kind, Names, Statement};

type Planned<T> = Result<T, Failure>;

/// One step of a statement.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A change of the account.
    Change(Change),
    /// An object gets another name.
    Rename { from: ObjectRef, to: ObjectRef },
    /// A user's public key (SPKI DER) is set or taken away; `slot` is 0 or 1.
    Key { user: Principal, slot: usize, key: Option<Vec<u8>> },
    /// A stage has a URL.
    External(ObjectRef),
    /// The account opts in to inherited grants, or out.
    InheritedGrants(bool),
}

/// What a statement does, and what it says when it is done.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) steps: Vec<Step>,
    pub(super) message: String,
}

/// What most statements answer.
const DONE: &str = "Statement executed successfully.";

impl Plan {
    fn done(steps: Vec<Step>) -> Self {
        Self { steps, message: DONE.to_owned() }
    }
}

/// Who runs a statement, on what.
pub(super) struct Planner<'a> {
    pub(super) account: &'a Account,
    pub(super) state: &'a State,
    pub(super) active: Active<'a>,
    pub(super) user: &'a Principal,
    /// The primary role: the owner of what is created.
    pub(super) role: &'a Principal,
    pub(super) names: &'a Names,
}

impl Planner<'_> {
    /// The plan of a statement that changes access control. `text` is the statement as it was written.
    pub(super) fn plan(&self, statement: &Statement, text: &str) -> Planned<Plan> {
        match &statement.kind {
            Kind::Create(create) => self.create(statement, create),
            Kind::Alter { object, if_exists, action } => self.alter(statement, object, *if_exists, action),
            Kind::Drop { object, .. } => self.drop(statement, object),
            Kind::Undrop(_) => Err(Failure::unsupported("UNDROP")),
            Kind::Other(_) => self.alter_account(text),
            _ => self.grant_or_revoke(statement),
        }
    }

    fn expand(&self, statement: &Statement) -> Planned<Vec<Change>> {
        statement.expand(self.account, self.names).map_err(|e| expand_error(&e))
    }

    /// An object that the session may not know of is not there for it.
    fn need_seen(&self, object: &ObjectRef) -> Planned<()> {
        if self.active.sees(object) { Ok(()) } else { Err(missing_object(object)) }
    }

    /// A database role holds privileges in its own database only.
    fn need_same_database(&self, grantee: &Principal, database: Option<&Ident>) -> Planned<()> {
        if grantee.kind == PrincipalKind::DatabaseRole && grantee.scope.first() != database {
            return Err(forbidden(format!(
                "Database role {} can hold privileges in its own database only.",
                grantee.shown()
            )));
        }
        Ok(())
    }

    fn need_inherited_grants(&self, what: &str) -> Planned<()> {
        if self.state.inherited_grants {
            return Ok(());
        }
        let name = super::state::INHERITED_GRANTS;
        Err(Failure::unsupported(&format!("{what} (ALTER ACCOUNT SET {name} = 'ENABLED' opts in)")))
    }

    /// The schema an object lies in, where that has managed access.
    fn managed_schema(&self, object: &ObjectRef) -> Option<ObjectRef> {
        schema_of(object).filter(|schema| self.is_managed(schema))
    }

    fn is_managed(&self, schema: &ObjectRef) -> bool {
        self.active.is_managed(schema)
    }
}

/// A container as a securable.
fn place(container: &Container) -> ObjectRef {
    match container {
        Container::Account => ObjectRef::account(),
        Container::Database(d) => ObjectRef::database(d.clone()),
        Container::Schema(d, s) => ObjectRef::in_database(ObjectType::SCHEMA, d.clone(), s.clone()),
    }
}
