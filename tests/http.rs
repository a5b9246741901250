//! HTTP cases, as far as command cases do not show them: bodies of a megabyte, memory, and that there is
//! nothing in this program that could send a request.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use support::process::{peak_of, worker_of};
use support::random::noise;
use support::root;

const HANDLERS: [&str; 2] = ["postbox", "letterbox"];

/// A folder with a case that sends so many bytes and wants them back.
fn echo(size: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("body.bin"), noise(size)).expect("a body");
    let case = "name = \"echo\"\n\
                request = { method = \"POST\", path = \"/echo\", body-file = \"body.bin\" }\n\
                expect = { body-file = \"body.bin\" }\n";
    fs::write(folder.path().join("case.toml"), case).expect("a case");
    folder
}

fn run(handler: &str, folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plugtool"));
    command
        .args(["run", &format!("testdata/plugins/{handler}/{handler}.wasm"), "--timeout", "10m"])
        .args(["--fuel", "1000000000000", "--smoke"])
        .arg(folder.join("case.toml"))
        .current_dir(root())
        .stdin(Stdio::null());
    command
}

#[test]
fn a_handler_gets_a_megabyte_and_streams_it_back() {
    let folder = echo(1 << 20);
    for handler in HANDLERS {
        let ran = run(handler, folder.path()).output().expect("the program starts");
        assert!(ran.status.success(), "{handler}: {}", String::from_utf8_lossy(&ran.stderr));
    }
    // A byte that is missing or changed is noticed.
    let path = folder.path().join("body.bin");
    let mut body = fs::read(&path).expect("a body");
    body[777_777] ^= 1;
    fs::write(folder.path().join("other.bin"), body).expect("a body");
    let case = fs::read_to_string(folder.path().join("case.toml")).expect("a case");
    let case =
        case.replace("expect = { body-file = \"body.bin\"", "expect = { body-file = \"other.bin\"");
    fs::write(folder.path().join("case.toml"), case).expect("a case");
    for handler in HANDLERS {
        let ran = run(handler, folder.path()).output().expect("the program starts");
        let told = String::from_utf8_lossy(&ran.stderr) + String::from_utf8_lossy(&ran.stdout);
        assert_eq!(ran.status.code(), Some(1), "{handler}: {told}");
        assert!(told.contains("byte 777777: expected"), "{handler}: {told}");
    }
}

/// 100 MB through a handler take no more memory in its worker than 1 MB.
#[cfg(target_os = "linux")]
#[test]
fn bodies_take_no_memory() {
    for handler in HANDLERS {
        let peak = |size: usize| {
            let folder = echo(size);
            let mut child =
                run(handler, folder.path()).stdout(Stdio::null()).spawn().expect("a start");
            let mut peak = 0;
            loop {
                if let Some(held) = worker_of(child.id()).and_then(peak_of) {
                    peak = peak.max(held);
                }
                if let Some(status) = child.try_wait().expect("it ends") {
                    assert!(status.success(), "{handler}");
                    return peak;
                }
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
        };
        let (small, large) = (peak(1 << 20), peak(100 << 20));
        assert!(large > 0 && small > 0);
        let told = format!("{handler}: {small} KiB for 1 MB, {large} KiB for 100 MB");
        assert!(large < small + 8 * 1024, "{told}");
    }
}

/// No HTTP client, no TLS, no resolver: what the engine's HTTP crate would bring is left out. (That a
/// worker may not open a socket either is shown in `tests/hostile.rs`.)
#[test]
fn no_http_client_is_linked() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("a manifest");
    let manifest: toml::Table = manifest.parse().expect("TOML");
    let http = &manifest["dependencies"]["wasmtime-wasi-http"];
    assert_eq!(http["default-features"].as_bool(), Some(false), "{http}");
    let features = http["features"].as_array().expect("a list");
    assert!(
        !features.iter().any(|feature| feature.as_str() == Some("default-send-request")),
        "{http}"
    );

    let lock = fs::read_to_string(root().join("Cargo.lock")).expect("a lock file");
    let lock: toml::Table = lock.parse().expect("TOML");
    let packages = lock["package"].as_array().expect("packages");
    let names: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    assert!(names.contains(&"wasmtime-wasi-http"));
    for client in [
        "curl",
        "hyper-rustls",
        "hyper-tls",
        "hyper-util",
        "isahc",
        "native-tls",
        "openssl",
        "reqwest",
        "rustls",
        "tokio-rustls",
        "ureq",
        "webpki-roots",
    ] {
        assert!(!names.contains(&client), "{client} is in Cargo.lock");
    }
}
