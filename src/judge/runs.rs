//! Smoke cases in their order, whatever their kind: neighbours of one kind share workers.

use super::JudgeError;
use super::command::run_command_cases;
use super::http::run_http_cases;
use super::trial::{Terms, Trial, foreign, resolve, run_cases};
use crate::component::Component;
use crate::config::Case;

/// How a case is run.
#[derive(PartialEq)]
enum Kind {
    Calls,
    Command,
    Request,
    /// Not at all: it is made for another world of the host, for this reason.
    Foreign(String),
}

/// Runs smoke cases, up to the first that cannot be run to its end: why not is the trial's failure, beside what
/// was found until then. That is [`JudgeError::Case`] where a granted folder cannot be opened, and
/// [`JudgeError::Internal`] where there is no worker to be had, or none that is confined as the terms demand.
///
/// # Errors
///
/// [`JudgeError::Case`] where no host's world decides and a call of any case cannot be made, before anything
/// runs.
pub fn run_all(
    component: &Component,
    cases: &[&Case],
    terms: Terms<'_>,
) -> Result<Trial, JudgeError> {
    if cases.is_empty() {
        return run_cases(component, cases, terms);
    }
    let kind = |case: &&Case| match resolve(case, component, terms) {
        // In one of the host's worlds it can be made: that was seen when the host was read.
        Err(JudgeError::Case(why)) if terms.target.is_some() => Ok(Kind::Foreign(why)),
        Err(error) => Err(error),
        Ok(_) if case.command.is_some() => Ok(Kind::Command),
        Ok(_) if case.http.is_some() => Ok(Kind::Request),
        Ok(_) => Ok(Kind::Calls),
    };
    let kinds = cases.iter().map(kind).collect::<Result<Vec<_>, _>>()?;
    let mut all = Trial::default();
    let mut rest = cases;
    for kinds in kinds.chunk_by(|a, b| a == b) {
        let (group, after) = rest.split_at(kinds.len());
        rest = after;
        let trial = match &kinds[0] {
            Kind::Calls => run_cases(component, group, terms),
            Kind::Command => {
                let commands =
                    group.iter().filter_map(|case| Some((*case, case.command.as_ref()?)));
                run_command_cases(component, &commands.collect::<Vec<_>>(), terms)
            }
            Kind::Request => {
                let requests = group.iter().filter_map(|case| Some((*case, case.http.as_ref()?)));
                run_http_cases(component, &requests.collect::<Vec<_>>(), terms)
            }
            Kind::Foreign(why) => Ok(foreign(group, why, terms)),
        };
        let trial =
            trial.unwrap_or_else(|error| Trial { failure: Some(error), ..Trial::default() });
        let complete = trial.cases.len() == group.len();
        all.cases.extend(trial.cases);
        all.diagnostics.extend(trial.diagnostics);
        all.sandbox = all.sandbox.or(trial.sandbox);
        all.failure = trial.failure;
        if !complete || all.failure.is_some() {
            // It cannot be run at all, and the next worker would find the same.
            break;
        }
    }
    Ok(all)
}
