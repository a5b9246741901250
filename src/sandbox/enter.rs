//! The worker's side: reads its grants, confines itself, says how far that went, and only then looks
//! at the job.

use std::fs::File;
use std::io::{self, BufRead, Read, Write};

use super::{Grants, confine};

/// A job, as it arrived in the worker.
#[derive(Debug)]
pub struct Errand {
    /// What to do.
    pub header: String,
    /// What to do it with.
    pub body: Vec<u8>,
    /// Whether every promise of the sandbox holds.
    pub confined: bool,
    /// The files that were opened for it, up to the first that could not be.
    pub files: Vec<File>,
    /// What is said of those files.
    pub about: String,
}

/// Confines this process and takes in its job. To be called first of all in a process of one thread:
/// what was started before would not be confined.
///
/// What comes behind the job is left where it is: the rest of a conversation.
///
/// Nothing where the job demands a complete sandbox and there is none: then there is nothing to do but to
/// exit, and the supervisor has been told why.
///
/// # Errors
///
/// Where the pipes break, or what comes through them is not from plugtool.
pub fn enter(from: &mut impl BufRead, to: &mut impl Write) -> io::Result<Option<Errand>> {
    let mut line = String::new();
    from.read_line(&mut line)?;
    let grants: Grants = serde_json::from_str(&line)?;
    let (sandbox, files) = confine::confine(&grants);
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
    Ok(Some(Errand {
        header: header.to_owned(),
        body,
        confined: sandbox.complete,
        files,
        about: grants.about,
    }))
}
