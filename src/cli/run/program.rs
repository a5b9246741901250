//! A WASI command, run as the program that it is, or with a report of what it did.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::path::{Path, PathBuf};

use super::{Run, failure, terms};
use crate::cli::Failure;
use crate::cli::cache::tell;
use crate::config::Limits;
use crate::diagnostic::{
    Captured, Code, CommandReport, Diagnostic, PluginReport, RunReport, Sandbox,
};
use crate::judge::{self, Ran, run_command, tool};
use crate::render::{self, run, text};
use crate::sandbox::{Answer, Said, Stream};
use crate::smoke::{CommandJob, Folder, Launch};
use crate::{input, sandbox};

/// The exit status where a limit was broken.
const LIMIT: u8 = 124;
/// The exit status where the command could not be run.
const FAILED: u8 = 125;
/// The exit status of a trap: that of a program that aborts.
const TRAPPED: u8 = 134;

/// `K=V`.
pub fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// `HOST::GUEST`.
pub fn folder(text: &str) -> Result<(PathBuf, String), String> {
    match text.split_once("::") {
        Some((host, guest)) if !host.is_empty() && !guest.is_empty() => {
            Ok((PathBuf::from(host), guest.to_owned()))
        }
        _ => Err("write HOST::GUEST: a folder here, and what it is called in there".to_owned()),
    }
}

impl Run {
    /// Behaves like the program.
    pub(super) fn program(&self) -> Result<u8, Failure> {
        let failed = |failure: Failure| Failure { status: FAILED, ..failure };
        let terminals = [
            self.stdin.is_none() && io::stdin().is_terminal(),
            io::stdout().is_terminal(),
            io::stderr().is_terminal(),
        ];
        let mut stdin = self.input().map_err(failed)?;
        let mut broken: Option<io::Error> = None;
        let (mut wrote, mut flooded) = ([0_u64; 2], false);
        let most = self.output.unwrap_or(u64::MAX);
        let mut streams = |said: Said<'_>| match said {
            Said::Wrote { stream, bytes } => {
                let wrote = &mut wrote[usize::from(stream == Stream::Error)];
                let room = usize::try_from(most - *wrote).unwrap_or(usize::MAX).min(bytes.len());
                let (bytes, rest) = bytes.split_at(room);
                *wrote += bytes.len() as u64;
                match pass_on(stream, bytes) {
                    Ok(()) if !rest.is_empty() => {
                        flooded = true;
                        Answer::Stop
                    }
                    Ok(()) => Answer::Taken,
                    Err(error) => {
                        if error.kind() != ErrorKind::BrokenPipe {
                            broken.get_or_insert(error);
                        }
                        Answer::Closed
                    }
                }
            }
            Said::Wants { max } => feed(&mut *stdin, max, &mut broken),
            Said::Line(_) => Answer::Nothing,
        };
        let (_, mut ran, _) = self.go(terminals, &mut streams).map_err(failed)?;
        if flooded {
            ran.diagnostics.push(output_limit(most));
        }
        let _ = write!(anstream::stderr(), "{}", text::diagnostics(&ran.diagnostics));
        if let Some(error) = broken {
            return Err(failed(Failure::internal(
                anyhow::Error::new(error).context("passing on what the command reads and writes"),
            )));
        }
        Ok(status(&ran))
    }

    /// Keeps what it writes, and says how it went.
    pub(super) fn report(&self) -> Result<u8, Failure> {
        let mut stdin = self.input()?;
        let most = self.output.unwrap_or(Limits::default().output);
        let limit = usize::try_from(most).unwrap_or(usize::MAX);
        let mut kept = [Keep::default(), Keep::default()];
        let mut broken: Option<io::Error> = None;
        let mut streams = |said: Said<'_>| match said {
            Said::Wrote { stream, bytes } => {
                let kept = &mut kept[usize::from(stream == Stream::Error)];
                kept.add(bytes, limit);
                if kept.is_cut() { Answer::Stop } else { Answer::Taken }
            }
            Said::Wants { max } => feed(&mut *stdin, max, &mut broken),
            Said::Line(_) => Answer::Nothing,
        };
        let (opened, mut ran, sandbox) = self.go([false; 3], &mut streams)?;
        if let Some(error) = broken {
            return Err(Failure::internal(
                anyhow::Error::new(error).context("reading what the command reads"),
            ));
        }
        if kept.iter().any(Keep::is_cut) {
            ran.diagnostics.push(output_limit(most));
        }
        let [stdout, stderr] = kept.map(Keep::captured);
        let mut report = RunReport::of(tool(), opened);
        report.command = Some(CommandReport { exit_code: ran.exit_code, stdout, stderr });
        (report.fuel, report.memory) = (ran.fuel, ran.memory);
        report.compiler = ran.compiler;
        (report.limits, report.sandbox) = (ran.limits, sandbox);
        report.diagnostics = ran.diagnostics;
        self.common.print(&report, run::calls)?;
        Ok(self.common.status(&report.diagnostics))
    }

    /// The command's standard input: the file that is named, or this process's own.
    fn input(&self) -> Result<Box<dyn Read>, Failure> {
        let Some(path) = &self.stdin else {
            if self.component == "-" {
                // The component came from there, to its end.
                return Ok(Box::new(io::empty()));
            }
            return Ok(Box::new(io::stdin().lock()));
        };
        let file = File::open(path).and_then(|file| match file.metadata()?.is_dir() {
            true => Err(ErrorKind::IsADirectory.into()),
            false => Ok(file),
        });
        let file = file.map_err(|error| {
            Failure::usage(anyhow::Error::new(error).context(format!("--stdin {}", path.display())))
        })?;
        Ok(Box::new(file))
    }

    fn go(
        &self,
        terminals: [bool; 3],
        streams: &mut dyn FnMut(Said<'_>) -> Answer,
    ) -> Result<(PluginReport, Ran, Option<Sandbox>), Failure> {
        let (name, path) = input::split_name(&self.component);
        let code = self.cache.code();
        let (component, mut opened) = judge::open_program(&name, path, code.as_ref());
        let findings = std::mem::take(&mut opened.diagnostics);
        if let Some(failure) = opened.failure {
            return Err(Failure::internal(anyhow::anyhow!(failure)));
        }
        let Some(component) = component else {
            return Ok((opened, Ran { diagnostics: findings, ..Ran::default() }, None));
        };
        let grant = |writable| {
            move |(host, guest): &(PathBuf, String)| Folder {
                host: host.clone(),
                guest: guest.clone(),
                writable,
            }
        };
        let folders =
            self.dir.iter().map(grant(false)).chain(self.dir_rw.iter().map(grant(true))).collect();
        let file_name = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
        let launch = Launch {
            name: file_name.unwrap_or_else(|| path.to_owned()),
            args: self.args.clone(),
            env: self.env.clone(),
            folders,
            stdin: Vec::new(),
        };
        // What ends a program is the clock: how much it may compute, nobody has said.
        let limits = self.limits(Limits { fuel: u64::MAX, ..Limits::default() });
        let (runs, entry) = (vec![launch], None);
        let job = CommandJob { runs, entry, limits: limits.clone(), terminals, watched: false };
        let worker = sandbox::this_program().map_err(Failure::internal)?;
        let terms = judge::Terms { code: code.as_ref(), ..terms(&name, &limits, &worker) };
        let (ran, sandbox) =
            run_command(&component, &job, terms, &mut |_, said| streams(said)).map_err(failure)?;
        code.iter().for_each(|code| tell(code, &self.common));
        let mut ran = ran.into_iter().next().unwrap_or_default();
        ran.diagnostics.splice(0..0, findings);
        Ok((opened, ran, sandbox))
    }
}

/// Writes what the guest wrote, as it is: this is its output, and not this program's.
fn pass_on(stream: Stream, bytes: &[u8]) -> io::Result<()> {
    fn write(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
        to.write_all(bytes)?;
        to.flush()
    }
    match stream {
        Stream::Output => write(io::stdout().lock(), bytes),
        Stream::Error => write(io::stderr().lock(), bytes),
    }
}

/// What the command reads next. Where that fails, its input ends, and the first error is kept.
fn feed(from: &mut dyn Read, max: usize, broken: &mut Option<io::Error>) -> Answer {
    let read = read_some(from, max).unwrap_or_else(|error| {
        broken.get_or_insert(error);
        Vec::new()
    });
    Answer::Input(read)
}

/// At most so many bytes, as soon as there are any; none at the end.
fn read_some(from: &mut dyn Read, max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; max];
    let read = loop {
        match from.read(&mut bytes) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => break read?,
        }
    };
    bytes.truncate(read);
    Ok(bytes)
}

/// It wrote more than so many bytes to one stream.
fn output_limit(most: u64) -> Diagnostic {
    Diagnostic::error(Code::OutputLimit, format!("it wrote more than {most} bytes to one stream"))
        .help("make it write less, or raise the limit: --output")
}

/// The exit status of a program.
fn status(ran: &Ran) -> u8 {
    if let Some(code) = ran.exit_code {
        return code;
    }
    let of = |finding: &Diagnostic| match finding.code {
        Code::TimedOut
        | Code::CompileTimedOut
        | Code::OutOfFuel
        | Code::MemoryLimit
        | Code::StackOverflow
        | Code::TableLimit
        | Code::InstanceLimit
        | Code::HandleLimit
        | Code::TransferLimit
        | Code::OutputLimit => LIMIT,
        Code::Trap | Code::UnexpectedHostCall => TRAPPED,
        _ => FAILED,
    };
    ran.diagnostics.first().map_or(FAILED, of)
}

/// The first bytes of a stream.
#[derive(Default)]
struct Keep {
    bytes: Vec<u8>,
    size: u64,
}

impl Keep {
    fn add(&mut self, bytes: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.bytes.len()).min(bytes.len());
        self.bytes.extend_from_slice(&bytes[..room]);
        self.size += bytes.len() as u64;
    }

    fn is_cut(&self) -> bool {
        (self.bytes.len() as u64) < self.size
    }

    fn captured(self) -> Captured {
        render::captured(self.bytes, self.size)
    }
}
