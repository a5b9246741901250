//! What a worker can do, tried by the worker itself.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::support::root;

/// Starts a worker that tries everything, with these grants, and these folders to try on top.
fn probe(
    program: Command,
    read: &[&Path],
    write: &[&Path],
    folders: &[&Path],
) -> (Value, Vec<Value>) {
    let grants = serde_json::json!({
        "read": read, "write": write, "memory": 0, "processor": { "secs": 10, "nanos": 0 },
        "required": false,
    });
    probe_with(program, &grants, folders)
}

fn probe_with(mut program: Command, grants: &Value, folders: &[&Path]) -> (Value, Vec<Value>) {
    let mut worker =
        program.env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a worker");
    let mut stdin = worker.stdin.take().expect("a pipe");
    writeln!(stdin, "{grants}\n0 {}", serde_json::json!(folders)).expect("it listens");
    drop(stdin);
    let output = worker.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", output.status);
    let text = String::from_utf8(output.stdout).expect("text");
    let mut lines = text.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    (lines.next().expect("how it is confined"), lines.collect())
}

fn worker() -> Command {
    let mut worker = Command::new(env!("CARGO_BIN_EXE_plugtool"));
    worker.args(["worker", "--probe"]);
    worker
}

#[test]
fn a_worker_gets_at_nothing() {
    let (sandbox, attempts) = probe(worker(), &[], &[], &[Path::new("/"), root()]);
    assert_eq!(sandbox["complete"], true, "{sandbox:#}");
    assert!(attempts.len() > 30, "{attempts:#?}");
    for attempt in &attempts {
        assert!(attempt["refused"].is_string(), "{attempt}");
    }
}

#[test]
fn a_worker_gets_at_what_it_was_granted_and_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let [read, write, other] = ["read", "write", "other"].map(|name| folder.path().join(name));
    for path in [&read, &write, &other] {
        fs::create_dir(path).expect("a folder");
    }
    let (sandbox, attempts) = probe(worker(), &[&read], &[&write], &[&read, &write, &other]);
    let landlock = sandbox["measures"].to_string().contains("landlock");
    // Without Landlock nothing holds folders apart, and that is what it must say.
    assert_eq!(sandbox["complete"], landlock, "{sandbox:#}");
    if !landlock {
        return;
    }
    let allowed = [
        format!("list {}", read.display()),
        format!("list {}", write.display()),
        format!("write in {}", write.display()),
    ];
    for attempt in &attempts {
        let what = attempt["what"].as_str().expect("what");
        let succeeded = attempt["refused"].is_null();
        assert_eq!(succeeded, allowed.iter().any(|allowed| allowed == what), "{attempt}");
    }
}

/// A worker that runs a plugin has the code that is kept open to read. It is as confined as any, and tries
/// all the same: the folder, the file by its name, and the file that it has.
#[test]
fn a_worker_cannot_change_the_code_that_it_was_given() {
    let folder = tempfile::tempdir().expect("a folder");
    let code = folder.path().join("code");
    fs::write(&code, "code").expect("it is written");
    let grants = serde_json::json!({
        "read": [], "write": [], "open": [code], "memory": 0,
        "processor": { "secs": 10, "nanos": 0 }, "required": true,
    });
    let (sandbox, attempts) = probe_with(worker(), &grants, &[folder.path(), &code]);
    assert_eq!(sandbox["complete"], true, "{sandbox:#}");
    let given = |attempt: &&Value| attempt["what"].to_string().contains("was given");
    assert_eq!(attempts.iter().filter(given).count(), 2, "{attempts:#?}");
    for attempt in &attempts {
        // It has one descriptor more than others, and that is this one.
        if attempt["what"] != "find an inherited descriptor" {
            assert!(attempt["refused"].is_string(), "{attempt}");
        }
    }
    assert_eq!(fs::read_to_string(&code).expect("it is there"), "code");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

/// A descriptor that was left open for children does not outlive the start of a worker.
#[test]
fn a_worker_inherits_nothing() {
    let mut leaky = Command::new("sh");
    leaky.args(["-c", "exec 7</etc/passwd; exec \"$0\" worker --probe"]);
    leaky.arg(env!("CARGO_BIN_EXE_plugtool"));
    let (sandbox, attempts) = probe(leaky, &[], &[], &[]);
    assert_eq!(sandbox["complete"], true, "{sandbox:#}");
    let of = |what: &str| attempts.iter().find(|attempt| attempt["what"] == what);
    let found = of("find an inherited descriptor").expect("an attempt");
    assert_eq!(found["refused"], "there is none");
}

/// On a system without system call filters and without Landlock, which is what this thread has made of
/// its own: a host that demands the sandbox judges nothing, and one that does not is told.
#[test]
fn without_a_sandbox_there_is_no_verdict_unless_the_host_wants_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let demo = root().join("compositions/cli-host");
    let strict = folder.path().join("strict.toml");
    let lenient = folder.path().join("lenient.toml");
    let text = format!(
        "[host]\nwit = [{0:?}]\nworlds = [\"my:cli/plugin@0.2.0\"]\n\
         smoke = [{1:?}]\n",
        demo.join("wit/v0.2"),
        demo.join("smoke/greet.toml"),
    );
    fs::write(&strict, &text).expect("a host");
    fs::write(&lenient, format!("{text}[policy]\nrequire-sandbox = false\n")).expect("a host");
    let gate = |host: &Path| {
        let output = Command::new(env!("CARGO_BIN_EXE_plugtool"))
            .args(["gate", "--format", "json", "--host"])
            .arg(host)
            .arg("--cache-dir")
            .arg(folder.path())
            .arg("--plugins")
            .arg(root().join("testdata/plugins/greet/greet.wasm"))
            .output()
            .expect("plugtool starts");
        let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
        (output.status.code(), report)
    };
    // What was found out inside of a sandbox counts for nothing where there is none.
    for host in [&strict, &strict, &lenient] {
        assert_eq!(gate(host).0, Some(0));
    }
    assert!(gate(&strict).1["plugins"][0]["cached"].is_array());
    let without = std::thread::scope(|scope| {
        let without = scope.spawn(|| {
            forbid_confinement();
            (gate(&strict), gate(&lenient))
        });
        without.join().expect("two gates")
    });
    let ((strict, strictly), (lenient, leniently)) = without;
    assert_eq!(strict, Some(3), "{strictly:#}");
    assert_eq!(strictly["plugins"][0]["verdict"], "unjudged");
    let why = strictly["plugins"][0]["failure"].as_str().expect("why");
    assert!(why.contains("require-sandbox") && why.contains("system call filter"), "{why}");
    assert_eq!(lenient, Some(0), "{leniently:#}");
    assert_eq!(leniently["sandbox"]["complete"], false);
    let missing = leniently["sandbox"]["missing"].to_string();
    assert!(
        missing.contains("landlock") && missing.contains("a socket could be made"),
        "{missing}"
    );
}

/// Makes this thread, and what it starts, live on a system without them.
fn forbid_confinement() {
    use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};
    let [seccomp, landlock] = if cfg!(target_arch = "x86_64") { [317, 444] } else { [277, 444] };
    let rules = [(seccomp, Vec::new()), (landlock, Vec::new())];
    let filter = SeccompFilter::new(
        rules.into_iter().collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(38),
        std::env::consts::ARCH.try_into().expect("a known architecture"),
    );
    let program: BpfProgram = filter.expect("a filter").try_into().expect("a program");
    apply_filter(&program).expect("a filter");
}
