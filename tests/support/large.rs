//! The plugins that are too large to be committed: `scripts/build-testdata --large` builds them where they
//! are not yet built from today's sources.

use std::io::Write;
use std::process::Command;
use std::sync::OnceLock;

use super::{root, which};

/// What the script exits with where a tool is missing.
const MISSING: i32 = 3;

/// Whether they are there, under `target/testdata`. Where a tool is missing, says so in a line, and fails
/// only if `PLUGTOOL_TEST_ALL` is set, as a gate does.
pub fn large_plugins_are_built() -> bool {
    static BUILT: OnceLock<bool> = OnceLock::new();
    *BUILT.get_or_init(|| {
        let missing = if which("bash").is_none() {
            "bash: not installed\n".to_owned()
        } else {
            let build = Command::new("bash")
                .args(["scripts/build-testdata", "--large"])
                .current_dir(root())
                .output()
                .expect("the script starts");
            let said = String::from_utf8_lossy(&build.stderr).into_owned();
            if build.status.success() {
                return true;
            }
            assert_eq!(build.status.code(), Some(MISSING), "{said}");
            said
        };
        let all_tools = std::env::var_os("PLUGTOOL_TEST_ALL").is_some();
        assert!(!all_tools, "{missing}");
        let tools: Vec<&str> =
            missing.lines().filter_map(|line| line.strip_prefix("  ")?.split(':').next()).collect();
        // Not through `eprintln!`, which tests that pass keep to themselves.
        let _ = writeln!(
            std::io::stderr(),
            "skipped: plugins in Python and JavaScript, without {}",
            tools.join(" and ")
        );
        false
    })
}
