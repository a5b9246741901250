//! The codes, each declared once with its name and its summary.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Declares every code once: its variant, its name, and a one-line summary.
/// The list is append-only; scripts and waivers depend on the names.
macro_rules! codes {
    ($($variant:ident $name:literal $summary:literal)*) => {
        /// What kind of finding a diagnostic is. Each has a page in `src/explanations/`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $summary] $variant,)*
        }

        impl Code {
            /// Every code, in the order in which they were introduced.
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// The kebab-case name: stable, used in reports and configuration.
            pub fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// One line that says what the code means.
            pub fn summary(self) -> &'static str {
                match self { $(Code::$variant => $summary,)* }
            }

            /// The page that explains the code: what it means, why it matters, how to fix it.
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Code::$variant => include_str!(concat!("explanations/", $name, ".md")),)*
                }
            }
        }
    };
}

codes! {
    Unreadable "unreadable" "The file is missing or cannot be read."
    NotAComponent "not-a-component" "The file is something other than a component."
    InvalidComponent "invalid-component" "The component is malformed, or the engine refuses it."
    MissingExport "missing-export" "The host demands an export that the plugin does not have."
    UnknownImport "unknown-import" "The plugin imports something that the host does not offer."
    TypeMismatch "type-mismatch" "The plugin and the host disagree about a type."
    ResourceIdentity "resource-identity" "A resource is not the one that the host means."
    AmbiguousWiring "ambiguous-wiring" "Several components could feed one import."
    UnusedComponent "unused-component" "A component given to compose has no part in the result."
    ExportConflict "export-conflict" "Two components would give the result the same export."
    WiringCycle "wiring-cycle" "Components need each other in a circle."
    LinkFailed "link-failed" "The engine could not link the component."
    SmokeMismatch "smoke-mismatch" "A smoke case got another result than it expects."
    Trap "trap" "The plugin trapped while it ran."
    OutOfFuel "out-of-fuel" "The plugin used up its budget of instructions."
    TimedOut "timed-out" "The plugin ran past its wall-clock limit."
    CompileTimedOut "compile-timed-out" "The engine could not compile the plugin in time."
    MemoryLimit "memory-limit" "The plugin asked for more memory than it may have."
    WorkerDied "worker-died" "The process that ran the plugin ended without an answer."
    PrecompiledArtifact "precompiled-artifact" "The file is compiled code of an engine, which is never loaded."
    TooLarge "too-large" "The file is larger than the host's policy allows."
    IncompatibleVersion "incompatible-version" "The plugin and the host mean different versions of an interface."
    NewerThanHost "newer-than-host" "The plugin was built against a newer version than the host has."
    PrereleaseVersion "prerelease-version" "The plugin imports an interface of a prerelease version."
    MixedWasiVersions "mixed-wasi-versions" "The plugin imports several versions of WASI."
    DeniedImport "denied-import" "The host's policy does not let the plugin import this."
    UnusedWaiver "unused-waiver" "A waiver excuses nothing."
    ExpiredWaiver "expired-waiver" "A waiver is past its date and excuses nothing any more."
    UnexpectedHostCall "unexpected-host-call" "The plugin called a function of the host that no case answers for."
    ImportUnsatisfied "import-unsatisfied" "Nothing gives an import of a composition: no component, and not the host."
    NoAdapterPath "no-adapter-path" "The host's adapters do not lead from the plugin to the world."
    DebugBuild "debug-build" "Debug information was left in the file."
    OverBudget "over-budget" "A smoke case took more fuel than its max-fuel."
    FuelRegression "fuel-regression" "A smoke case took more fuel than when it was recorded."
    StaleBaseline "stale-baseline" "The fuel of a smoke case was recorded with another engine."
    Nondeterministic "nondeterministic" "A smoke case came to something else when it was run again."
    StackOverflow "stack-overflow" "The plugin nested its calls deeper than its stack allows."
    TableLimit "table-limit" "The plugin asked for larger tables than it may have."
    InstanceLimit "instance-limit" "The plugin consists of more instances than it may."
    HandleLimit "handle-limit" "The plugin held more handles at a time than it may."
    TransferLimit "transfer-limit" "The plugin handed its host more data in one call than it may."
    OutputLimit "output-limit" "The plugin wrote more output than it may."
    Exited "exited" "The plugin ended its process in the middle of a call."
    CannotStub "cannot-stub" "An import is to be closed by a stub, and cannot be."
    UnusedStub "unused-stub" "A pattern of imports to stub matches none."
    VersionNotHonoured "version-not-honoured" "A world changed more than its declared version says."
    MissingHostCall "missing-host-call" "The plugin did not make a call of its host that a smoke case demands."
    ExtraHostCall "extra-host-call" "The plugin called a function of the host more often than a smoke case lets it."
    HostCallOrder "host-call-order" "The plugin called a function of the host before or after its turn."
    HostCallArgument "host-call-argument" "The plugin called a function of the host with other arguments than a smoke case expects."
    ForbiddenHostCall "forbidden-host-call" "The plugin called a function of the host that a smoke case forbids."
}

impl Code {
    /// The code with this name.
    pub fn from_name(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl Code {
    /// Whether a host may give the code another weight, or excuse a finding of it. What the
    /// contract, safety and the judgement itself rest on cannot be argued away.
    pub fn is_negotiable(self) -> bool {
        matches!(
            self,
            Code::TooLarge
                | Code::NewerThanHost
                | Code::PrereleaseVersion
                | Code::MixedWasiVersions
                | Code::DeniedImport
                | Code::UnusedWaiver
                | Code::ExpiredWaiver
                | Code::FuelRegression
                | Code::StaleBaseline
                | Code::Nondeterministic
                | Code::UnusedStub
        )
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl JsonSchema for Code {
    fn schema_name() -> Cow<'static, str> {
        "Code".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        json_schema!({
            "description": "What kind of finding it is; `plugtool explain CODE` has its page.",
            "enum": names,
        })
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Code, D::Error> {
        let name = Cow::<str>::deserialize(deserializer)?;
        let unknown = || serde::de::Error::custom(format!("there is no code `{name}`"));
        Code::from_name(&name).ok_or_else(unknown)
    }
}
