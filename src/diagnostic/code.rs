//! The codes, each declared once with its name and its summary.

use std::fmt;

use serde::{Serialize, Serializer};

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
    LinkFailed "link-failed" "The engine could not link or instantiate the component."
    SmokeMismatch "smoke-mismatch" "A smoke case got another result than it expects."
    Trap "trap" "The plugin trapped while it ran."
    OutOfFuel "out-of-fuel" "The plugin used up its budget of instructions."
    TimedOut "timed-out" "The plugin ran past its wall-clock limit."
    CompileTimedOut "compile-timed-out" "The engine could not compile the plugin in time."
    MemoryLimit "memory-limit" "The plugin asked for more memory than it may have."
    WorkerDied "worker-died" "The process that ran the plugin ended without an answer."
    VersionNotHonoured "version-not-honoured" "A world changed more than its declared version says."
}

impl Code {
    /// The code with this name.
    pub fn from_name(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
