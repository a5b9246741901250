//! From a component to what the host would run: itself, or what comes of closing imports by stubs and
//! of composing it with the host's adapters.

use super::stage::{Stage, begin};
use super::stubs::{self, Closed, NotClosed};
use super::{JudgeError, node};
use crate::check::{Finding, Surface, check, policy, surface};
use crate::component::Component;
use crate::compose::compose;
use crate::config::{Host, Pattern};
use crate::diagnostic::{AdapterUse, Diagnostic, PluginReport, Severity};
use crate::wiring::search::{self, Attempt, Outcome, Way};
use crate::wiring::{self, Node, Wishes};
use crate::world;

/// Measures a component against the host, and puts what it finds into the report: findings where the
/// component targets no world, and neither stubs nor the host's adapters make it fit; or else the
/// world, the stubs, the adapters, and what the host's policy has to say of what would be run.
///
/// Nothing is run.
pub fn measure(component: Component, host: &Host, report: &mut PluginReport) {
    match fit(component, host, report) {
        Ok(Fitted { surface: Some(surface), .. }) => {
            report.diagnostics.extend(policy(&surface, &host.policy));
        }
        Ok(_) => {}
        Err(error) => report.failure = Some(error.to_string()),
    }
}

/// What came of fitting a component to a host.
#[derive(Debug, Default)]
pub struct Fitted {
    /// What the host would run; none where it would run nothing, for the reasons in the report.
    pub component: Option<Component>,
    /// What the host's policy has a say in; none where it is too early to ask.
    pub surface: Option<Surface>,
    /// The index of the host's world that it targets; none where it targets none.
    pub target: Option<usize>,
}

/// What the host would run: the component itself where it targets one of its worlds, or what comes of
/// stubs for imports that the host wants closed, and of the host's adapters. Nothing, and the reasons in
/// the report, where nothing will do. Policy is not asked yet.
///
/// # Errors
///
/// Where composing broke.
pub fn fit(
    component: Component,
    host: &Host,
    report: &mut PluginReport,
) -> Result<Fitted, JudgeError> {
    begin(Stage::Check);
    let patterns = host.policy.stub_patterns();
    // What the engine refuses is nothing to compose with.
    if !component.refused.is_empty() {
        let finding = check(&component, host);
        return Ok(refuse(&component, finding, None, host, report));
    }
    let alone = match stubs::close(&[&component], &stubs::alone(&component), &patterns) {
        Ok(mut closed) => {
            if let Some(closed) = &mut closed {
                // Advice goes by who made the plugin, not by who closed its imports.
                closed.component.producers.clone_from(&component.producers);
            }
            let measured = closed.as_ref().map_or(&component, |closed| &closed.component);
            let finding = check(measured, host);
            Ok((closed, finding))
        }
        // Inside a composition, what stands in the way here may stand in nobody's.
        Err(NotClosed::Findings(findings)) => Err(findings),
        Err(error) => return Err(broke(&error)),
    };
    let alone = match alone {
        Ok((closed, finding)) if finding.diagnostics.is_empty() => {
            let fitted = note_stubs(closed, report).unwrap_or(component);
            return Ok(accept(fitted, finding.world, host, report));
        }
        unfit => unfit,
    };
    let mut near = None;
    begin(Stage::Choose);
    match through_adapters(&component, host, &patterns) {
        Search::Found(world, way) => {
            return adapted(&component, host, &patterns, world, &way, report);
        }
        Search::Nothing(attempt) => near = attempt,
        Search::GivenUp => report.failure = Some(search::out_of_budget()),
    }
    match alone {
        Ok((closed, finding)) => {
            let fitted = note_stubs(closed, report).unwrap_or(component);
            Ok(refuse(&fitted, finding, near, host, report))
        }
        Err(findings) => {
            report.world.clone_from(&host.worlds[0].name);
            report.diagnostics.extend(findings);
            Ok(Fitted::default())
        }
    }
}

fn broke(error: &NotClosed) -> JudgeError {
    JudgeError::Internal(error.to_string())
}

/// Puts the stubs into the report, or that nothing was to be closed.
fn note_stubs(closed: Option<Closed>, report: &mut PluginReport) -> Option<Component> {
    let Some(closed) = closed else {
        report.stubbed_by = Some(Vec::new());
        return None;
    };
    report.stubs = closed.table;
    report.stubbed_by = Some(closed.matched);
    Some(closed.component)
}

fn accept(fitted: Component, world: usize, host: &Host, report: &mut PluginReport) -> Fitted {
    let target = &host.worlds[world];
    report.world.clone_from(&target.name);
    let surface = surface(&fitted.world, host, target, &[]);
    Fitted { component: Some(fitted), surface: Some(surface), target: Some(world) }
}

/// What the host's adapters come to.
enum Search {
    /// The index of a world, and the way to it.
    Found(usize, Way),
    /// How near the best attempt came, and to which world.
    Nothing(Option<(Attempt, usize)>),
    /// It is not known.
    GivenUp,
}

fn through_adapters(component: &Component, host: &Host, patterns: &[Pattern]) -> Search {
    let pool: Vec<Node<'_>> = host.adapters.iter().map(node).collect();
    let mut near = None;
    let mut given_up = false;
    for (index, world) in host.worlds.iter().enumerate() {
        let target = world::Host { world, provides: &host.provides };
        let wishes = Wishes { target: Some(target), stub: patterns, ..Wishes::default() };
        match search::adapt(&[node(component)], &pool, &wishes) {
            Outcome::Way(way) => return Search::Found(index, way),
            Outcome::NoWay(attempt) => {
                near = near.take().or_else(|| attempt.map(|attempt| (attempt, index)));
            }
            Outcome::OutOfBudget => given_up = true,
        }
    }
    if given_up { Search::GivenUp } else { Search::Nothing(near) }
}

/// Composes a component with adapters, closes what is to be closed, and looks at what came out.
fn adapted(
    component: &Component,
    host: &Host,
    patterns: &[Pattern],
    world: usize,
    way: &Way,
    report: &mut PluginReport,
) -> Result<Fitted, JudgeError> {
    let adapters = || way.adapters.iter().map(|&index| &host.adapters[index]);
    let parts: Vec<&Component> = std::iter::once(component).chain(adapters()).collect();
    let target = &host.worlds[world];
    report.world.clone_from(&target.name);
    report.adapters = adapters()
        .map(|a| AdapterUse { name: a.name.clone(), sha256: a.sha256().to_owned() })
        .collect();
    begin(Stage::Compose);
    let closed = match stubs::close(&parts, &way.plan, patterns) {
        Ok(closed) => closed,
        Err(NotClosed::Findings(findings)) => {
            report.diagnostics.extend(findings);
            return Ok(Fitted::default());
        }
        Err(error) => return Err(broke(&error)),
    };
    let composed = match note_stubs(closed, report) {
        Some(composed) => composed,
        None => compose(&parts, &way.plan).map_err(|e| JudgeError::Internal(e.to_string()))?,
    };
    begin(Stage::CheckAgain);
    let sides = world::Host { world: target, provides: &host.provides };
    if let Some(mismatch) = world::targets(&composed.world, sides).first() {
        return Err(JudgeError::Internal(format!(
            "what was composed does not target {} after all: {}",
            target.name.as_deref().unwrap_or("the world"),
            mismatch.path
        )));
    }
    if !composed.refused.is_empty() {
        report.diagnostics.extend(composed.refused);
        return Ok(Fitted::default());
    }
    Ok(accept(composed, world, host, report))
}

/// Says why a component does not fit.
fn refuse(
    component: &Component,
    finding: Finding,
    near: Option<(Attempt, usize)>,
    host: &Host,
    report: &mut PluginReport,
) -> Fitted {
    let target = &host.worlds[finding.world];
    report.world.clone_from(&target.name);
    report.distances = finding.distances;
    let note: Option<Diagnostic> = near.map(|(attempt, index)| {
        let world = host.worlds[index].name.as_deref().unwrap_or("the world");
        wiring::no_adapter_path(&attempt, world).severity(Severity::Note)
    });
    let surface = surface(&component.world, host, target, &finding.diagnostics);
    report.diagnostics.extend(finding.diagnostics);
    report.diagnostics.extend(note);
    Fitted { surface: Some(surface), ..Fitted::default() }
}
