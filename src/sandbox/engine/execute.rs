//! GRANT, REVOKE, CREATE, ALTER and DROP: one statement, planned on the account as it is and carried out at once.

use super::plan::{Plan, Planner, Step};
use super::refusals::expand_error;
use super::roles::{Active, ActiveRoles};
use super::session::Session;
use super::state::State;
use crate::sandbox::protocol::engine::{Answer, Failure, StatementKind};
use grantd_catalog::model::{Change, Principal};
use grantd_catalog::sql::Statement;

/// The active roles of a session, and what they were found for.
#[derive(Clone, Debug)]
pub(super) struct Known {
    memberships: u64,
    role: Principal,
    secondary: bool,
    roles: ActiveRoles,
}

impl Known {
    fn fits(&self, session: &Session, state: &State) -> bool {
        self.memberships == state.memberships && self.role == session.role && self.secondary == session.secondary
    }
}

/// Runs a statement in a session: all of its steps, or none. `text` is the statement as it was written.
pub(super) fn run(session: &mut Session, statement: &Statement, text: &str) -> Result<Answer, Failure> {
    let engine = session.engine.clone();
    let mut state = engine.state();
    let mut known = session.known.take().filter(|known| known.fits(session, &state)).unwrap_or_else(|| Known {
        memberships: state.memberships,
        role: session.role.clone(),
        secondary: session.secondary,
        roles: ActiveRoles::new(&state.account, &session.user, &session.role, session.secondary),
    });
    let plan = Planner {
        account: &state.account,
        state: &state,
        active: Active::of(&state.account, &known.roles),
        user: &session.user,
        role: &session.role,
        names: &session.names,
    }
    .plan(statement, text);
    let done = plan.and_then(|plan| {
        state.carry_out(&plan.steps)?;
        Ok(plan)
    });
    let done = match done {
        Ok(plan) => {
            session.known = follow(&mut known, &plan, &state).then_some(known);
            plan
        }
        Err(failure) => {
            session.known = Some(known);
            return Err(failure);
        }
    };
    // CREATE DATABASE and CREATE SCHEMA make what they create current.
    statement.enter(&state.account, &mut session.names).map_err(|e| expand_error(&e))?;
    Ok(Answer::status(StatementKind::Ddl, &done.message))
}

/// Makes the active roles those after a plan was carried out; `false` when they have to be found anew.
fn follow(known: &mut Known, plan: &Plan, state: &State) -> bool {
    if known.memberships == state.memberships {
        return true;
    }
    for step in &plan.steps {
        match step {
            Step::Change(Change::GrantRole { role, to, .. }) => known.roles.grant(&state.account, role, to),
            Step::Change(Change::RevokeRole { .. } | Change::DropPrincipal { .. }) => return false,
            // A role of a dropped database may have been active.
            Step::Change(Change::DropObject { object }) if object.schema.is_none() => return false,
            _ => {}
        }
    }
    known.memberships = state.memberships;
    true
}
