//! A gate with a plugin that never returns, and the processes that it starts, found by the name of a program
//! that is this test's alone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::support::process::ticks_of;
use super::support::{link, root};

/// How long anything may take before it is a failure. No test waits for it that passes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with a host whose second of three plugins never returns.
pub struct Spinning {
    folder: tempfile::TempDir,
}

impl Spinning {
    pub fn new() -> Spinning {
        // Beside the program, so that a second name for it can be made.
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
        let spinning = Spinning { folder };
        fs::hard_link(env!("CARGO_BIN_EXE_plugtool"), spinning.program()).expect("a second name");
        for name in ["compositions", "testdata"] {
            link(&root().join(name), &spinning.path().join(name));
        }
        let file = |name: &str, text: &str| {
            fs::write(spinning.path().join(name), text).expect("a file");
        };
        file(
            "plugtool.toml",
            "[host]\nwit = [\"compositions/cli-host/wit/v0.2\"]\nworlds = [\"my:cli/plugin@0.2.0\"]\n\
             provides = [\"wasi\"]\nplugins = [\"list.toml\"]\nsmoke = [\"smoke.toml\"]\n\
             [limits]\nfuel = 1_000_000_000_000_000\ntimeout = \"1000s\"\n",
        );
        let plugin = |id: &str, name: &str| {
            format!("[[plugins]]\nid = \"{id}\"\npath = \"testdata/plugins/{name}/{name}.wasm\"\n")
        };
        file(
            "list.toml",
            &[plugin("first", "greet"), plugin("spin", "spin"), plugin("last", "greet")].concat(),
        );
        file(
            "smoke.toml",
            "[[case]]\nname = \"never returns\"\nplugins = [\"spin\"]\n\
             steps = [{ invoke = 'run(\"spin\", [])' }]\n\
             [[case]]\nname = \"greets\"\nplugins = [\"first\", \"last\"]\n\
             steps = [{ invoke = 'run(\"greet\", [\"ada\"])' }]\n",
        );
        spinning
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The program under test, under a name of its own.
    pub fn program(&self) -> PathBuf {
        self.path().join("plugtool-under-test")
    }

    /// Starts it, in a process group of its own, as a shell does.
    pub fn start(&self, line: &str) -> Child {
        let words = shell_words::split(line).expect("a command line");
        let mut command = Command::new(self.program());
        command.args(words).current_dir(self.path());
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("plugtool starts")
    }

    /// The workers that run.
    pub fn workers(&self) -> Vec<u32> {
        let program = self.program().into_os_string().into_encoded_bytes();
        let processes = fs::read_dir("/proc").expect("the processes");
        let numbers =
            processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let is_worker = |process: &u32| {
            let words = fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            let mut words = words.split(|byte| *byte == 0);
            words.next() == Some(&program) && words.next() == Some(b"worker")
        };
        numbers.filter(is_worker).collect()
    }

    /// Waits until a worker has burnt so much time that it must be in the call that never returns.
    pub fn wait_until_it_spins(&self) {
        wait_for("a worker that spins", || {
            self.workers().into_iter().filter_map(ticks_of).any(|ticks| ticks >= 40).then_some(())
        });
    }

    /// Waits until no worker runs any more.
    pub fn wait_until_nobody_works(&self) {
        wait_for("the end of all workers", || self.workers().is_empty().then_some(()));
    }
}

/// Waits until there is something.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "there is not {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
