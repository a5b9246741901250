//! The file-driven harness for commands. `testdata/cli/about-cases.case` documents the format, and
//! is itself a case.
#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

pub mod large;
pub mod process;
pub mod random;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use plugtool::component::FEATURES;
use plugtool::world::{self, World};

/// The root of the repository.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Whether expectations are to be rewritten instead of compared.
pub fn bless() -> bool {
    std::env::var_os("BLESS").is_some_and(|value| value == "1")
}

/// Every file with this extension below a folder of the repository, sorted.
pub fn files_below(folder: &str, extension: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, extension: &str, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder of test data") {
            let path = entry.expect("a directory entry").path();
            if path.is_dir() {
                walk(&path, extension, into);
            } else if path.extension().is_some_and(|e| e == extension) {
                into.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join(folder), extension, &mut files);
    files.sort();
    files
}

/// What a command did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    pub exit: String,
    pub stdout: String,
    pub stderr: String,
}

/// One line group of a case, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// A comment or an empty line.
    Text(String),
    /// `needs: TOOL...`
    Needs(Vec<String>),
    /// `file: NAME` and what is in it.
    File(String, String),
    /// `exists: PATH` or `absent: PATH`
    Exists(String, bool),
    /// `$ COMMAND` and what it should do.
    Command(String, Outcome),
}

/// A case file.
pub struct Case {
    parts: Vec<Part>,
}

impl Case {
    pub fn parse(text: &str) -> Result<Case, String> {
        let mut parts: Vec<Part> = Vec::new();
        let mut lines = text.lines().enumerate().peekable();
        while let Some((number, line)) = lines.next() {
            let mut block = || {
                let mut block = String::new();
                while let Some((_, line)) =
                    lines.next_if(|(_, l)| l.starts_with("    ") || l.is_empty())
                {
                    block.push_str(line.strip_prefix("    ").unwrap_or(""));
                    block.push('\n');
                }
                // Empty lines before the next part belong to the file, not to the block.
                let blank = block.len() - block.trim_end_matches('\n').len();
                let kept = block.trim_end_matches('\n').to_owned() + "\n";
                (kept, blank.saturating_sub(1))
            };
            let (part, blank) = match line.split_once(' ').unwrap_or((line, "")) {
                ("", _) => (Part::Text(line.to_owned()), 0),
                (word, _) if word.starts_with('#') => (Part::Text(line.to_owned()), 0),
                ("$", command) => (Part::Command(command.to_owned(), Outcome::default()), 0),
                ("needs:", tools) => {
                    (Part::Needs(tools.split_whitespace().map(str::to_owned).collect()), 0)
                }
                ("file:", name) => {
                    let (text, blank) = block();
                    (Part::File(name.to_owned(), text), blank)
                }
                ("exists:", path) => (Part::Exists(path.to_owned(), true), 0),
                ("absent:", path) => (Part::Exists(path.to_owned(), false), 0),
                (word @ ("exit:" | "stdout:" | "stderr:"), rest) => {
                    let Some(Part::Command(_, outcome)) = parts.last_mut() else {
                        return Err(format!("line {}: `{word}` follows no command", number + 1));
                    };
                    let mut after = 0;
                    match word {
                        "exit:" => outcome.exit = rest.to_owned(),
                        "stdout:" => (outcome.stdout, after) = block(),
                        _ => (outcome.stderr, after) = block(),
                    }
                    parts.extend((0..after).map(|_| Part::Text(String::new())));
                    continue;
                }
                _ => return Err(format!("line {}: cannot read `{line}`", number + 1)),
            };
            parts.push(part);
            parts.extend((0..blank).map(|_| Part::Text(String::new())));
        }
        if !parts.iter().any(|part| matches!(part, Part::Command(..))) {
            return Err("there is no command in it".to_owned());
        }
        Ok(Case { parts })
    }

    /// What of the tools that the case needs is not on this machine.
    pub fn missing_tools(&self) -> Vec<&str> {
        let needs = self.parts.iter().filter_map(|part| match part {
            Part::Needs(tools) => Some(tools),
            _ => None,
        });
        needs.flatten().filter(|tool| which(tool).is_none()).map(String::as_str).collect()
    }

    /// The commands with what they should do.
    pub fn commands(&self) -> impl Iterator<Item = (&str, &Outcome)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Command(command, outcome) => Some((command.as_str(), outcome)),
            _ => None,
        })
    }

    /// Runs the case in a folder of its own. Returns it with what the commands really did, and
    /// every complaint about files that should or should not be there.
    pub fn run(&self) -> (Case, Vec<String>) {
        let folder = workspace();
        let mut complaints = Vec::new();
        let mut parts = Vec::new();
        for part in &self.parts {
            parts.push(match part {
                Part::File(name, text) => {
                    let path = folder.path().join(name);
                    let linked = |top: &str| name.starts_with(top);
                    assert!(
                        !["compositions/", "testdata/"].iter().any(|top| linked(top)),
                        "{name}: a case must not write into the repository"
                    );
                    fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
                    fs::write(path, text).expect("a file of the case");
                    part.clone()
                }
                Part::Exists(path, wanted) => {
                    if folder.path().join(path).exists() != *wanted {
                        let not = if *wanted { "is not there" } else { "is there" };
                        complaints.push(format!("{path} {not}"));
                    }
                    part.clone()
                }
                Part::Command(command, _) => {
                    Part::Command(command.clone(), execute(command, folder.path()))
                }
                part => part.clone(),
            });
        }
        (Case { parts }, complaints)
    }

    /// The case as a file.
    pub fn text(&self) -> String {
        fn block(out: &mut String, title: &str, text: &str) {
            if !text.is_empty() {
                let _ = writeln!(out, "{title}");
                for line in text.trim_end_matches('\n').split('\n') {
                    let _ = writeln!(out, "{}", format!("    {line}").trim_end());
                }
            }
        }
        let mut out = String::new();
        for part in &self.parts {
            let _ = match part {
                Part::Text(line) => writeln!(out, "{line}"),
                Part::Needs(tools) => writeln!(out, "needs: {}", tools.join(" ")),
                Part::Exists(path, true) => writeln!(out, "exists: {path}"),
                Part::Exists(path, false) => writeln!(out, "absent: {path}"),
                Part::File(name, text) => {
                    block(&mut out, &format!("file: {name}"), text);
                    Ok(())
                }
                Part::Command(command, outcome) => {
                    let _ = writeln!(out, "$ {command}\nexit: {}", outcome.exit);
                    block(&mut out, "stdout:", &outcome.stdout);
                    block(&mut out, "stderr:", &outcome.stderr);
                    Ok(())
                }
            };
        }
        out
    }
}

/// A folder with the repository's data in it under its usual names.
pub fn workspace() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["compositions", "testdata"] {
        link(&root().join(name), &folder.path().join(name));
    }
    folder
}

/// A symbolic link to a folder.
pub fn link(to: &Path, at: &Path) {
    #[cfg(unix)]
    std::os::unix::fs::symlink(to, at).expect("a link");
    #[cfg(windows)]
    std::os::windows::fs::symlink_dir(to, at).expect("a link");
}

/// Runs one command line: `plugtool` is the one under test, also where another program starts it, `< FILE` is its standard input, `> FILE`
/// takes its standard output.
pub fn execute(line: &str, folder: &Path) -> Outcome {
    let mut words = shell_words::split(line).expect("a command line");
    let mut redirect = |sign: &str| {
        let at = words.iter().position(|word| word == sign)?;
        let file = words.remove(at + 1);
        words.remove(at);
        Some(folder.join(file))
    };
    let input = redirect("<").map(|path| fs::read(path).expect("the file behind `<`"));
    let output = redirect(">");
    let program = which(&words[0]).unwrap_or_else(|| panic!("{} is not installed", words[0]));
    for word in words.iter_mut().filter(|word| *word == "plugtool") {
        // Another program may start it.
        env!("CARGO_BIN_EXE_plugtool").clone_into(word);
    }
    // A cache of its own for each command: what one finds out is not known to the next.
    let caches = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(program)
        .args(&words[1..])
        .current_dir(folder)
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs(std::env::var_os("HOME").map(|home| ("HOME", home)))
        .env("XDG_CACHE_HOME", caches.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let feed = std::thread::spawn(move || {
        let _ = std::io::Write::write_all(&mut stdin, &input.unwrap_or_default());
    });
    let ended = child.wait_with_output().expect("the command ends");
    feed.join().expect("standard input is written");
    let stdout = match output {
        Some(path) => {
            fs::write(path, &ended.stdout).expect("the file behind `>`");
            Vec::new()
        }
        None => ended.stdout,
    };
    let exit = ended.status.code().map_or_else(|| ended.status.to_string(), |c| c.to_string());
    Outcome { exit, stdout: settle(&stdout, folder), stderr: settle(&ended.stderr, folder) }
}

/// Output with what differs from machine to machine taken out: the temporary folder, and digests,
/// which change with every rebuild of a fixture.
fn settle(bytes: &[u8], folder: &Path) -> String {
    let text = String::from_utf8_lossy(bytes).replace(&*folder.to_string_lossy(), "[TMP]");
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_hexdigit()) {
        let run =
            rest[start..].find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(rest.len() - start);
        out.push_str(&rest[..start]);
        out.push_str(if run == 64 { "[SHA256]" } else { &rest[start..start + run] });
        rest = &rest[start + run..];
    }
    out.push_str(rest);
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    without_times(&settle_sandbox(&settle_uuids(&out)))
}

/// A report without what differs from run to run: the objects `timing` of JSON, the attributes `time` of
/// JUnit XML. Neither can stand in a text that a plugin wrote, where quotes are escaped.
pub fn without_times(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    loop {
        let json = rest.find("\"timing\":").map(|at| (at, true));
        let xml = rest.find(" time=\"").map(|at| (at, false));
        let Some((at, json)) = [json, xml].into_iter().flatten().min() else { break };
        let (mut before, after) = rest.split_at(at);
        if json {
            // With the comma behind it, and the white space before.
            before = before.trim_end();
            let end = after.find('}').expect("the end of an object");
            rest = after[end + 1..].strip_prefix(',').expect("another field");
        } else {
            let value = &after[" time=\"".len()..];
            let end = value.find('"').expect("the end of an attribute");
            assert!(value[..end].parse::<f64>().is_ok(), "a time: {}", &value[..end]);
            rest = &value[end + 1..];
        }
        out.push_str(before);
    }
    out.push_str(rest);
    out
}

/// A UUID is another one each time.
fn settle_uuids(text: &str) -> String {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let length = |text: &str| -> Option<usize> {
        let mut at = 0;
        for (i, group) in GROUPS.iter().enumerate() {
            at += usize::from(i > 0 && text.get(at..)?.starts_with('-'));
            let digits = text.get(at..at + group)?;
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then_some(())?;
            at += group;
        }
        (at == 36).then_some(at)
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match length(rest) {
            Some(uuid) => {
                out.push_str("[UUID]");
                rest = &rest[uuid..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

/// What an operating system offers to confine a worker differs too: the list of it, in text and in
/// JSON, becomes one word.
fn settle_sandbox(text: &str) -> String {
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("sandbox") && line.contains(": ") {
            while lines
                .next_if(|next| next.starts_with("  ") || next.starts_with("sandbox"))
                .is_some()
            {}
            out.push_str("sandbox: [SANDBOX]\n");
            continue;
        }
        let _ = writeln!(out, "{}", measures_in_one_line(line));
        if line.trim_start() == "\"sandbox\": {" {
            let indent = &line[..line.len() - line.trim_start().len()];
            let end = [format!("{indent}}}"), format!("{indent}}},")];
            while let Some(inner) = lines.next_if(|next| !end.iter().any(|end| next == end)) {
                if inner.trim_start().starts_with("\"complete\"") {
                    let _ = writeln!(out, "{inner}");
                }
            }
            let _ =
                writeln!(out, "{indent}  \"measures\": [\n{indent}    \"[SANDBOX]\"\n{indent}  ]");
        }
    }
    out
}

/// The same in a line of NDJSON.
fn measures_in_one_line(line: &str) -> String {
    let of = |line: &str| {
        let start = line.find("\"sandbox\":{\"complete\":")?;
        let end = start + line[start..].find('}')?;
        let to = start + line[start..end].find(",\"measures\":")?;
        Some(format!("{},\"measures\":[\"[SANDBOX]\"]{}", &line[..to], &line[end..]))
    };
    of(line).unwrap_or_else(|| line.to_owned())
}

/// A program on the path.
pub fn which(tool: &str) -> Option<PathBuf> {
    if tool == "plugtool" {
        return Some(PathBuf::from(env!("CARGO_BIN_EXE_plugtool")));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(tool)).find(|file| file.is_file())
}

/// Plugins of the test data: name to file, sorted by name. One that was left as a core module is none.
pub fn plugins() -> BTreeMap<String, PathBuf> {
    let component =
        |path: &PathBuf| fs::read(path).expect("a plugin").starts_with(b"\0asm\x0d\0\x01\0");
    files_below("testdata/plugins", "wasm")
        .into_iter()
        .filter(component)
        .map(|path| (path.file_stem().expect("a name").to_string_lossy().into_owned(), path))
        .collect()
}

/// A section of a WebAssembly binary.
pub fn section(id: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![id];
    let mut length = content.len();
    while length >= 0x80 {
        bytes.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    bytes.push(length.to_le_bytes()[0]);
    bytes.extend(content);
    bytes
}

/// The only world that a text of WIT defines.
pub fn only_world_of(wit: &str) -> World {
    world_named(wit, None)
}

/// The world of this name that a text of WIT defines.
pub fn world_of(wit: &str, name: &str) -> World {
    world_named(wit, Some(name))
}

fn world_named(wit: &str, name: Option<&str>) -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("test.wit");
    fs::write(&path, wit).expect("a file");
    let wit = world::load(&[path], &[]).expect("valid WIT");
    wit.world(name, FEATURES).expect("a world")
}

/// A text for people on one line: where it is wrapped is not what tests are about.
pub fn on_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
