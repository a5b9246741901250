//! The committed binaries are those of the committed sources.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::process::Command;

use support::{files_below, root, which};

#[test]
fn binaries_belong_to_their_sources() {
    if which("sha256sum").is_none() || which("bash").is_none() {
        return; // The script needs both; Linux has them.
    }
    let check = Command::new("bash")
        .args(["scripts/build-testdata", "--check"])
        .current_dir(root())
        .output()
        .expect("the script starts");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
}

#[test]
fn committed_binaries_stay_small() {
    let files = files_below("testdata/plugins", "wasm");
    let total: u64 = files.iter().map(|path| path.metadata().expect("a file").len()).sum();
    assert!(total < 6 << 20, "{total} bytes");
}
