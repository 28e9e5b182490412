//! From a platform or its exports to an account.
//!
//! ```text
//! snowflake (a login)  --plan, run-->  SourceTable...  --assemble-->  Account + coverage
//! files     (exports)  ------------->  SourceTable...  --assemble-->  Account + coverage
//! ```
//!
//! Both ways meet in [`table::SourceTable`]: the rows of one `ACCOUNT_USAGE` view or one SHOW, columns by name.

pub mod assemble;
pub mod coverage;
pub mod files;
pub mod kind;
pub mod plan;
pub mod run;
pub mod shrink;
pub mod snowflake;
pub mod source;
pub mod table;
mod value;

pub use assemble::{AssembleError, Assembled, assemble};
pub use coverage::{CoverageRow, CoverageStatus};
pub use kind::SourceKind;
pub use plan::Extent;
pub use plan::estimate::{Budget, KnownRows, Plan};
pub use run::{Before, RunError, RunOptions, RunOutcome, Step, run};
pub use shrink::ShrinkGuard;
pub use source::{Group, Progress, Source, SourceError, Statement};
pub use table::{SourceTable, TableError};
