//! The report of `inspect`: what a file is, what it asks for, and what its bytes are spent on.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use super::{AdapterUse, Diagnostic, Tool};

/// Who made something: field (`language`, `processed-by`, `sdk`) to name to version.
pub type Producers = IndexMap<String, IndexMap<String, String>>;

/// What `inspect` returns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct InspectReport {
    /// `plugtool.inspect/0`.
    pub schema: &'static str,
    /// Who looked.
    pub tool: Tool,
    /// What was found, in the order given.
    pub files: Vec<Inspection>,
}

/// What one file is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Inspection {
    /// What to call it.
    pub name: String,
    /// Where it was read from.
    pub path: String,
    /// `component`, `core module`, `WIT package`, `precompiled artifact`, `ELF object`, `component in
    /// another encoding`; none where it is none of these, or not valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// What is known of the kind beyond that: `WASI preview 1 command`, `Wasmtime 48.0.8`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// SHA-256 of the file, in hex; none where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Bytes in the file; none where it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// What it asks of a host, in words for people; none where it is nothing that could ask.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Vec<Request>>,
    /// The language and the tools, in one line; none where the file does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toolchain: Option<String>,
    /// What it was composed of, as it says itself: anybody can write that into a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub composition: Option<CompositionShown>,
    /// What it imports, in the order of declaration. For a core module: by module.
    pub imports: Vec<ItemShown>,
    /// What it exports, in the order of declaration.
    pub exports: Vec<ItemShown>,
    /// The package, where it is WIT.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub package: Option<PackageShown>,
    /// The linear memories of a core module.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub memories: Vec<MemoryShown>,
    /// Who made it, over the file and everything nested in it.
    pub producers: Producers,
    /// Components nested inside, at any depth.
    pub components: usize,
    /// Core modules nested inside, at any depth.
    pub modules: usize,
    /// Function bodies.
    pub functions: usize,
    /// Debug information that was left in; none where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub debug: Option<DebugInfo>,
    /// What its bytes are spent on, down to the sections of what is nested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Part>,
    /// Its world, or its package, as WIT text, where that was asked for and there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wit: Option<String>,
    /// What the WIT text cannot say.
    #[serde(rename = "wit-left-out", skip_serializing_if = "Vec::is_empty")]
    pub wit_left_out: Vec<String>,
    /// What is wrong with it.
    pub diagnostics: Vec<Diagnostic>,
    /// What could not be found out, where something could not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

/// An import or an export.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ItemShown {
    /// Its full name.
    pub name: String,
    /// `interface`, `function`, `type`, `resource`, or what WIT cannot express; `imports` for what
    /// a core module imports from one module.
    pub kind: &'static str,
    /// Its type, in one line of WIT; of an interface how much is in it.
    #[serde(rename = "type")]
    pub ty: String,
    /// What is in an interface: name and type in WIT.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub items: IndexMap<String, String>,
}

/// Something that a host may grant or refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// Files and directories.
    Files,
    /// Sockets and name look-up.
    Network,
    /// Requests to other servers over HTTP.
    Http,
    /// Environment variables and arguments.
    Environment,
    /// Standard input, output and error, and the terminal behind them.
    Stdio,
    /// Reading clocks and waiting for them.
    Clocks,
    /// Random numbers.
    Randomness,
    /// Ending the process.
    Exit,
    /// A store of keys and values.
    KeyValue,
    /// The host's configuration values.
    Config,
    /// Writing to a log.
    Logging,
    /// Being called with HTTP requests.
    HttpServing,
    /// Anything else: what only this host, or a host of its kind, can give.
    Host,
}

impl Capability {
    /// Every capability, in the order in which they are shown.
    pub const ALL: &[Capability] = &[
        Capability::Files,
        Capability::Network,
        Capability::Http,
        Capability::Environment,
        Capability::Stdio,
        Capability::Clocks,
        Capability::Randomness,
        Capability::Exit,
        Capability::KeyValue,
        Capability::Config,
        Capability::Logging,
        Capability::HttpServing,
        Capability::Host,
    ];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Capability::Files => "files",
            Capability::Network => "network",
            Capability::Http => "outgoing HTTP",
            Capability::Environment => "environment",
            Capability::Stdio => "stdio",
            Capability::Clocks => "clocks",
            Capability::Randomness => "randomness",
            Capability::Exit => "process exit",
            Capability::KeyValue => "key-value store",
            Capability::Config => "config",
            Capability::Logging => "logging",
            Capability::HttpServing => "serving HTTP",
            Capability::Host => "the host's own",
        }
    }

    /// In at most six characters, for the head of a column.
    pub fn short(self) -> &'static str {
        match self {
            Capability::Files => "files",
            Capability::Network => "net",
            Capability::Http => "http",
            Capability::Environment => "env",
            Capability::Stdio => "stdio",
            Capability::Clocks => "clocks",
            Capability::Randomness => "random",
            Capability::Exit => "exit",
            Capability::KeyValue => "kv",
            Capability::Config => "config",
            Capability::Logging => "log",
            Capability::HttpServing => "serves",
            Capability::Host => "host",
        }
    }
}

/// A capability that a file asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Request {
    /// What is asked for.
    pub capability: Capability,
    /// The imports that ask for it; for serving, the exports that offer it. For a core module
    /// `module` and `name`, with a space between.
    pub by: Vec<String>,
}

/// What a component says of how it was composed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CompositionShown {
    /// Who composed it: name and version.
    pub tool: String,
    /// What it is made of.
    pub components: Vec<AdapterUse>,
    /// What feeds what.
    pub wires: Vec<WireSaid>,
}

/// One export that feeds one import, as a composition says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WireSaid {
    /// The component that imports.
    pub importer: String,
    /// What it imports.
    pub import: String,
    /// The component that feeds it.
    pub exporter: String,
    /// With which of its exports.
    pub export: String,
}

/// A package of WIT.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PackageShown {
    /// Its name with the version; none where there is nothing in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its interfaces.
    pub interfaces: Vec<ItemShown>,
    /// Its worlds.
    pub worlds: Vec<WorldShown>,
}

/// A world of a package.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WorldShown {
    /// Its full name.
    pub name: String,
    /// What it imports.
    pub imports: Vec<ItemShown>,
    /// What it exports.
    pub exports: Vec<ItemShown>,
}

/// A linear memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct MemoryShown {
    /// Whether it is imported.
    pub imported: bool,
    /// How large it is at first, in bytes.
    pub initial: u64,
    /// How large it may grow, in bytes; none where it has no limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<u64>,
    /// Whether its addresses have 64 bits.
    pub memory64: bool,
    /// Whether threads share it.
    pub shared: bool,
}

/// Debug information inside a file, in bytes of the sections that hold it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DebugInfo {
    /// DWARF: custom sections named `.debug_*`.
    pub dwarf: u64,
    /// Name sections, of core modules and of components.
    pub names: u64,
    /// Source maps, or where they are.
    #[serde(rename = "source-maps")]
    pub source_maps: u64,
}

/// A part of a file with what it takes up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Part {
    /// `component`, `core module`, `custom section`, or the kind of section: `code`, `data`, `types`.
    pub kind: &'static str,
    /// The name of a module, component or custom section, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Bytes, those of its header and of everything inside included.
    pub bytes: u64,
    /// Who made it, where it says so itself.
    #[serde(skip_serializing_if = "IndexMap::is_empty")]
    pub producers: Producers,
    /// What is inside: first what is nested, in order, then the sections, the largest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

impl Part {
    /// Calls `each` with this part and every part inside.
    pub fn each<'p>(&'p self, each: &mut impl FnMut(&'p Part)) {
        each(self);
        for part in &self.parts {
            part.each(each);
        }
    }
}
