//! The account's own catalogue of privileges: the JSON of `EXPLAIN_GRANTABLE_PRIVILEGES`.

use super::{AssembleError, Builder};
use crate::sync::kind::SourceKind;
use crate::sync::table::SourceTable;
use grantd_catalog::model::{ObjectType, Offer, Privilege};
use serde::Deserialize;
use std::collections::BTreeMap;

/// One type of objects. It has a plural and a parent besides.
#[derive(Deserialize)]
struct OfType {
    singular: String,
    privileges: BTreeMap<String, Vec<String>>,
}

impl Builder {
    pub(super) fn offers(&mut self, table: &SourceTable) -> Result<(), AssembleError> {
        if table.kind() != SourceKind::GrantablePrivileges {
            return Ok(());
        }
        // Nothing depends on it: what does not read leaves the shipped table.
        let column = table.column(table.kind().name());
        for row in table.rows() {
            let text = row.filled(column).unwrap_or_default();
            let types: Vec<OfType> = match serde_json::from_str(&text) {
                Ok(types) => types,
                Err(error) => {
                    let why = format!("a catalogue of privileges that does not read ({error})");
                    self.findings.unread(table.kind(), &row, &why);
                    continue;
                }
            };
            let offers = types.into_iter().flat_map(|of_type| {
                let object_type = ObjectType::new(&of_type.singular);
                of_type.privileges.into_iter().map(move |(privilege, grant_types)| Offer {
                    object_type: object_type.clone(),
                    privilege: Privilege::new(&privilege),
                    grant_types,
                })
            });
            self.account.put_offers(offers);
        }
        Ok(())
    }
}
