//! `minimal_revoke(user, privilege, object)`: the smallest set of revokes that ends an access, checked by applying it.

use crate::question::Question;
use crate::{Argument, SqlFunction, refused};
use datafusion::error::Result;
use grantd_catalog::graph::Lens;
use grantd_catalog::graph::cut::{Cut, CutError, minimal_cut};
use grantd_catalog::graph::impact::others_losing;
use grantd_catalog::snapshot::Snapshot;
use grantd_catalog::tables::{BatchSource, ColumnDef, ColumnType, Definition, Relation, ScanRequest, Writer, once};
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct MinimalRevoke;

impl SqlFunction for MinimalRevoke {
    fn arguments(&self) -> Vec<Argument> {
        Question::arguments()
    }

    fn definition(&self) -> Definition {
        let column = |name, ty, comment| ColumnDef { name, ty, comment };
        Definition::new(
            "minimal_revoke",
            "The smallest set of revokes that ends a user's access to an object: of the cuts of the privilege, the reach \
             into the schema and the reach into the database the one with the fewest revokes, then the one that takes \
             access from the fewest other users; checked by applying it",
            vec![
                column("account", ColumnType::Text, "Account"),
                column(
                    "object",
                    ColumnType::Text,
                    "Full name of the object; every function of a name has its own steps",
                ),
                column(
                    "step",
                    ColumnType::Int,
                    "Position among the revokes, from 1; all of them together end the access",
                ),
                column("need", ColumnType::Text, "What they cut: privilege, schema or database (reach)"),
                column("sql", ColumnType::Text, "The statement"),
                column(
                    "users_losing",
                    ColumnType::Int,
                    "Other users that lose some effective privilege, or the use of one, by this revoke alone",
                ),
            ],
        )
    }

    fn bind(&self, arguments: Vec<Option<String>>) -> Arc<dyn Relation> {
        Arc::new(Bound(Question::bound(arguments)))
    }
}

#[derive(Debug)]
struct Bound(Question);

impl Relation for Bound {
    fn definition(&self) -> Definition {
        MinimalRevoke.definition()
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        let question = self.0.clone();
        once(move |out| {
            let (user, privilege) = (&question.user, &question.privilege);
            let mut ended = false;
            question.each(&request.world.accounts, |view, user_id, object| {
                let s = &view.snapshot;
                let Some(privilege_id) = s.privilege_id(privilege.as_str()) else { return Ok(()) };
                match minimal_cut(s, request.lens, user_id, privilege_id, object) {
                    Ok(cut) => {
                        ended = true;
                        write_cut(out, &view.name, s, request.lens, user_id, object, &cut)
                    }
                    Err(CutError::NoAccess) => Ok(()),
                    Err(error) => {
                        let what = format!("{privilege} on {} of user \"{user}\"", s.object(object).shown());
                        Err(refused(sqlstate(&error), format!("{what}: {error}")))
                    }
                }
            })?;
            if !ended {
                let what = format!("{privilege} on {} of user \"{user}\"", question.object);
                return Err(refused(sqlstate(&CutError::NoAccess), format!("{what}: {}", CutError::NoAccess)));
            }
            Ok(())
        })
    }
}

/// The state of the account refuses, or the answer did not pass its own check.
fn sqlstate(error: &CutError) -> &'static str {
    match error {
        CutError::NoAccess | CutError::NotRevocable => "55000",
        CutError::Inapplicable(_) | CutError::NotEnded => "XX000",
    }
}

fn write_cut(
    out: &mut Writer,
    account: &str,
    s: &Arc<Snapshot>,
    lens: Lens,
    user: u32,
    object: u32,
    cut: &Cut,
) -> Result<()> {
    let internal = |e: &dyn std::fmt::Display| refused("XX000", format!("minimal_revoke in {account}: {e}"));
    let user = s.principals().at(user);
    for (change, step) in cut.changes.iter().zip(1..) {
        let after = if let [_] = cut.changes.as_slice() {
            Arc::clone(&cut.after)
        } else {
            let changed = s.apply(std::slice::from_ref(change), s.taken_at());
            Arc::new(changed.map_err(|(_, e)| internal(&e))?)
        };
        let sql = grantd_catalog::sql::render(change).map_err(|e| internal(&e))?;
        out.text(Some(account))
            .text_with(|| Some(s.object(object).shown()))
            .int(Some(step))
            .text(Some(cut.need.as_str()))
            .text(Some(&sql))
            .int(Some(others_losing(s, &after, lens, user) as i64))
            .end();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::util::display::array_value_to_string;
    use datafusion::prelude::SessionContext;
    use grantd_catalog::account::Account;
    use grantd_catalog::sql::parse_changes;
    use grantd_catalog::tables::{AccountView, SessionState, World};

    async fn ask(sql: &str, question: &str) -> std::result::Result<Vec<String>, String> {
        let mut account = Account::new("ACME");
        for change in parse_changes(sql, &account).unwrap() {
            account.apply(&change, None).unwrap();
        }
        let snapshot = Arc::new(Snapshot::freeze(&account, 0));
        let view = AccountView::new("ACME".into(), "snowflake".into(), "import".into(), snapshot);
        let session =
            Arc::new(SessionState::new(Arc::new(World { accounts: vec![Arc::new(view)], ..World::default() })));
        let context = SessionContext::new();
        crate::register(&context, &session);
        let frame = context.sql(&format!("SELECT step, need, sql, users_losing FROM {question}")).await;
        let batches = frame.unwrap().collect().await.map_err(|e| e.to_string())?;
        let rows = batches.iter().flat_map(|batch| {
            let cell = move |i: usize| batch.columns().iter().map(move |c| array_value_to_string(c, i).unwrap());
            (0..batch.num_rows()).map(move |i| cell(i).collect::<Vec<_>>().join("|"))
        });
        Ok(rows.collect())
    }

    const ACCOUNT: &str =
        "CREATE USER ALICE; CREATE USER BOB; CREATE ROLE READER; CREATE ROLE OTHER; CREATE DATABASE DB;
        CREATE SCHEMA DB.S; CREATE TABLE DB.S.T (A INT); GRANT USAGE ON DATABASE DB TO ROLE READER;
        GRANT USAGE ON SCHEMA DB.S TO ROLE READER; GRANT SELECT ON TABLE DB.S.T TO ROLE READER;
        GRANT ROLE READER TO USER BOB; GRANT ROLE OTHER TO USER BOB;";

    #[tokio::test]
    async fn minimal_revoke_gives_the_statement_and_what_it_takes_from_others() {
        let direct = format!("{ACCOUNT} GRANT ROLE READER TO USER ALICE");
        let got = ask(&direct, "minimal_revoke('alice', 'select', 'db.s.t')").await.unwrap();
        assert_eq!(got, ["1|privilege|REVOKE ROLE \"READER\" FROM USER \"ALICE\"|0"]);
        let through = format!("{ACCOUNT} GRANT ROLE READER TO ROLE OTHER; GRANT ROLE OTHER TO USER ALICE");
        let through = format!("{through}; GRANT ROLE READER TO USER ALICE");
        let got = ask(&through, "minimal_revoke('ALICE', 'SELECT', 'DB.S.T')").await.unwrap();
        assert_eq!(got, ["1|privilege|REVOKE SELECT ON TABLE \"DB\".\"S\".\"T\" FROM ROLE \"READER\"|1"]);
    }

    #[tokio::test]
    async fn minimal_revoke_of_no_access_is_an_error_that_says_so() {
        let error = ask(ACCOUNT, "minimal_revoke('ALICE', 'SELECT', 'DB.S.T')").await.unwrap_err();
        assert!(error.contains("no usable access"), "{error}");
        let error = ask(ACCOUNT, "minimal_revoke('ALICIA', 'SELECT', 'DB.S.T')").await.unwrap_err();
        assert!(error.contains("did you mean ALICE"), "{error}");
    }
}
