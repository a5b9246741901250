//! `plugtool completions`.

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use super::{Cli, EXIT_STATUS, Failure, print};

/// Write what completes commands in a shell, to standard output
#[derive(Args)]
#[command(after_help = EXIT_STATUS, after_long_help = format!("\
Examples:
  plugtool completions bash > ~/.local/share/bash-completion/completions/plugtool
  plugtool completions fish > ~/.config/fish/completions/plugtool.fish

{EXIT_STATUS}"))]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "plugtool", &mut script);
        print(&String::from_utf8_lossy(&script))?;
        Ok(0)
    }
}
