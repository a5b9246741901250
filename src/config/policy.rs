//! What a host wants beyond its contract: which imports, how large, which versions, how much a finding
//! weighs, and what is excused for a while. Everything knows the line that it stands on.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::parse::Source;
use super::values::parse_bytes;
use super::{ConfigError, schema};
use crate::diagnostic::{Code, Place, Severity};
use crate::world::{ExternName, nearest};

/// The policy of a host. The default asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// When present, an import must match one of these.
    pub allow_imports: Option<Vec<Rule>>,
    /// An import must match none of these.
    pub deny_imports: Vec<Rule>,
    /// Imports that match one of these are closed by generated adapters that refuse.
    pub stub_imports: Vec<Rule>,
    /// The most bytes that a submitted file may have.
    pub max_bytes: Option<(u64, Place)>,
    /// How versions must match, where no rule says otherwise.
    pub versions: Versions,
    /// The line that says so; none for the default and for a flag.
    pub versions_place: Option<Place>,
    /// How versions must match for some packages; the first that matches decides.
    pub versions_of: Vec<(Rule, Versions)>,
    /// What findings of a code weigh.
    pub severities: BTreeMap<Code, Level>,
    /// Findings that are excused.
    pub waivers: Vec<Waiver>,
    /// Whether nothing is run where the operating system cannot confine the process that runs it.
    pub require_sandbox: bool,
}

impl Policy {
    /// The patterns of imports that are to be closed.
    pub fn stub_patterns(&self) -> Vec<Pattern> {
        self.stub_imports.iter().map(|rule| rule.pattern.clone()).collect()
    }
}

/// How the version of an interface must match the host's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Versions {
    /// On the same semver track, as the engine links.
    #[default]
    Compatible,
    /// To the letter.
    Exact,
}

/// A pattern for names of imports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(glob::Pattern);

impl Pattern {
    /// Reads a pattern: `*` and `?` match anything, `/` and `:` included; `[ab]` is one of these
    /// characters.
    ///
    /// # Errors
    ///
    /// What is wrong with it: it is malformed, or no import could have such a name.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let pattern =
            glob::Pattern::new(text).map_err(|error| format!("no pattern: {}", error.msg))?;
        if text.is_empty() {
            return Err("an empty pattern matches no import".to_owned());
        }
        // Names are WIT's, or wrapped as in `locked-dep=<a:b/c>` (component model, Explainer.md,
        // "Import and export definitions").
        let known = |c: char| c.is_ascii_alphanumeric() || "-_.:/@+*?[]!=<>,".contains(c);
        if let Some(stray) = text.chars().find(|c| !known(*c)) {
            return Err(format!("no import has {stray:?} in its name"));
        }
        if text.contains(':') && !text.contains(['/', '*', '?', '[', '=']) {
            let package = text.split('@').next().unwrap_or(text);
            return Err(format!(
                "`{text}` names a package, and imports are interfaces; write `{package}/*`"
            ));
        }
        Ok(Pattern(pattern))
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether the pattern is about this import. One without a version is about all of them. The very
    /// name always is: `[method]a.b` is one.
    pub fn matches(&self, import: &str) -> bool {
        let name = ExternName::parse(import);
        self.as_str() == import
            || self.0.matches(import)
            || (!self.as_str().contains('@') && self.0.matches(name.base))
    }
}

/// A pattern for names of imports, with the line that it stands on.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The pattern.
    pub pattern: Pattern,
    /// Where it stands.
    pub place: Place,
}

impl Rule {
    /// Whether the rule is about this import.
    pub fn matches(&self, import: &str) -> bool {
        self.pattern.matches(import)
    }
}

/// What findings of a code weigh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// This much.
    Weighs(Severity),
    /// They are not reported.
    Off,
}

/// A finding that is excused for the bytes that it was found in, until a date.
#[derive(Clone, Debug)]
pub struct Waiver {
    /// The plugin's id.
    pub plugin: String,
    /// SHA-256 of its file, in lower-case hex.
    pub sha256: String,
    /// The code of the finding.
    pub code: Code,
    /// What the finding is about: the name of its import or export; any where it is left out.
    pub item: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day that it excuses on: year, month, day.
    pub expires: (u16, u8, u8),
    /// Where it stands.
    pub place: Place,
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PolicyTable {
    /// Where it is there, an import must match one of these patterns.
    #[schemars(with = "Option<Vec<schema::Imports>>")]
    allow_imports: Option<Vec<Spanned<String>>>,
    /// An import must match none of these, on what would be run.
    #[serde(default)]
    #[schemars(with = "Vec<schema::Imports>")]
    deny_imports: Vec<Spanned<String>>,
    /// Imports that are closed by a generated component that refuses.
    #[serde(default)]
    #[schemars(with = "Vec<schema::Imports>")]
    stub_imports: Vec<Spanned<String>>,
    /// The most that a submitted file may have.
    #[schemars(with = "Option<schema::Size>")]
    max_bytes: Option<Spanned<String>>,
    /// How versions must match: on the same semver track, or to the letter.
    #[schemars(with = "Option<schema::VersionRule>")]
    versions: Option<Spanned<String>>,
    /// The same for some packages: patterns of imports, and how their versions must match.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, schema::VersionRule>")]
    versions_of: BTreeMap<Spanned<String>, Spanned<String>>,
    /// Whether nothing is run where the system cannot confine the process that runs it, which is so where
    /// nothing is said.
    require_sandbox: Option<bool>,
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct WaiverTable {
    /// The plugin's id.
    plugin: String,
    /// SHA-256 of the file that it is granted to, in lower-case hex, as `plugtool inspect` prints it.
    #[schemars(with = "schema::Sha256")]
    sha256: Spanned<String>,
    /// The code of the finding.
    #[schemars(with = "schema::Negotiable")]
    code: Spanned<String>,
    /// The import or export that the finding is about; any where it is left out.
    item: Option<String>,
    /// Why.
    #[schemars(with = "String")]
    reason: Spanned<String>,
    /// The last day that it excuses on.
    #[schemars(with = "schema::Date")]
    expires: Spanned<Datetime>,
}

/// Checks the tables and puts the policy together.
pub fn settle(
    table: PolicyTable,
    severity: BTreeMap<Spanned<String>, Spanned<String>>,
    waivers: Vec<Spanned<WaiverTable>>,
    source: &Source<'_>,
) -> Result<Policy, ConfigError> {
    let rules = |patterns: Vec<Spanned<String>>| -> Result<Vec<Rule>, ConfigError> {
        patterns.iter().map(|pattern| rule(pattern, source)).collect()
    };
    let max_bytes = match table.max_bytes {
        None => None,
        Some(size) => {
            let bytes =
                parse_bytes(size.get_ref()).map_err(|reason| source.error(size.span(), &reason))?;
            Some((bytes, source.place(size.span())))
        }
    };
    let mut versions_of = Vec::new();
    for (pattern, value) in &table.versions_of {
        versions_of.push((rule(pattern, source)?, versions(value, source)?));
    }
    let mut severities = BTreeMap::new();
    for (name, level) in &severity {
        let (code, level) = weight(name, level, source)?;
        severities.insert(code, level);
    }
    let waivers = waivers.into_iter().map(|waiver| excuse(waiver, source));
    Ok(Policy {
        allow_imports: table.allow_imports.map(rules).transpose()?,
        deny_imports: rules(table.deny_imports)?,
        stub_imports: rules(table.stub_imports)?,
        max_bytes,
        versions: table
            .versions
            .as_ref()
            .map_or(Ok(Versions::Compatible), |value| versions(value, source))?,
        versions_place: table.versions.as_ref().map(|value| source.place(value.span())),
        versions_of,
        severities,
        waivers: waivers.collect::<Result<_, _>>()?,
        require_sandbox: table.require_sandbox.unwrap_or(true),
    })
}

fn rule(pattern: &Spanned<String>, source: &Source<'_>) -> Result<Rule, ConfigError> {
    let place = source.place(pattern.span());
    match Pattern::parse(pattern.get_ref()) {
        Ok(pattern) => Ok(Rule { pattern, place }),
        Err(reason) => Err(source.error(pattern.span(), &reason)),
    }
}

fn versions(value: &Spanned<String>, source: &Source<'_>) -> Result<Versions, ConfigError> {
    match value.get_ref().as_str() {
        "compatible" => Ok(Versions::Compatible),
        "exact" => Ok(Versions::Exact),
        other => Err(source.error(
            value.span(),
            &format!("`{other}` is no version policy; write \"compatible\" or \"exact\""),
        )),
    }
}

fn code(name: &Spanned<String>, source: &Source<'_>) -> Result<Code, ConfigError> {
    let text = name.get_ref().as_str();
    Code::from_name(text).ok_or_else(|| {
        let near = nearest(text, Code::ALL.iter().map(|code| code.name()));
        let hint = near.map_or("`plugtool explain` lists them".to_owned(), |near| {
            format!("did you mean `{near}`?")
        });
        source.error(name.span(), &format!("there is no code `{text}`; {hint}"))
    })
}

fn weight(
    name: &Spanned<String>,
    level: &Spanned<String>,
    source: &Source<'_>,
) -> Result<(Code, Level), ConfigError> {
    let code = code(name, source)?;
    let level_of = |text: &str| match text {
        "error" => Some(Level::Weighs(Severity::Error)),
        "warning" => Some(Level::Weighs(Severity::Warning)),
        "note" => Some(Level::Weighs(Severity::Note)),
        "off" => Some(Level::Off),
        _ => None,
    };
    let Some(value) = level_of(level.get_ref()) else {
        let message = format!(
            "`{}` is no severity; write \"error\", \"warning\", \"note\" or \"off\"",
            level.get_ref()
        );
        return Err(source.error(level.span(), &message));
    };
    if value != Level::Weighs(Severity::Error) && !code.is_negotiable() {
        let message = format!("`{code}` cannot be lowered: contract and safety rest on it");
        return Err(source.error(name.span(), &message));
    }
    Ok((code, value))
}

fn excuse(waiver: Spanned<WaiverTable>, source: &Source<'_>) -> Result<Waiver, ConfigError> {
    let place = source.place(waiver.span());
    let table = waiver.into_inner();
    let code_name = &table.code;
    let code = code(code_name, source)?;
    if !code.is_negotiable() {
        let message = format!("`{code}` cannot be waived: contract and safety rest on it");
        return Err(source.error(code_name.span(), &message));
    }
    let sha256 = table.sha256.get_ref();
    if sha256.len() != 64
        || !sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    {
        let message = "no SHA-256: 64 lower-case hex digits, as `plugtool inspect` prints them";
        return Err(source.error(table.sha256.span(), message));
    }
    if table.reason.get_ref().trim().is_empty() {
        return Err(source.error(table.reason.span(), "a waiver needs a reason"));
    }
    let expires = match table.expires.get_ref() {
        Datetime { date: Some(date), time: None, offset: None } => {
            (date.year, date.month, date.day)
        }
        _ => return Err(source.error(table.expires.span(), "a date, as in 2027-01-31")),
    };
    Ok(Waiver {
        plugin: table.plugin,
        sha256: sha256.clone(),
        code,
        item: table.item,
        reason: table.reason.into_inner(),
        expires,
        place,
    })
}
