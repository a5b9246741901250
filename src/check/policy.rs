//! What a host wants beyond its contract, applied: findings that a line of its configuration decided,
//! what findings weigh, and what is excused.

use serde::{Deserialize, Serialize};

use crate::config::{Host, Level, Pattern, Policy, Versions};
use crate::diagnostic::{Code, Diagnostic, PluginReport, Severity, Verdict, Waived, WitPath};
use crate::world::{ExternName, World, asks_nothing, find};

/// What a policy looks at: the names at a component's boundary, each beside the host's own for it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surface {
    /// What is asked of the host, in the order of declaration.
    imports: Vec<Asked>,
    /// What the host demands and is there: the component's name for it, and the host's.
    exports: Vec<(String, String)>,
}

/// One import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    name: String,
    /// The host's name for it, where it has it.
    offered: Option<String>,
    /// Whether the host has all of it that is used.
    fits: bool,
}

/// What a policy looks at of a component. `mismatches` are those with the host's world; plain types, which
/// ask for nothing, are left out.
pub fn surface(plugin: &World, host: &Host, target: &World, mismatches: &[Diagnostic]) -> Surface {
    let offers = || std::iter::once(target).chain(&host.provides);
    let asked = |name: &String| {
        let offered = offers().find_map(|world| find(&world.imports, name));
        let at = WitPath::root("import", name);
        Asked {
            name: name.clone(),
            offered: offered.map(|(theirs, _)| theirs.to_owned()),
            fits: mismatches.iter().all(|finding| finding.path.0.first() != at.0.first()),
        }
    };
    let imports = plugin.imports.keys().filter(|name| !asks_nothing(plugin, name));
    let demanded = target.exports.keys().filter_map(|demanded| {
        let (ours, _) = find(&plugin.exports, demanded)?;
        Some((ours.to_owned(), demanded.clone()))
    });
    Surface { imports: imports.map(asked).collect(), exports: demanded.collect() }
}

/// Findings about a component that its contract has nothing against: imports that the policy does not
/// allow, versions that it does not accept or that may not last.
pub fn policy(surface: &Surface, policy: &Policy) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for Asked { name, offered, fits } in &surface.imports {
        let at = |finding: Diagnostic| finding.at(WitPath::root("import", name));
        findings.extend(denied(name, policy).map(at));
        if let Some(theirs) = offered {
            let found = versions(name, theirs, policy, "import").into_iter();
            // A newer version is harmless only where all that is used is there.
            findings.extend(found.filter(|f| *fits || f.code != Code::NewerThanHost));
        }
        if ExternName::parse(name).version.is_some_and(|version| !version.pre.is_empty()) {
            findings.push(at(prerelease()));
        }
    }
    for (ours, demanded) in &surface.exports {
        let found = versions(ours, demanded, policy, "export").into_iter();
        findings.extend(found.filter(|f| f.code == Code::IncompatibleVersion));
    }
    let names: Vec<&str> = surface.imports.iter().map(|asked| asked.name.as_str()).collect();
    findings.extend(mixed_wasi(&names));
    findings
}

fn denied(name: &str, policy: &Policy) -> Option<Diagnostic> {
    let error = |message: &str| Diagnostic::error(Code::DeniedImport, message);
    if let Some(rule) = policy.deny_imports.iter().find(|rule| rule.matches(name)) {
        let finding = error("the host's policy does not let plugins import it");
        return Some(finding.help("do without it").decided_by(&rule.place));
    }
    let allowed = policy.allow_imports.as_ref()?;
    if allowed.iter().any(|rule| rule.matches(name)) {
        return None;
    }
    let finding = error("the host's policy lets plugins import only what it lists, and not this");
    let finding = finding.help("do without it");
    Some(match allowed.first() {
        Some(rule) => finding.decided_by(&rule.place),
        None => finding,
    })
}

/// A name that was matched on its track, though the version differs.
fn versions(ours: &str, theirs: &str, policy: &Policy, kind: &'static str) -> Vec<Diagnostic> {
    if ours == theirs {
        return Vec::new();
    }
    let (our, their) = (ExternName::parse(ours), ExternName::parse(theirs));
    let (Some(our_version), Some(their_version)) = (&our.version, &their.version) else {
        return Vec::new();
    };
    let of = policy.versions_of.iter().find(|(rule, _)| rule.matches(ours));
    let (wanted, place) = match of {
        Some((rule, versions)) => (*versions, Some(&rule.place)),
        None => (policy.versions, policy.versions_place.as_ref()),
    };
    let at = WitPath::root(kind, ours);
    let side = if kind == "import" { "offers" } else { "demands" };
    if wanted == Versions::Exact {
        let finding = Diagnostic::error(
            Code::IncompatibleVersion,
            format!(
                "the plugin has {our_version}, the host {side} {their_version}, and its policy is \
                 that versions are equal"
            ),
        )
        .at(at)
        .help(format!("build the plugin against {theirs}"));
        return vec![match place {
            Some(place) => finding.decided_by(place),
            None => finding,
        }];
    }
    if kind == "import" && our_version > their_version {
        return vec![
            Diagnostic::error(
                Code::NewerThanHost,
                format!(
                    "the plugin was built against {our_version}, the host has {their_version}; all \
                     that the plugin uses is there"
                ),
            )
            .severity(Severity::Warning)
            .at(at)
            .help(format!("build the plugin against {theirs}, the host's own version")),
        ];
    }
    Vec::new()
}

fn prerelease() -> Diagnostic {
    Diagnostic::error(
        Code::PrereleaseVersion,
        "it is a prerelease, which is compatible with nothing but itself",
    )
    .severity(Severity::Warning)
    .help("build the plugin against a released version")
}

/// Parts of one component that were built against different WASI versions work together on one track,
/// and are a sign of a build that mixes toolchains.
fn mixed_wasi(asked: &[&str]) -> Option<Diagnostic> {
    let mut versions: Vec<(String, &str)> = Vec::new();
    for &name in asked {
        let parsed = ExternName::parse(name);
        if let (true, Some(version)) = (parsed.base.starts_with("wasi:"), &parsed.version) {
            let version = version.to_string();
            if !versions.iter().any(|(known, _)| *known == version) {
                versions.push((version, name));
            }
        }
    }
    if versions.len() < 2 {
        return None;
    }
    versions.sort();
    let finding = Diagnostic::error(
        Code::MixedWasiVersions,
        format!("the plugin imports {} versions of WASI", versions.len()),
    )
    .severity(Severity::Note)
    .help("build all parts of the plugin with toolchains of one version");
    Some(
        versions.iter().fold(finding, |finding, (version, example)| {
            finding.note(format!("{version}: {example}"))
        }),
    )
}

/// A submitted file that is larger than the policy allows.
pub fn too_large(size: u64, policy: &Policy) -> Option<Diagnostic> {
    let (limit, place) = policy.max_bytes.as_ref()?;
    (size > *limit).then(|| {
        Diagnostic::error(
            Code::TooLarge,
            format!("it has {size} bytes, the host's policy allows {limit}"),
        )
        .help("strip debug information, or leave out what the plugin does not need")
        .decided_by(place)
    })
}

/// Gives findings the weight that the host gives them, and excuses those that it waives.
pub fn weigh(report: &mut PluginReport, policy: &Policy, today: (u16, u8, u8)) {
    let sha256 = report.sha256.clone().unwrap_or_default();
    let mut kept = Vec::with_capacity(report.diagnostics.len());
    for mut finding in std::mem::take(&mut report.diagnostics) {
        match policy.severities.get(&finding.code) {
            Some(Level::Off) => continue,
            Some(Level::Weighs(severity)) => finding.severity = *severity,
            None => {}
        }
        let item = finding.path.0.first().and_then(|step| step.name.clone()).unwrap_or_default();
        let waiver = policy.waivers.iter().position(|waiver| {
            waiver.plugin == report.id
                && waiver.sha256 == sha256
                && waiver.code == finding.code
                && waiver.expires >= today
                && waiver.item.as_ref().is_none_or(|wanted| is_item(wanted, &item))
        });
        if let Some(index) = waiver {
            let waiver = &policy.waivers[index];
            let until = date(waiver.expires);
            finding.severity = Severity::Note;
            finding = finding
                .note(format!("waived until {until}: {}", waiver.reason))
                .decided_by(&waiver.place);
            finding.waived = Some(Waived { until, reason: waiver.reason.clone() });
            if !report.waived_by.contains(&index) {
                report.waived_by.push(index);
            }
        }
        kept.push(finding);
    }
    report.diagnostics = gather(kept);
}

/// Imports that one line of the policy denies are one finding, at the place of the first.
fn gather(findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut gathered: Vec<Diagnostic> = Vec::with_capacity(findings.len());
    for finding in findings {
        let same = |other: &&mut Diagnostic| {
            finding.code == Code::DeniedImport
                && other.code == finding.code
                && other.severity == finding.severity
                && other.decided_by == finding.decided_by
                && other.message == finding.message
        };
        match gathered.iter_mut().find(same) {
            Some(first) => first.notes.push(format!("and {}", finding.path)),
            None => gathered.push(finding),
        }
    }
    gathered
}

/// Whether a waiver's item means this name, with or without its version.
fn is_item(wanted: &str, name: &str) -> bool {
    wanted == name || (!wanted.contains('@') && ExternName::parse(name).base == wanted)
}

/// Waivers that excuse nothing: those past their date, and those that no finding needed. A waiver
/// for a plugin that was not judged this time, though it is listed, says nothing.
pub fn idle_waivers(
    reports: &[PluginReport],
    listed: &[&str],
    policy: &Policy,
    today: (u16, u8, u8),
) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (index, waiver) in policy.waivers.iter().enumerate() {
        let judged = reports.iter().find(|report| report.id == waiver.plugin);
        let finding = |code, message: String| {
            let weight = policy.severities.get(&code);
            let severity = match weight {
                Some(Level::Off) => return None,
                Some(Level::Weighs(severity)) => *severity,
                None => Severity::Warning,
            };
            let finding = Diagnostic::error(code, message).severity(severity);
            Some(finding.at(WitPath::root("waiver for", &waiver.plugin)).decided_by(&waiver.place))
        };
        if waiver.expires < today {
            let message =
                format!("it ended on {} and excuses nothing any more", date(waiver.expires));
            let help = "fix what it excused, or decide anew";
            findings.extend(finding(Code::ExpiredWaiver, message).map(|f| f.help(help)));
        } else if reports.iter().any(|report| report.waived_by.contains(&index)) {
        } else if judged.is_some() || !listed.contains(&waiver.plugin.as_str()) {
            let why = match judged {
                None => "no plugin of that name is listed".to_owned(),
                Some(report) if report.sha256.as_ref() != Some(&waiver.sha256) => {
                    "the plugin's file is another one now".to_owned()
                }
                Some(_) => format!("the plugin has no such {} finding", waiver.code),
            };
            let help = "take it out of the configuration";
            findings.extend(finding(Code::UnusedWaiver, why).map(|f| f.help(help)));
        }
    }
    findings
}

/// Patterns of imports to stub that matched nothing in any of these reports. Where one of the plugins
/// was not looked at, nothing is known.
pub fn idle_stubs(reports: &[PluginReport], policy: &Policy) -> Vec<Diagnostic> {
    let judged = || reports.iter().filter(|report| report.verdict != Verdict::Skipped);
    let severity = match policy.severities.get(&Code::UnusedStub) {
        Some(Level::Off) => return Vec::new(),
        Some(Level::Weighs(severity)) => *severity,
        None => Severity::Warning,
    };
    let used = |index: usize| {
        judged().any(|report| report.stubbed_by.as_ref().is_none_or(|used| used.contains(&index)))
    };
    let idle = policy.stub_imports.iter().enumerate().filter(|(index, _)| !used(*index));
    idle.map(|(_, rule)| {
        let finding = unused_stub(&rule.pattern, std::iter::empty());
        finding.severity(severity).decided_by(&rule.place)
    })
    .collect()
}

/// A pattern of imports to stub that matches none of these imports.
pub fn unused_stub<'n>(pattern: &Pattern, imports: impl Iterator<Item = &'n str>) -> Diagnostic {
    let mut names: Vec<String> = Vec::new();
    for import in imports {
        names.extend(ExternName::parse(import).package().map(|package| format!("{package}/*")));
        names.push(import.to_owned());
    }
    let slips = |name: &String| strsim::osa_distance(name, pattern.as_str());
    let near = names.iter().filter(|name| slips(name) <= 2).min_by_key(|name| slips(name));
    let help = match near {
        Some(near) => format!("did you mean {near}?"),
        None => "take it out where it is not for something that is still to come".to_owned(),
    };
    Diagnostic::error(Code::UnusedStub, "nothing imports what it names, so nothing is closed")
        .severity(Severity::Warning)
        .at(WitPath::root("stub", pattern.as_str()))
        .help(help)
}

/// Today's date in UTC: year, month, day.
pub fn today() -> (u16, u8, u8) {
    let date = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    (u16::try_from(date.year()).unwrap_or(u16::MAX), part(date.month()), part(date.day()))
}

fn date((year, month, day): (u16, u8, u8)) -> String {
    format!("{year:04}-{month:02}-{day:02}")
}
