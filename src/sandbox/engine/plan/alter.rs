//! ALTER and DROP: who may, and what of them access control does not depend on.

use super::create::flag;
use super::{Plan, Planned, Planner, Step};
use crate::sandbox::engine::refusals::{denied, exists, expand_error, invalid};
use crate::sandbox::engine::roles::account_admin;
use crate::sandbox::engine::state::INHERITED_GRANTS;
use crate::sandbox::protocol::engine::Failure;
use grantd_catalog::model::{Change, ObjectRef, ObjectType, Principal, Property};
use grantd_catalog::sql::ast::{AlterAction, Name, Named};
use grantd_catalog::sql::{Problem, Scope, Statement};

impl Planner<'_> {
    fn scope(&self) -> Scope<'_> {
        Scope { account: self.account, names: self.names }
    }

    pub(super) fn alter(
        &self,
        statement: &Statement,
        named: &Named,
        if_exists: bool,
        action: &AlterAction,
    ) -> Planned<Plan> {
        let object = match self.scope().object(named) {
            Ok(object) => object,
            Err(error) if if_exists && matches!(error.problem, Problem::Unknown { .. }) => {
                return Ok(Plan::done(Vec::new()));
            }
            Err(error) => return Err(expand_error(&error)),
        };
        self.need_seen(&object)?;
        if !self.may_alter(&object, action) {
            return Err(denied(&object));
        }
        match action {
            AlterAction::Rename(name) => return self.rename(&object, name),
            AlterAction::Swap(_) => return Err(Failure::unsupported("SWAP WITH")),
            _ => {}
        }
        let changes = match statement.expand(self.account, self.names) {
            Ok(changes) => changes,
            // Access control does not depend on it: a size, a column, RESUME.
            Err(error) if matches!(error.problem, Problem::NotAChange(_)) => Vec::new(),
            Err(error) => return Err(expand_error(&error)),
        };
        let mut steps: Vec<Step> = changes.into_iter().map(Step::Change).collect();
        if object.object_type == ObjectType::USER {
            let user = Principal::user(object.name.clone());
            match action {
                AlterAction::Set(settings) => self.secrets(&user, settings, &mut steps)?,
                AlterAction::Unset(names) => {
                    let names: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
                    self.unset_secrets(&user, &names, &mut steps);
                }
                _ => {}
            }
        }
        Ok(Plan::done(steps))
    }

    fn unset_secrets(&self, user: &Principal, names: &[&str], steps: &mut Vec<Step>) {
        if names.contains(&"PASSWORD") {
            steps.push(flag(user, Property::HasPassword, false));
        }
        let mut keys = self.state.keys.get(user).cloned().unwrap_or_default();
        let slots: Vec<usize> = ["RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"]
            .iter()
            .enumerate()
            .filter(|(_, name)| names.contains(name))
            .map(|(slot, _)| slot)
            .collect();
        for slot in &slots {
            keys.iter_mut().skip(*slot).take(1).for_each(|key| *key = None);
            steps.push(Step::Key { user: user.clone(), slot: *slot, key: None });
        }
        if !slots.is_empty() {
            steps.push(flag(user, Property::HasRsaPublicKey, keys.iter().any(Option::is_some)));
        }
    }

    fn may_alter(&self, object: &ObjectRef, action: &AlterAction) -> bool {
        if self.active.owns(object) {
            return true;
        }
        let holds = |privilege: &str| self.active.has(&self.active.all, privilege, object);
        match (object.object_type.as_str(), action) {
            // Users choose their own defaults.
            ("USER", AlterAction::Set(settings)) if self.user.as_object() == *object => settings.iter().all(|s| {
                matches!(
                    s.name.as_str(),
                    "DEFAULT_ROLE" | "DEFAULT_WAREHOUSE" | "DEFAULT_NAMESPACE" | "DEFAULT_SECONDARY_ROLES"
                )
            }),
            (_, AlterAction::Rename(_) | AlterAction::ManagedAccess(_)) => false,
            ("WAREHOUSE", AlterAction::Other(word)) if matches!(word.as_str(), "RESUME" | "SUSPEND" | "ABORT") => {
                holds("OPERATE")
            }
            ("TASK" | "PIPE" | "DYNAMIC_TABLE" | "ALERT" | "CORTEX_SEARCH_SERVICE", AlterAction::Other(_)) => {
                holds("OPERATE")
            }
            _ => holds("MODIFY"),
        }
    }

    /// An object keeps its grants under its new name; future grants of where it comes to do not apply to it.
    fn rename(&self, object: &ObjectRef, name: &Name) -> Planned<Plan> {
        let object_type = object.object_type.clone();
        if Principal::from_object(object).is_some() {
            let what = format!("ALTER {} ... RENAME: grants name who made them", object_type.sql());
            return Err(Failure::unsupported(&what));
        }
        let named = Named { object_type, name: name.clone(), signature: object.signature.clone() };
        let to = self.scope().full(&named).map_err(|e| expand_error(&e))?;
        if object.object_type == ObjectType::DATABASE
            && self.account.principals().any(|(p, _)| p.scope.first() == Some(&object.name))
        {
            let what = "RENAME of a database that has database roles: grants name who made them";
            return Err(Failure::unsupported(what));
        }
        self.need_containers(&to)?;
        let containers = [to.database.clone().map(ObjectRef::database), super::schema_of(&to)];
        if let Some(unknown) = containers.iter().flatten().find(|c| self.account.object(c).is_none()) {
            return Err(super::missing_object(unknown));
        }
        if self.account.object(&to).is_some() {
            return Err(exists(&to.shown()));
        }
        Ok(Plan::done(vec![Step::Rename { from: object.clone(), to }]))
    }

    pub(super) fn drop(&self, statement: &Statement, named: &Named) -> Planned<Plan> {
        let changes = self.expand(statement)?;
        let name = named.name.shown();
        if changes.is_empty() {
            let message = format!("Drop statement executed successfully ({name} already dropped).");
            return Ok(Plan { steps: Vec::new(), message });
        }
        let mut steps = Vec::new();
        for change in changes {
            match change {
                Change::DropPrincipal { principal } => {
                    let object = principal.as_object();
                    self.need_seen(&object)?;
                    if !self.active.owns(&object) {
                        return Err(denied(&object));
                    }
                    self.drop_principal(&principal, &mut steps)?;
                }
                Change::DropObject { object } => {
                    self.need_seen(&object)?;
                    if !self.active.owns_with_containers(&object) {
                        return Err(denied(&object));
                    }
                    steps.push(Step::Change(Change::DropObject { object }));
                }
                other => return Err(Failure::internal(format!("a DROP became {}", other.kind()))),
            }
        }
        Ok(Plan { steps, message: format!("{name} successfully dropped.") })
    }

    /// `ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'ENABLED'`, by ACCOUNTADMIN; nothing else of an account.
    pub(super) fn alter_account(&self, text: &str) -> Planned<Plan> {
        if !self.active.all.contains(&account_admin()) {
            return Err(denied(&ObjectRef::account()));
        }
        let words: Vec<String> = text
            .split(|c: char| c.is_whitespace() || c == '=')
            .filter(|w| !w.is_empty())
            .map(|w| w.trim_matches('\'').to_ascii_uppercase())
            .collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["ALTER", "ACCOUNT", "SET", INHERITED_GRANTS, value @ ("ENABLED" | "DISABLED")] => {
                Ok(Plan::done(vec![Step::InheritedGrants(*value == "ENABLED")]))
            }
            ["ALTER", "ACCOUNT", "SET", INHERITED_GRANTS, ..] => {
                Err(invalid(format!("{INHERITED_GRANTS} is 'ENABLED' or 'DISABLED'.")))
            }
            ["ALTER", "ACCOUNT", "UNSET", INHERITED_GRANTS] => Ok(Plan::done(vec![Step::InheritedGrants(false)])),
            _ => Err(Failure::unsupported(&format!("ALTER ACCOUNT but for {INHERITED_GRANTS}"))),
        }
    }
}
