//! A worker that tries what it must not be able to do, for the tests that hold the sandbox to its word.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};

/// Something that was tried, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// What was tried.
    pub what: String,
    /// Why it failed, in the words of the system; none where it succeeded.
    pub refused: Option<String>,
}

/// Tries everything: files, folders, sockets, programs, processes, and the system calls by which
/// a process gets at others. `paths` are folders to read and to write in on top, and `files` what it was
/// given open, to read.
pub fn probe(paths: &[PathBuf], files: &[File]) -> Vec<Attempt> {
    let mut attempts = Vec::new();
    let mut tried = |what: String, outcome: io::Result<()>| {
        attempts.push(Attempt { what, refused: outcome.err().map(|error| error.to_string()) });
    };
    for file in ["/etc/passwd", "/proc/self/environ", "/proc/1/mem", "/dev/null"] {
        tried(format!("open {file}"), File::open(file).map(drop));
    }
    tried("list /".to_owned(), fs::read_dir("/").map(drop));
    tried("read the environment".to_owned(), environment());
    tried("write to /tmp".to_owned(), write_in(Path::new("/tmp")));
    tried("make a UDP socket".to_owned(), UdpSocket::bind("127.0.0.1:0").map(drop));
    tried("connect to 127.0.0.1:22".to_owned(), connect());
    tried("run /bin/true".to_owned(), Command::new("/bin/true").status().map(drop));
    #[cfg(unix)]
    tried("make a local socket".to_owned(), std::os::unix::net::UnixDatagram::unbound().map(drop));
    #[cfg(target_os = "linux")]
    tried("find an inherited descriptor".to_owned(), descriptor());
    #[cfg(target_os = "linux")]
    for (what, refused) in calls() {
        let outcome = if refused { Err(io::Error::other("not there")) } else { Ok(()) };
        tried(what, outcome);
    }
    for path in paths {
        tried(format!("list {}", path.display()), fs::read_dir(path).map(drop));
        tried(format!("write in {}", path.display()), write_in(path));
        tried(format!("remove {}", path.display()), fs::remove_file(path));
        tried(format!("write over {}", path.display()), fs::write(path, "a probe was here\n"));
    }
    for mut file in files {
        tried("write to what it was given".to_owned(), file.write_all(b"a probe was here\n"));
        tried("cut off what it was given".to_owned(), file.set_len(0));
    }
    attempts
}

fn environment() -> io::Result<()> {
    match std::env::vars_os().count() {
        0 => Err(io::Error::other("it is empty")),
        _ => Ok(()),
    }
}

fn write_in(folder: &Path) -> io::Result<()> {
    let path = folder.join("plugtool-probe");
    fs::write(&path, "a probe was here\n")?;
    fs::remove_file(path)
}

/// That nobody listens is no refusal: then there was a socket.
fn connect() -> io::Result<()> {
    match TcpStream::connect("127.0.0.1:22") {
        Err(error) if error.kind() != io::ErrorKind::ConnectionRefused => Err(error),
        _ => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn descriptor() -> io::Result<()> {
    match super::syscalls::open_descriptor() {
        None => Err(io::Error::other("there is none")),
        Some(_) => Ok(()),
    }
}

#[cfg(target_os = "linux")]
fn calls() -> Vec<(String, bool)> {
    use super::syscalls::{REFUSED, is_fork_refused, is_refused};
    let fork = ("call fork".to_owned(), is_fork_refused());
    let others = REFUSED
        .iter()
        .filter_map(|(name, call)| Some((format!("call {name}"), is_refused(*call)?)));
    std::iter::once(fork).chain(others).collect()
}
