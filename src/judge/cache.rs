//! What was found out about plugins before, so that it need not be found out again. There are two kinds of
//! facts, each under the digest of all that it depends on: how a file stands to a host's contract, and what
//! came of running what would be run. A host's policy, its waivers and today's date are applied to them
//! each time. What depends on a file alone is known to [`super::code`].
//!
//! Whoever can write to the folder decides verdicts. A plugin cannot: the worker that runs it opens no file.

mod key;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::trial::{Terms, Trial, confinement};
use crate::check::Surface;
use crate::config::{Case, Host, Plugin};
use crate::diagnostic::{
    AdapterUse, CaseReport, Code, Diagnostic, Distance, PluginReport, Sandbox, StubUse,
};
use crate::input;

pub use super::store::Oddities;
use super::store::Store;

/// What is known from before, for one program and one host.
#[derive(Debug)]
pub struct Cache {
    store: Store,
    /// The digest of the program, which is that of the engine too.
    program: String,
    /// The digest of what decides of the host.
    host: String,
    /// How a worker is confined on this machine; none where none could be asked.
    sandbox: OnceLock<Option<Sandbox>>,
}

/// How a file stands to a host's contract, and what would be run of it. Policy is not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contract {
    adapted: bool,
    world: Option<String>,
    distances: Vec<Distance>,
    adapters: Vec<AdapterUse>,
    stubs: Vec<StubUse>,
    stubbed_by: Option<Vec<usize>>,
    diagnostics: Vec<Diagnostic>,
    /// What a policy looks at; none where it is not asked.
    pub surface: Option<Surface>,
    /// The index of the host's world that is targeted; none where none is.
    pub target: Option<usize>,
    /// SHA-256 of what would be run, in hex; none where nothing would.
    pub fitted: Option<String>,
}

impl Contract {
    /// What a report says of it so far, with the index of the world that is targeted and the digest of what
    /// would be run.
    pub fn of(
        report: &PluginReport,
        surface: Option<Surface>,
        fitted: Option<(usize, String)>,
    ) -> Contract {
        let (target, fitted) = fitted.unzip();
        Contract {
            adapted: report.adapted,
            world: report.world.clone(),
            distances: report.distances.clone(),
            adapters: report.adapters.clone(),
            stubs: report.stubs.clone(),
            stubbed_by: report.stubbed_by.clone(),
            diagnostics: report.diagnostics.clone(),
            surface,
            target,
            fitted,
        }
    }

    /// Puts it into a report of which nothing is known but its file.
    pub fn put_into(self, report: &mut PluginReport) {
        let Contract { adapted, world, distances, adapters, stubs, stubbed_by, .. } = self;
        report.adapted = adapted;
        report.world = world;
        report.distances = distances;
        report.adapters = adapters;
        report.stubs = stubs;
        report.stubbed_by = stubbed_by;
        report.diagnostics.extend(self.diagnostics);
    }
}

/// What came of running cases.
#[derive(Serialize, Deserialize)]
struct Outcome {
    cases: Vec<CaseReport>,
    diagnostics: Vec<Diagnostic>,
    sandbox: Option<Sandbox>,
}

/// The digest of a program.
///
/// # Errors
///
/// Where its file cannot be read.
pub fn fingerprint(program: &Path) -> io::Result<String> {
    let mut file = File::open(program)?;
    let mut digest = Sha256::new();
    let mut piece = vec![0; 256 << 10];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(input::hex(&digest.finalize())),
            read => digest.update(&piece[..read]),
        }
    }
}

impl Cache {
    /// Opens a folder of facts for a program, given by its [`fingerprint`], and a host. The folder is made
    /// where it is not there.
    ///
    /// # Errors
    ///
    /// Why it cannot be used.
    pub fn open(folder: &Path, program: String, host: &Host) -> Result<Cache, String> {
        let store = Store::open(folder)?;
        Ok(Cache { store, program, host: key::host(host), sandbox: OnceLock::new() })
    }

    /// Makes room, and says what was odd.
    pub fn close(&self) -> Oddities {
        self.store.close()
    }

    pub(super) fn contract_key(&self, plugin: &Plugin, sha256: &str) -> String {
        key::contract(&self.program, &self.host, plugin, sha256)
    }

    pub(super) fn contract(&self, key: &str) -> Option<Contract> {
        self.store.get(key)
    }

    pub(super) fn keep_contract(&self, key: &str, contract: &Contract) {
        self.store.put(key, contract);
    }

    /// The key of what comes of running cases on these terms. None where that is not kept: where what is
    /// returned is recorded, which is more than is kept, and where it depends on folders of the host.
    pub(super) fn cases_key(
        &self,
        fitted: &str,
        cases: &[&Case],
        terms: Terms<'_>,
    ) -> Option<String> {
        let Terms {
            id,
            target,
            limits,
            unscripted: _,
            record,
            worker: _,
            code: _,
            require_sandbox,
        } = terms;
        let sandbox = self.sandbox.get_or_init(|| confinement(terms).ok()).as_ref()?;
        if record || (require_sandbox && !sandbox.complete) {
            return None;
        }
        let subject = key::Subject { id, fitted, target: target? };
        key::cases(&self.program, sandbox, subject, limits, cases)
    }

    pub(super) fn trial(&self, key: &str) -> Option<Trial> {
        let Outcome { cases, diagnostics, sandbox } = self.store.get(key)?;
        Some(Trial { cases, diagnostics, sandbox, failure: None })
    }

    /// Keeps what came of running cases, where it would come to the same the next time.
    pub(super) fn keep_trial(&self, key: &str, trial: &Trial) {
        let confined = self.sandbox.get().and_then(Option::as_ref);
        let as_known = trial.sandbox.is_some() && trial.sandbox.as_ref() == confined;
        if as_known
            && trial.failure.is_none()
            && trial.diagnostics.iter().all(|finding| is_lasting(finding.code))
        {
            let Trial { mut cases, diagnostics, sandbox, failure: _ } = trial.clone();
            // How long it took is true of this time alone.
            cases.iter_mut().for_each(|case| case.timing = None);
            self.store.put(key, &Outcome { cases, diagnostics, sandbox });
        }
    }
}

/// Whether a finding of a run is about the component alone. What ran out of time, lost its process, or
/// went two ways may go another way on another day; how much stack code takes is the machine's business.
/// Every code is named: whoever adds one says which it is.
fn is_lasting(code: Code) -> bool {
    match code {
        Code::InvalidComponent
        | Code::MissingExport
        | Code::LinkFailed
        | Code::SmokeMismatch
        | Code::Trap
        | Code::OutOfFuel
        | Code::MemoryLimit
        | Code::TableLimit
        | Code::InstanceLimit
        | Code::HandleLimit
        | Code::TransferLimit
        | Code::OutputLimit
        | Code::Exited
        | Code::UnexpectedHostCall
        | Code::MissingHostCall
        | Code::ExtraHostCall
        | Code::HostCallOrder
        | Code::HostCallArgument
        | Code::ForbiddenHostCall
        | Code::OverBudget
        | Code::FuelRegression
        | Code::StaleBaseline => true,
        Code::TimedOut
        | Code::CompileTimedOut
        | Code::WorkerDied
        | Code::StackOverflow
        | Code::Nondeterministic => false,
        // These are no findings of runs.
        Code::Unreadable
        | Code::NotAComponent
        | Code::UnknownImport
        | Code::TypeMismatch
        | Code::ResourceIdentity
        | Code::AmbiguousWiring
        | Code::UnusedComponent
        | Code::ExportConflict
        | Code::WiringCycle
        | Code::PrecompiledArtifact
        | Code::TooLarge
        | Code::IncompatibleVersion
        | Code::NewerThanHost
        | Code::PrereleaseVersion
        | Code::MixedWasiVersions
        | Code::DeniedImport
        | Code::UnusedWaiver
        | Code::ExpiredWaiver
        | Code::ImportUnsatisfied
        | Code::NoAdapterPath
        | Code::DebugBuild
        | Code::CannotStub
        | Code::UnusedStub
        | Code::VersionNotHonoured => false,
    }
}
