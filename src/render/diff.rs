//! The changes between two worlds as text: by what they break, worst first, then what they ask of
//! versions.

use anstyle::Style;

use super::clean;
use super::text::{BAD, BOLD, DIM, Detail, GOOD, INFO, WARN, count, diagnostics, line, wrapped};
use crate::diagnostic::{
    Bump, Change, ChangeKind, DiffReport, DiffSide, PackageChange, Severity, WitPath,
};

/// How many characters of WIT a line shows of one side, and how many further places, before
/// `--verbose` is asked for more.
const MAX_SHOWN: usize = 300;
const MAX_PLACES: usize = 3;

/// What each group of changes has in common, as `(old plugins, new plugins)` that it breaks.
const GROUPS: [(bool, bool, &str, Style); 4] = [
    (true, true, "breaks old plugins on the new host, and new plugins on the old host", BAD),
    (true, false, "breaks old plugins on the new host", BAD),
    (false, true, "breaks new plugins on the old host", WARN),
    (false, false, "breaks nothing", GOOD),
];

/// The changes, and what they ask of versions.
pub fn diff(report: &DiffReport, detail: Detail) -> String {
    if detail == Detail::Quiet {
        return diagnostics(&report.diagnostics);
    }
    let mut out = String::new();
    for (label, side) in [("old", &report.old), ("new", &report.new)] {
        line(&mut out, format!("{DIM}{label}{DIM:#}  {}", self::side(side)));
        if let (Detail::Verbose, Some(sha256)) = (detail, &side.sha256) {
            line(&mut out, format!("     {DIM}sha256 {sha256}{DIM:#}"));
        }
    }
    for (old, new, title, style) in GROUPS {
        let of_group =
            |change: &&Change| change.breaks_old_plugins == old && change.breaks_new_plugins == new;
        for (i, item) in report.changes.iter().filter(of_group).enumerate() {
            if i == 0 {
                line(&mut out, format!("\n{style}{title}{style:#}"));
            }
            change(&mut out, item, detail);
        }
    }
    if !report.packages.is_empty() {
        out.push('\n');
        packages(&mut out, &report.packages);
    }
    if !report.diagnostics.is_empty() {
        out.push('\n');
        out.push_str(&diagnostics(&report.diagnostics));
    }
    line(&mut out, format!("\n{}", summary(report)));
    out
}

fn side(side: &DiffSide) -> String {
    match &side.world {
        Some(world) => {
            format!("{BOLD}{}{BOLD:#}  {DIM}({}){DIM:#}", clean(world), clean(&side.path))
        }
        None => format!("{BOLD}{}{BOLD:#}", clean(&side.path)),
    }
}

fn change(out: &mut String, change: &Change, detail: Detail) {
    let (sign, style) = match change.kind {
        ChangeKind::Added => ("+", GOOD),
        ChangeKind::Removed => ("-", BAD),
        _ => ("~", INFO),
    };
    let shown = |text: &Option<String>| text.as_ref().map(|text| shortened(&clean(text), detail));
    let what = match (shown(&change.before), shown(&change.after)) {
        (Some(before), Some(after)) => {
            let said = match change.kind {
                ChangeKind::Renamed => "renamed ",
                ChangeKind::Reordered => "the order ",
                _ => "",
            };
            format!("{said}{before} => {after}")
        }
        (before, after) => before.or(after).unwrap_or_default(),
    };
    let place = clean(&change.path.to_string());
    let name = change.path.0.last().and_then(|step| step.name.as_deref());
    let what = if name == Some(&what) { String::new() } else { format!(": {what}") };
    wrapped(out, &format!("{sign} {place}{what}"), 2, style, sign.len());
    wrapped(out, &clean(&change.reason), 6, DIM, 0);
    if !change.also.is_empty() {
        wrapped(out, &also(&change.also, detail), 6, DIM, 0);
    }
}

fn also(places: &[WitPath], detail: Detail) -> String {
    let most = if detail == Detail::Verbose { places.len() } else { MAX_PLACES };
    let named: Vec<String> =
        places.iter().take(most).map(|place| clean(&place.to_string())).collect();
    let more = match places.len().saturating_sub(most) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("seen at {}{more}", named.join(", "))
}

fn shortened(text: &str, detail: Detail) -> String {
    match text.char_indices().nth(MAX_SHOWN) {
        Some((end, _)) if detail < Detail::Verbose => format!("{}...", &text[..end]),
        _ => text.to_owned(),
    }
}

fn packages(out: &mut String, packages: &[PackageChange]) {
    let none = || "no version".to_owned();
    let rows: Vec<[String; 3]> = packages
        .iter()
        .map(|package| {
            let version =
                |version: &Option<String>| version.clone().map_or_else(none, |v| clean(&v));
            let name = package.package.as_deref().unwrap_or("the component");
            let versions = format!("{} => {}", version(&package.old), version(&package.new));
            let needs = match (package.required, &package.at_least) {
                (Bump::None, _) => "needs no step".to_owned(),
                (bump, Some(least)) => format!("needs a {bump} step, {} or higher", clean(least)),
                (bump, None) => format!("needs a {bump} step"),
            };
            [clean(name), versions, needs]
        })
        .collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let [first, second, third] = [0, 1, 2].map(|column| width(column).unwrap_or(0));
    for (package, [name, versions, needs]) in packages.iter().zip(&rows) {
        let (verdict, style) = match package {
            PackageChange { honoured: false, .. } => ("not honoured", BAD),
            PackageChange { required: Bump::None, declared: None | Some(Bump::None), .. } => {
                ("", GOOD)
            }
            PackageChange { required, declared: Some(declared), .. } if declared > required => {
                ("honoured, less would do", GOOD)
            }
            _ => ("honoured", GOOD),
        };
        let verdict =
            if verdict.is_empty() { String::new() } else { format!("  {style}{verdict}{style:#}") };
        let row = format!("{name:first$}  {versions:second$}  {needs:third$}{verdict}");
        line(out, row.trim_end().to_owned());
    }
}

fn summary(report: &DiffReport) -> String {
    if report.changes.is_empty() {
        return format!("{GOOD}no change{GOOD:#}");
    }
    let old = report.changes.iter().filter(|change| change.breaks_old_plugins).count();
    let new = report.changes.iter().filter(|change| change.breaks_new_plugins).count();
    let verb = |n: usize| if n == 1 { "breaks" } else { "break" };
    let (style, verdict) = match report.diagnostics.iter().map(|finding| finding.severity).max() {
        None => (GOOD, "the declared versions honour them"),
        Some(Severity::Error) => (BAD, "the declared versions do not honour them"),
        Some(_) => (WARN, "a declared version could say more"),
    };
    let changes = count(report.changes.len(), "change");
    let (some, others) = (verb(old), verb(new));
    format!(
        "{style}{changes}: {old} {some} old plugins, {new} {others} new ones; {verdict}{style:#}"
    )
}
