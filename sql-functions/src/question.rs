//! [`Question`]: a user, a privilege and an object, as `explain_access` and `minimal_revoke` take them.

use crate::{Argument, required, unknown, unknown_object, value};
use datafusion::error::Result;
use grantd_catalog::model::Privilege;
use grantd_catalog::tables::AccountView;
use std::sync::Arc;

/// What is asked about.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) user: String,
    pub(crate) privilege: Privilege,
    pub(crate) object: String,
}

impl Question {
    /// The arguments of such a function.
    pub(crate) fn arguments() -> Vec<Argument> {
        vec![required("user"), required("privilege"), required("object")]
    }

    /// The question that such arguments ask.
    pub(crate) fn bound(arguments: Vec<Option<String>>) -> Self {
        let mut arguments = arguments.into_iter();
        let user = value(&mut arguments);
        let privilege = Privilege::new(&value(&mut arguments));
        Self { user, privilege, object: value(&mut arguments) }
    }

    /// Answers for the user (by index) and each object of that name (by index) in every account that has both.
    ///
    /// # Errors
    /// An answer's own; no account knows the user, or the object.
    pub(crate) fn each(
        &self,
        accounts: &[Arc<AccountView>],
        mut answer: impl FnMut(&AccountView, u32, u32) -> Result<()>,
    ) -> Result<()> {
        let (mut known_user, mut known_object) = (false, false);
        for view in accounts {
            let (user, objects) = (view.snapshot.resolve_user(&self.user), view.snapshot.resolve_objects(&self.object));
            known_user |= user.is_some();
            known_object |= !objects.is_empty();
            let Some(user) = user else { continue };
            for object in objects {
                answer(view, user, object)?;
            }
        }
        if !known_user {
            let nearest = accounts.iter().find_map(|v| v.snapshot.nearest_user(&self.user));
            return Err(unknown("user", &self.user, nearest));
        }
        if !known_object {
            return Err(unknown_object(accounts, &self.object));
        }
        Ok(())
    }
}
