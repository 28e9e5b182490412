//! From a platform or its exports to an account.
//!
//! ```text
//! snowflake (a login)  --plan, run-->  SourceTable...  --assemble-->  Account + coverage
//! files     (exports)  ------------->  SourceTable...  --assemble-->  Account + coverage
//! ```
//!
//! Both ways meet in [`table::SourceTable`]: the rows of one ACCOUNT_USAGE view or one SHOW, columns by name.

pub mod files;
pub mod kind;
pub mod plan;
pub mod snowflake;
pub mod source;
pub mod table;
mod value;

pub use kind::SourceKind;
pub use source::{Progress, Source, SourceError, Statement};
pub use table::{SourceTable, TableError};
