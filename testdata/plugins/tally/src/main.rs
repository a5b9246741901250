//! A WASI command, made a component with the command adapter: counts lines, words and bytes.
//!
//! `tally [-l] [-w] [-b] [FILE]...`: what is chosen, or all three, of each file or of standard input,
//! a line each. `TALLY_LABEL` stands before each line where it is set. It exits with 1 where a file
//! could not be read, and panics at `-p`.

use std::fs::File;
use std::io::{self, Read, Write};
use std::process::ExitCode;

#[derive(Default)]
struct Counts {
    lines: u64,
    words: u64,
    bytes: u64,
}

fn count(mut from: impl Read) -> io::Result<Counts> {
    let mut counts = Counts::default();
    let mut in_word = false;
    let mut block = vec![0; 1 << 16];
    loop {
        let read = match from.read(&mut block)? {
            0 => return Ok(counts),
            read => read,
        };
        counts.bytes += read as u64;
        for byte in &block[..read] {
            counts.lines += u64::from(*byte == b'\n');
            let space = byte.is_ascii_whitespace();
            counts.words += u64::from(!space && !in_word);
            in_word = !space;
        }
    }
}

fn main() -> ExitCode {
    let mut chosen = [false; 3];
    let mut files = Vec::new();
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "-l" => chosen[0] = true,
            "-w" => chosen[1] = true,
            "-b" => chosen[2] = true,
            "-p" => panic!("told to"),
            option if option.starts_with('-') => {
                eprintln!("tally: there is no option {option}");
                return ExitCode::from(2);
            }
            file => files.push(file.to_owned()),
        }
    }
    if chosen == [false; 3] {
        chosen = [true; 3];
    }
    let label = std::env::var("TALLY_LABEL").unwrap_or_default();
    let mut out = io::stdout().lock();
    let mut show = |counts: Counts, file: &str| {
        let counts = [counts.lines, counts.words, counts.bytes];
        let mut parts: Vec<String> = Vec::new();
        parts.extend((!label.is_empty()).then(|| label.clone()));
        parts.extend(
            counts.iter().zip(chosen).filter(|(_, chosen)| *chosen).map(|(count, _)| count.to_string()),
        );
        parts.extend((!file.is_empty()).then(|| file.to_owned()));
        writeln!(out, "{}", parts.join(" "))
    };
    let mut failed = false;
    if files.is_empty() {
        match count(io::stdin().lock()).and_then(|counts| show(counts, "")) {
            Ok(()) => {}
            Err(error) => {
                eprintln!("tally: {error}");
                failed = true;
            }
        }
    }
    for file in &files {
        let counted = File::open(file).and_then(count).and_then(|counts| show(counts, file));
        if let Err(error) = counted {
            eprintln!("tally: {file}: {error}");
            failed = true;
        }
    }
    ExitCode::from(u8::from(failed))
}
