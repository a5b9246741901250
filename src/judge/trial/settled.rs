//! Whether a case passed, by what was found about it: in the same way for calls, commands and handlers, and
//! again when the host's policy has given its weights.

use super::Trial;
use crate::diagnostic::{CaseReport, Diagnostic, Severity};

/// Whether a case with these findings has passed: none of them is an error.
pub fn passes<'f>(findings: impl IntoIterator<Item = &'f Diagnostic>) -> bool {
    findings.into_iter().all(|finding| finding.severity != Severity::Error)
}

/// The cases for which the host decides whether they passed, by the weights that it gives: all that was found
/// about them is of codes that have weights. As places in the list.
pub fn open(trial: &Trial) -> Vec<usize> {
    let is_open = |case: &CaseReport| {
        let mut about =
            trial.diagnostics.iter().filter(|finding| finding.is_about(case)).peekable();
        about.peek().is_some() && about.all(|finding| finding.code.is_negotiable())
    };
    let cases = trial.cases.iter().enumerate();
    cases.filter(|(_, case)| is_open(case)).map(|(place, _)| place).collect()
}

/// Settles these cases by findings that have their weights.
pub fn settle(cases: &mut [CaseReport], open: &[usize], findings: &[Diagnostic]) {
    for place in open {
        if let Some(case) = cases.get_mut(*place) {
            case.passed = passes(findings.iter().filter(|finding| finding.is_about(case)));
        }
    }
}
