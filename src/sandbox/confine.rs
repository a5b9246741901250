//! What Linux offers to confine a process, each measure with what came of it. The order matters:
//! privileges go before the filter that forbids the calls that take them away.

use std::fs::File;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, LandlockStatus, Ruleset,
    RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getrlimit, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, set_capabilities, set_no_new_privs,
};

use super::{Grants, OVERHEAD, syscalls};
use crate::diagnostic::Sandbox;

/// The newest rules of Landlock that this file has been thought through for.
const LANDLOCK: ABI = ABI::V6;

/// Confines this process for good. It must have one thread. Returns the files that were to be opened, up to
/// the first that could not be.
pub fn confine(grants: &Grants) -> (Sandbox, Vec<File>) {
    let mut sandbox = Sandbox { complete: true, measures: Vec::new(), missing: Vec::new() };
    // When memory runs out, it is this process that goes. A wish and no promise.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");

    sandbox.needs("no inherited descriptors", syscalls::close_inherited());
    let files = grants.open.iter().map_while(|path| File::open(path).ok()).collect();
    sandbox
        .needs("killed with its supervisor", set_parent_process_death_signal(Some(Signal::KILL)));
    sandbox.needs("not dumpable", set_dumpable_behavior(DumpableBehavior::NotDumpable));
    sandbox.needs("no new privileges", set_no_new_privs(true));
    sandbox.needs("resource limits", limits(grants));
    let landlock = landlock(grants);
    let no_landlock = landlock.is_err();
    match landlock {
        Ok(abi) => sandbox.measures.push(format!("landlock (version {abi})")),
        Err(reason) => sandbox.missing.push(format!("landlock: {reason}")),
    }
    sandbox.needs("no capabilities", no_capabilities());
    let granted = !grants.read.is_empty() || !grants.write.is_empty();
    sandbox.needs("system call filter", syscalls::filter(granted));
    if granted && no_landlock {
        // Without granted folders, the filter refuses to open anything at all. With some, it cannot.
        sandbox.complete = false;
    }
    check(grants, &mut sandbox);
    (sandbox, files)
}

impl Sandbox {
    fn needs(&mut self, measure: &str, done: Result<(), impl ToString>) {
        match done {
            Ok(()) => self.measures.push(measure.to_owned()),
            Err(reason) => {
                self.missing.push(format!("{measure}: {}", reason.to_string()));
                self.complete = false;
            }
        }
    }
}

/// Nobody is believed who has not tried: what must not work is attempted.
fn check(grants: &Grants, sandbox: &mut Sandbox) {
    let path = Path::new("/proc/self/status");
    let granted = grants.read.iter().chain(&grants.write).any(|folder| path.starts_with(folder));
    let attempts = [
        ("a file could be opened", !granted && File::open(path).is_ok()),
        ("a socket could be made", UnixDatagram::unbound().is_ok()),
    ];
    for (what, succeeded) in attempts {
        if succeeded {
            sandbox.missing.push(format!("in spite of all, {what}"));
            sandbox.complete = false;
        }
    }
}

fn limits(grants: &Grants) -> io::Result<()> {
    /// Descriptors: the engine holds one for each memory image of a component.
    const FILES: u64 = 1024;
    /// Bytes in one file. Memory images are files too, to the system.
    const FILE: u64 = 1 << 30;
    let seconds = grants.processor.as_secs().saturating_add(1);
    // Not the address space: the engine reserves gigabytes of it that it never uses. Not the number of
    // processes: that counts those of the user, and does not hold for root.
    let limits = [
        (Resource::Cpu, seconds),
        (Resource::Data, grants.memory.saturating_add(OVERHEAD)),
        (Resource::Fsize, FILE.max(grants.memory)),
        (Resource::Nofile, FILES),
        (Resource::Core, 0),
    ];
    for (resource, wanted) in limits {
        // What is lower already stays so.
        let hard = getrlimit(resource).maximum.unwrap_or(u64::MAX).min(wanted);
        setrlimit(resource, Rlimit { current: Some(hard), maximum: Some(hard) })?;
    }
    Ok(())
}

fn no_capabilities() -> io::Result<()> {
    let none = CapabilitySet::empty();
    // Where the kernel has no ambient set there is nothing to clear.
    let _ = clear_ambient_capability_set();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(())
}

/// Closes the file system but for what is granted. Returns the version of the rules in force.
fn landlock(grants: &Grants) -> Result<i32, String> {
    let say = |error: RulesetError| error.to_string();
    let run: BitFlags<AccessFs> = AccessFs::Execute.into();
    let read = AccessFs::from_read(LANDLOCK) & !run;
    let write = AccessFs::from_all(LANDLOCK) & !run;
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))
        .and_then(|rules| rules.handle_access(AccessNet::from_all(LANDLOCK)))
        .and_then(|rules| rules.scope(Scope::from_all(LANDLOCK)))
        .and_then(|rules| rules.create())
        .and_then(|rules| rules.add_rules(path_beneath_rules(&grants.read, read)))
        .and_then(|rules| rules.add_rules(path_beneath_rules(&grants.write, write)))
        .and_then(|rules| rules.restrict_self())
        .map_err(say)?;
    match (status.ruleset, status.landlock) {
        (RulesetStatus::NotEnforced, LandlockStatus::NotEnabled) => {
            Err("the kernel has it switched off".to_owned())
        }
        (RulesetStatus::NotEnforced, _) => Err("the kernel does not have it".to_owned()),
        (_, LandlockStatus::Available { effective_abi, .. }) => Ok(effective_abi as i32),
        (_, _) => Err("the kernel says nothing of it".to_owned()),
    }
}
