//! The keys of a smoke case that runs a WASI command.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::Spanned;

use super::ConfigError;
use super::parse::Source;
use crate::input;

/// A run of a WASI command, with what must come of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandCase {
    /// Its arguments, without its name.
    pub args: Vec<String>,
    /// Its environment.
    pub env: Vec<(String, String)>,
    /// The folders that it may read: where they are, and what they are called in the guest.
    pub dirs: Vec<(PathBuf, String)>,
    /// Its standard input.
    pub stdin: Arc<[u8]>,
    /// What it must write to standard output; anything where that is left out.
    pub stdout: Option<Arc<[u8]>>,
    /// What it must write to standard error; anything where that is left out.
    pub stderr: Option<Arc<[u8]>>,
    /// The code that it must exit with.
    pub exit_code: u8,
}

/// The keys as they are written.
#[derive(Debug, Default)]
pub struct CommandKeys {
    pub args: Option<Vec<String>>,
    pub env: Option<BTreeMap<String, String>>,
    pub dirs: Option<Vec<Spanned<String>>>,
    pub stdin: Option<String>,
    pub stdin_file: Option<Spanned<String>>,
    pub stdout: Option<String>,
    pub stdout_file: Option<Spanned<String>>,
    pub stderr: Option<String>,
    pub stderr_file: Option<Spanned<String>>,
    pub exit_code: Option<u8>,
}

impl CommandKeys {
    /// Whether none of them is there.
    pub fn are_absent(&self) -> bool {
        let CommandKeys { args, env, dirs, stdin, stdout, stderr, exit_code, .. } = self;
        let files = [&self.stdin_file, &self.stdout_file, &self.stderr_file];
        args.is_none()
            && env.is_none()
            && dirs.is_none()
            && [stdin, stdout, stderr].into_iter().all(Option::is_none)
            && files.into_iter().all(Option::is_none)
            && exit_code.is_none()
    }

    /// The case, with the files that it names, which are beside its own.
    pub fn settle(self, source: &Source<'_>, folder: &Path) -> Result<CommandCase, ConfigError> {
        let bytes = |name: &str, text: Option<String>, file: Option<Spanned<String>>| match (text, file)
        {
            (None, None) => Ok(None),
            (Some(text), None) => Ok(Some(Arc::from(text.into_bytes()))),
            (Some(_), Some(file)) => {
                let message = format!("`{name}` is there already; use one of them");
                Err(source.error(file.span(), &message))
            }
            (None, Some(file)) => input::read("", &folder.join(file.get_ref()).to_string_lossy())
                .map(|read| Some(Arc::from(read.bytes)))
                .map_err(|error| source.error(file.span(), &error.to_string())),
        };
        let dirs = self.dirs.unwrap_or_default().into_iter().map(|dir| {
            let granted = match dir.get_ref().split_once("::") {
                Some((host, guest)) if !host.is_empty() && !guest.is_empty() => {
                    let host = folder.join(host);
                    host.is_dir().then(|| (host, guest.to_owned())).ok_or("there is no such folder")
                }
                _ => Err("write \"HOST::GUEST\": a folder, and what it is called in the guest"),
            };
            granted.map_err(|message| source.error(dir.span(), message))
        });
        Ok(CommandCase {
            args: self.args.unwrap_or_default(),
            env: self.env.unwrap_or_default().into_iter().collect(),
            dirs: dirs.collect::<Result<_, _>>()?,
            stdin: bytes("stdin", self.stdin, self.stdin_file)?.unwrap_or_default(),
            stdout: bytes("stdout", self.stdout, self.stdout_file)?,
            stderr: bytes("stderr", self.stderr, self.stderr_file)?,
            exit_code: self.exit_code.unwrap_or(0),
        })
    }
}
