//! The fuel of a case against its budget and its baseline.

use super::{Terms, advice};
use crate::config::Case;
use crate::diagnostic::{Code, CompiledBy, Diagnostic, Severity, WitPath};
use crate::smoke::ENGINE;

/// Holds the fuel of a case that passed against what it may use and what it used before.
pub fn measured(
    case: &Case,
    terms: Terms<'_>,
    fuel: u64,
    compiler: Option<CompiledBy>,
) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    // What is recorded is not compared with what was.
    let baseline = case.baseline.as_ref().filter(|_| !terms.record);
    let path = WitPath::root("smoke case", &case.name);
    if let Some((most, place)) = case.max_fuel.as_ref().filter(|(most, _)| fuel > *most) {
        let message = format!("it took {fuel} fuel; {most} is the most");
        let finding = Diagnostic::error(Code::OverBudget, message).at(path.clone());
        findings.push(finding.help(advice(Code::OverBudget)).decided_by(place));
    }
    let Some(baseline) = baseline else { return findings };
    let Some(before) = baseline.fuel.get(terms.id).copied() else { return findings };
    let finding = if baseline.engine != ENGINE {
        let message = format!(
            "its fuel was recorded with {}, and {ENGINE} counts otherwise: it is not compared",
            baseline.engine
        );
        Diagnostic::error(Code::StaleBaseline, message).severity(Severity::Note)
    } else if let (Some(recorded), Some(by)) = (baseline.compiler, compiler)
        && recorded != by
    {
        let message = format!(
            "its fuel was recorded for code that {} compiled, and now it is {}, whose code counts a \
             little otherwise: it is not compared",
            recorded.name(),
            by.name()
        );
        Diagnostic::error(Code::StaleBaseline, message).severity(Severity::Note)
    } else {
        let most = u128::from(before) * u128::from(100 + baseline.tolerance) / 100;
        if u128::from(fuel) <= most {
            return findings;
        }
        // Rounded down, so that what is told is never more than what is.
        let percent = (u128::from(fuel) - u128::from(before)) * 100 / u128::from(before.max(1));
        let message = format!(
            "it took {fuel} fuel, {percent} % more than the {before} that were recorded; {} % are \
             tolerated",
            baseline.tolerance
        );
        Diagnostic::error(Code::FuelRegression, message)
    };
    let advice = advice(finding.code);
    findings.push(finding.at(path).help(advice).decided_by(&baseline.place));
    findings
}
