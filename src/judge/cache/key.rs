//! What a fact depends on, as one digest. Where a type gets a field, the patterns here stop compiling:
//! whoever adds it says whether it decides.

use std::fmt::{self, Debug, Write};

use sha2::{Digest as _, Sha256};

use crate::component::Component;
use crate::config::{Case, Host, Limits, Misfit, Plugin, Policy, Resolved};
use crate::diagnostic::Sandbox;
use crate::input;
use crate::world;

/// A digest in the making. Each part has its name and its end, so that no two lists of parts are one.
struct Parts(Sha256);

impl Parts {
    fn of(kind: &str) -> Parts {
        Parts(Sha256::new()).bytes("kind", kind.as_bytes())
    }

    fn bytes(mut self, name: &str, bytes: &[u8]) -> Parts {
        self.0.update((name.len() as u64).to_le_bytes());
        self.0.update(name);
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    fn text(self, name: &str, text: &str) -> Parts {
        self.bytes(name, text.as_bytes())
    }

    /// Plain data, all of it: what is derived leaves nothing out.
    fn data(self, name: &str, data: &dyn Debug) -> Parts {
        let mut inner = Inner(Sha256::new());
        // It fails only where a value's own words do.
        let whole = write!(inner, "{data:?}").is_ok();
        let digest = inner.0.finalize();
        self.bytes(name, &digest).bytes("whole", &[u8::from(whole)])
    }

    fn end(self) -> String {
        input::hex(&self.0.finalize())
    }
}

/// Takes in text as it is written.
struct Inner(Sha256);

impl Write for Inner {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text);
        Ok(())
    }
}

/// All of a host that decides whether a plugin fits it, and what is composed so that it does. What the
/// host's policy makes of that is no part of it, but for what is to be stubbed.
pub fn host(host: &Host) -> String {
    let Host {
        config: _,
        worlds,
        provides,
        adapters,
        adapt_modules,
        plugins: _,
        cases: _,
        limits: _,
        policy,
    } = host;
    let Policy {
        allow_imports: _,
        deny_imports: _,
        stub_imports: _,
        max_bytes: _,
        versions: _,
        versions_place: _,
        versions_of: _,
        severities: _,
        waivers: _,
        require_sandbox: _,
    } = policy;
    let adapter = |adapter: &Component| (adapter.name.clone(), adapter.sha256().to_owned());
    Parts::of("host")
        .data("worlds", worlds)
        .data("provides", provides)
        .data("adapters", &adapters.iter().map(adapter).collect::<Vec<_>>())
        .data("adapt-modules", adapt_modules)
        .data("stub-imports", &policy.stub_patterns())
        .end()
}

/// What decides how a plugin's file stands to a host: `host` is [`host`]'s digest, `sha256` that of the
/// file. The plugin's name is in what is composed, and its path in what is said.
pub fn contract(program: &str, host: &str, plugin: &Plugin, sha256: &str) -> String {
    let Plugin { id, path, enabled: _ } = plugin;
    Parts::of("contract")
        .text("program", program)
        .text("host", host)
        .text("id", id)
        .text("path", path)
        .text("file", sha256)
        .end()
}

/// Whose cases are run.
#[derive(Clone, Copy)]
pub struct Subject<'s> {
    /// The plugin's id.
    pub id: &'s str,
    /// The digest of what would be run.
    pub fitted: &'s str,
    /// The host's world that it targets.
    pub target: world::Host<'s>,
}

/// What decides what comes of running a component's smoke cases. Of the target, that is what the cases name
/// in it; what the component calls the same follows from its bytes. None where a case depends on something
/// that has no digest.
pub fn cases(
    program: &str,
    sandbox: &Sandbox,
    Subject { id, fitted, target }: Subject<'_>,
    limits: &Limits,
    cases: &[&Case],
) -> Option<String> {
    let Sandbox { complete, measures, missing } = sandbox;
    let deciding: Vec<String> = cases.iter().map(|case| case.deciding()).collect::<Option<_>>()?;
    let resolved: Vec<Result<Resolved, Misfit>> =
        cases.iter().map(|case| case.resolve_for(target, limits, Some(id))).collect();
    let parts = Parts::of("cases")
        .text("program", program)
        .data("sandbox", &(complete, measures, missing))
        .text("id", id)
        .text("fitted", fitted)
        .data("target", &target.world.name)
        .data("resolved", &resolved)
        .data("limits", limits)
        .data("cases", &deciding);
    Some(parts.end())
}
