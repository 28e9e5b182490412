//! The `grantd` program; everything is in [`grantd::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    grantd::cli::main()
}
