//! `plugtool compose --stub`: what is to be closed, and what comes of it.

use super::Compose;
use crate::cli::Failure;
use crate::component::Component;
use crate::config::{Host, Pattern};
use crate::diagnostic::Diagnostic;
use crate::judge::node;
use crate::judge::stubs::{self, Closed, NotClosed};
use crate::wiring::{self, Node, Plan};
use crate::{check, compose};

impl Compose {
    /// What is to be closed: what the flags say, and then what the host wants.
    pub(super) fn patterns(&self, host: Option<&Host>) -> Result<Vec<Pattern>, Failure> {
        let flags = self.stub.iter().map(|text| {
            Pattern::parse(text)
                .map_err(|reason| Failure::usage(anyhow::anyhow!("--stub {text}: {reason}")))
        });
        let mut patterns = flags.collect::<Result<Vec<_>, _>>()?;
        patterns.extend(host.into_iter().flat_map(|host| host.policy.stub_patterns()));
        Ok(patterns)
    }

    /// What was asked for on the command line and closes nothing.
    pub(super) fn unused_patterns(&self, closed: &Closed, used: &[&Component]) -> Vec<Diagnostic> {
        let imports = || used.iter().flat_map(|c| c.world.imports.keys()).map(String::as_str);
        let unused = (0..self.stub.len()).filter(|index| !closed.matched.contains(index));
        let patterns = unused.filter_map(|index| Pattern::parse(&self.stub[index]).ok());
        patterns.map(|pattern| check::unused_stub(&pattern, imports())).collect()
    }
}

/// Carries out a plan, and closes what is to be closed. Imports that stay open and are at odds are
/// findings. `given` are the bytes of a part that has none any more, and goes with no patterns.
pub(super) fn closed(
    used: &[&Component],
    plan: Plan,
    patterns: &[Pattern],
    given: Option<(usize, Vec<u8>)>,
) -> Result<Result<Closed, Vec<Diagnostic>>, Failure> {
    let error = match stubs::close(used, &plan, patterns) {
        Ok(Some(closed)) => return Ok(Ok(closed)),
        Ok(None) => match compose::compose_over(used, &plan, given) {
            Ok(composed) => return Ok(Ok(Closed::nothing(composed, plan))),
            Err(error) => Failure::internal(error),
        },
        Err(NotClosed::Findings(findings)) => return Ok(Err(findings)),
        Err(error) => Failure::internal(error),
    };
    let nodes: Vec<Node<'_>> = used.iter().map(|component| node(component)).collect();
    let clashes = wiring::clashes(&nodes, &plan);
    if clashes.is_empty() { Err(error) } else { Ok(Err(clashes)) }
}

/// Closes what is to be closed of a composition that no plan can say all of. The plan is as much of it as
/// one can.
pub(super) fn closed_whole(
    whole: Component,
    plan: Plan,
    patterns: &[Pattern],
) -> Result<Result<Closed, Vec<Diagnostic>>, Failure> {
    match stubs::close(&[&whole], &stubs::alone(&whole), patterns) {
        Ok(Some(closed)) => Ok(Ok(Closed { plan, stubs: Vec::new(), ..closed })),
        Ok(None) => Ok(Ok(Closed::nothing(whole, plan))),
        Err(NotClosed::Findings(findings)) => Ok(Err(findings)),
        Err(error) => Err(Failure::internal(error)),
    }
}
