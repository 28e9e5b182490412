//! `drift_sql(account)`: the script that brings an account back to its accepted state.

use crate::{Argument, SqlFunction, required, value};
use grantd_catalog::drift::revert_script;
use grantd_catalog::tables::{BatchSource, ColumnDef, ColumnType, Definition, Relation, ScanRequest, once};
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct DriftSql;

impl SqlFunction for DriftSql {
    fn arguments(&self) -> Vec<Argument> {
        vec![required("account")]
    }

    fn definition(&self) -> Definition {
        Definition::new(
            "drift_sql",
            "The script that brings an account back to its accepted state: one statement per row, in the order to run them",
            vec![ColumnDef {
                name: "sql",
                ty: ColumnType::Text,
                comment: "The statement, every identifier quoted, ended by a semicolon",
            }],
        )
    }

    fn bind(&self, arguments: Vec<Option<String>>) -> Arc<dyn Relation> {
        Arc::new(Bound { account: value(&mut arguments.into_iter()) })
    }
}

#[derive(Debug)]
struct Bound {
    account: String,
}

impl Relation for Bound {
    fn definition(&self) -> Definition {
        DriftSql.definition()
    }

    fn open(&self, request: ScanRequest) -> Box<dyn BatchSource> {
        let account = self.account.clone();
        once(move |out| {
            for statement in revert_script(crate::account(&request.world, &account)?) {
                out.text(Some(&statement)).end();
            }
            Ok(())
        })
    }
}
