//! The worker's side: reads its grants, confines itself, says how far that went, and only then looks
//! at the job.

use std::fs::File;
use std::io::{self, BufRead, Read, Write};

use super::{Grants, confine};

/// A job, as it arrived in the worker.
#[derive(Debug)]
pub struct Errand<T> {
    /// What to do.
    pub header: String,
    /// What to do it with.
    pub body: Vec<u8>,
    /// Whether every promise of the sandbox holds.
    pub confined: bool,
    /// What became of the files that were opened for it.
    pub taken: T,
}

/// Confines this process and takes in its job. To be called first of all in a process of one thread:
/// what was started before would not be confined.
///
/// `take` gets what is said of the files that the grants open, and the files, up to the first that could not be
/// opened. It is called before the process is confined, and before anything is read that a stranger wrote;
/// what threads it starts must have ended when it returns.
///
/// What comes behind the job is left where it is: the rest of a conversation.
///
/// Nothing where the job demands a complete sandbox and there is none: then there is nothing to do but to
/// exit, and the supervisor has been told why.
///
/// # Errors
///
/// Where the pipes break, or what comes through them is not from plugtool.
pub fn enter<T>(
    from: &mut impl BufRead,
    to: &mut impl Write,
    take: impl FnOnce(&str, Vec<File>) -> T,
) -> io::Result<Option<Errand<T>>> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let grants: Grants = serde_json::from_str(&line)?;
    let (sandbox, taken) = confine::confine(&grants, |files| take(&grants.about, files));
    writeln!(to, "{}", serde_json::to_string(&sandbox)?)?;
    to.flush()?;
    if grants.required && !sandbox.complete {
        return Ok(None);
    }
    let mut header = String::new();
    from.read_line(&mut header)?;
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let (size, header) = header.split_once(' ').ok_or_else(wrong)?;
    let size: usize = size.parse().map_err(|_| wrong())?;
    let mut body = Vec::with_capacity(size);
    from.take(size as u64).read_to_end(&mut body)?;
    if body.len() < size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(Errand { header: header.to_owned(), body, confined: sandbox.complete, taken }))
}
