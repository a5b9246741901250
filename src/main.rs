//! The `plugtool` program: a thin caller of the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    plugtool::cli::main()
}
