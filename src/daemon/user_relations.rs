//! Who may ask, as relations for administrators. Secrets are not in them, nor what they are checked against.

use super::now;
use super::users::Users;
use crate::gateway::SqlError;
use datafusion::error::{DataFusionError, Result};
use grantd_catalog::tables::{BatchSource, ColumnDef, ColumnType, Definition, Relation, ScanRequest, Writer, once};
use std::sync::Arc;

/// The relations of one session; others than administrators see that they are there, and not what is in them.
pub fn relations(users: &Users, administrator: bool) -> Vec<Arc<dyn Relation>> {
    let of = |what| Arc::new(UserRelation { what, users: users.clone(), administrator }) as Arc<dyn Relation>;
    vec![of(What::Users), of(What::Secrets)]
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Users,
    Secrets,
}

#[derive(Debug, Clone)]
struct UserRelation {
    what: What,
    users: Users,
    administrator: bool,
}

fn column(name: &'static str, ty: ColumnType, comment: &'static str) -> ColumnDef {
    ColumnDef { name, ty, comment }
}

impl Relation for UserRelation {
    fn definition(&self) -> Definition {
        use ColumnType::{Bool, Int, Text, Time};
        match self.what {
            What::Users => Definition::new(
                "gateway_users",
                "Users of grantd itself; for administrators",
                vec![
                    column("user_name", Text, "Name that the user connects with"),
                    column("administrator", Bool, "Whether the user may change users and has the reserved places"),
                    column("disabled", Bool, "Whether the user is kept out"),
                    column("tokens", Int, "How many tokens of the user count now"),
                    column("created_at", Time, "When the user was added"),
                    column("last_used_at", Time, "About when a password or token of the user was used last"),
                ],
            ),
            What::Secrets => Definition::new(
                "gateway_secrets",
                "Passwords and tokens of grantd's users, without what is secret about them; for administrators",
                vec![
                    column("secret", Int, "Number; revoke_token and rotate_token take that of a token"),
                    column("user_name", Text, "Whose it is"),
                    column("kind", Text, "password or token"),
                    column("label", Text, "What a token is for"),
                    column("status", Text, "active, expired or revoked"),
                    column("created_at", Time, "When it was made"),
                    column("expires_at", Time, "When it ends; NULL for never"),
                    column("revoked_at", Time, "When it was ended by somebody"),
                    column("last_used_at", Time, "About when it was used last; NULL for never"),
                ],
            ),
        }
    }

    fn open(&self, _request: ScanRequest) -> Box<dyn BatchSource> {
        let this = self.clone();
        once(move |out| {
            if !this.administrator {
                let text = format!("permission denied for table {}", this.definition().name);
                return Err(external(SqlError::new("42501", text).with_hint("Administrators see users.")));
            }
            match this.what {
                What::Users => this.write_users(out),
                What::Secrets => this.write_secrets(out),
            }
        })
    }
}

fn external(error: impl std::error::Error + Send + Sync + 'static) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

impl UserRelation {
    fn write_users(&self, out: &mut Writer) -> Result<()> {
        let secrets = self.users.secrets().map_err(external)?;
        let now = now();
        for (user, counting) in self.users.list().map_err(external)? {
            let used =
                secrets.iter().filter(|secret| secret.user == user.name).filter_map(|secret| secret.last_used_at);
            let tokens = counting.iter().filter(|secret| secret.is_token() && secret.counts(now)).count();
            out.text(Some(&user.name))
                .bool(Some(user.administrator))
                .bool(Some(user.disabled))
                .int(Some(tokens as i64))
                .time(Some(user.created_at))
                .time(used.max())
                .end();
        }
        Ok(())
    }

    fn write_secrets(&self, out: &mut Writer) -> Result<()> {
        let now = now();
        for row in self.users.secrets().map_err(external)? {
            let status = match row.revoked_at {
                Some(_) => "revoked",
                None if row.counts(now) => "active",
                None => "expired",
            };
            out.int(Some(row.id))
                .text(Some(&row.user))
                .text(Some(row.secret.kind.as_str()))
                .text(Some(row.secret.label.as_str()).filter(|label| !label.is_empty()))
                .text(Some(status))
                .time(Some(row.secret.created_at))
                .time(row.secret.expires_at)
                .time(row.revoked_at)
                .time(row.last_used_at)
                .end();
        }
        Ok(())
    }
}
