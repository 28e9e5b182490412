//! What things are called: look-alikes, and everything that wants quotes.

use grantd_catalog::model::Ident;

/// Look-alikes and everything that wants quotes.
pub(super) const NAMES: [&str; 20] = [
    "ORDERS",
    "orders",
    "Orders",
    "A.B",
    "A",
    "B",
    "say \"hi\"",
    "\"",
    "a b",
    "$COST",
    "COST$",
    "É",
    "TABLE",
    "SELECT",
    "T",
    "t",
    "1ST",
    "_X",
    "x'; --",
    "o@example.com",
];
pub(super) const DATABASES: [&str; 5] = ["DB1", "db1", "DB1.S", "DB 2", "DB3"];
pub(super) const SCHEMAS: [&str; 5] = ["S", "s", "S.T", "PUBLIC", "my \"schema\""];
pub(super) const DATABASE_ROLES: [&str; 4] = ["READER", "WRITER", "reader", "A.B"];
pub(super) const SIGNATURES: [&str; 3] = ["", "NUMBER", "NUMBER, TABLE(DATE, VARCHAR)"];
pub(super) const RELATIONS: [&str; 6] =
    ["TABLE", "VIEW", "EXTERNAL_TABLE", "DYNAMIC_TABLE", "ICEBERG_TABLE", "MATERIALIZED_VIEW"];
pub(super) const OTHERS: [&str; 6] = ["FUNCTION", "PROCEDURE", "STAGE", "STREAMLIT", "SEQUENCE", "TASK"];

pub(super) fn id(text: &str) -> Ident {
    Ident::new(text).unwrap()
}
