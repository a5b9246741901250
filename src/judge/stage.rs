//! Where judging is: what is said where it broke, and where the tests break it.

use std::cell::Cell;
use std::fmt;
use std::panic::{self, AssertUnwindSafe};

use super::JudgeError;

/// What is done with a plugin, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Its file is read.
    Read,
    /// It is decoded and validated, and adapted where it is a core module.
    Decode,
    /// It is checked against the host's worlds, as it is or with imports closed by stubs.
    Check,
    /// The host's adapters are searched for a way.
    Choose,
    /// It is composed with them.
    Compose,
    /// What was composed is checked.
    CheckAgain,
    /// The host's severities and waivers are applied.
    Weigh,
    /// It is run.
    Run,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Read => "reading it",
            Stage::Decode => "decoding it",
            Stage::Check => "checking it",
            Stage::Choose => "choosing adapters for it",
            Stage::Compose => "composing it",
            Stage::CheckAgain => "checking what was composed",
            Stage::Weigh => "applying the host's policy",
            Stage::Run => "running it",
        })
    }
}

thread_local! {
    /// A plugin is judged on one thread, from its first stage to its last.
    static NOW: Cell<Stage> = const { Cell::new(Stage::Read) };
}

/// Notes that a stage begins.
pub fn begin(stage: Stage) {
    NOW.set(stage);
    #[cfg(test)]
    tests::break_down(stage);
}

/// Judges behind a boundary that no panic gets across: it says at which stage.
///
/// # Errors
///
/// Those of the work itself, and [`JudgeError::Internal`] where it panicked.
pub fn guarded<T>(work: impl FnOnce() -> Result<T, JudgeError>) -> Result<T, JudgeError> {
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err(JudgeError::Internal(format!("plugtool itself panicked while {}", NOW.get())))
    })
}

#[cfg(test)]
mod tests {
    //! A fault at every stage, and what the verdict is then.

    use std::cell::Cell;
    use std::num::NonZero;
    use std::path::Path;

    use super::Stage;
    use crate::config::{self, Plugin};
    use crate::diagnostic::{PluginReport, Severity, Verdict};
    use crate::judge::{Options, judge};

    const STAGES: [Stage; 8] = [
        Stage::Read,
        Stage::Decode,
        Stage::Check,
        Stage::Choose,
        Stage::Compose,
        Stage::CheckAgain,
        Stage::Weigh,
        Stage::Run,
    ];

    thread_local! {
        static FAULT: Cell<Option<Stage>> = const { Cell::new(None) };
    }

    /// Panics at the stage that is to break.
    pub fn break_down(stage: Stage) {
        assert!(FAULT.get() != Some(stage), "a fault was injected");
    }

    /// A plugin of an older contract, which goes through all of it. The worker is a script that says what
    /// one would say that ran its cases, each of which passed.
    #[cfg(unix)]
    fn judged(fault: Option<Stage>) -> PluginReport {
        use std::os::unix::fs::PermissionsExt;
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folder = tempfile::tempdir().expect("a folder");
        let worker = folder.path().join("worker");
        let script = "#!/bin/sh\ncat > /dev/null &\n\
             echo '{\"complete\":true,\"measures\":[]}'\necho '\"compiled\"'\n\
             for case in 0 1 2; do\n\
             echo \"{\\\"case\\\":{\\\"index\\\":$case}}\"\n\
             echo '{\"passed\":{\"fuel\":1,\"memory\":0}}'\ndone\necho '\"done\"'\n";
        std::fs::write(&worker, script).expect("a worker");
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&worker, executable).expect("a program");
        let host = config::load(&root.join("compositions/cli-host")).expect("a host");
        let plugin = Plugin {
            id: "upper".to_owned(),
            path: root.join("testdata/plugins/upper/upper.wasm").display().to_string(),
            enabled: true,
        };
        let options = Options {
            worker,
            fail_on: Severity::Error,
            jobs: NonZero::<usize>::MIN,
            today: (2026, 1, 1),
            record: false,
            code: None,
            cache: None,
        };
        FAULT.set(fault);
        let report = judge(&plugin, &host, &options);
        FAULT.set(None);
        report
    }

    #[cfg(unix)]
    #[test]
    fn a_fault_at_any_stage_leaves_no_verdict() {
        let sound = judged(None);
        assert_eq!((sound.verdict, sound.cases.len()), (Verdict::Pass, 3), "{sound:#?}");
        for stage in STAGES {
            let report = judged(Some(stage));
            assert_eq!(report.verdict, Verdict::Unjudged, "{stage:?}: {report:#?}");
            let why = format!("plugtool itself panicked while {stage}");
            assert_eq!(report.failure, Some(why));
        }
    }
}
