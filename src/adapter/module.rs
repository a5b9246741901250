//! A core module becomes a component: by the component types that a binding generator embedded in
//! it, and by the preview 1 adapters of the engine's version.

use std::panic::{self, AssertUnwindSafe};

use thiserror::Error;
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER,
    WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

use super::exit;
use crate::component::{self, CoreItem, Module, Subject};
use crate::diagnostic::{Code, Diagnostic};
use crate::input::{Digest, Input, Kind};

/// Why there is no component.
#[derive(Debug, Error)]
pub enum AdaptError {
    /// The module cannot become one, which is a finding about it.
    #[error("{}", .0.message)]
    Refused(Box<Diagnostic>),
    /// The encoder panicked, which says nothing about the module.
    #[error("adapting failed inside the encoder of components: {0}")]
    Panicked(String),
    /// The engine's adapter is not what it is known to be, which says nothing about the module.
    #[error("the preview 1 adapter cannot be used: {0}")]
    Adapter(String),
}

/// A component that was made out of a core module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adapted {
    /// The component. Not validated yet.
    pub bytes: Vec<u8>,
    /// The preview 1 adapter that is in it.
    pub preview1: Option<Preview1>,
}

/// The adapters from preview 1 to WASI 0.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preview1 {
    /// Exports `wasi:cli/run`, which calls `_start`.
    Command,
    /// Exports nothing.
    Reactor,
}

impl Preview1 {
    /// `command` or `reactor`.
    pub fn name(self) -> &'static str {
        match self {
            Preview1::Command => "command",
            Preview1::Reactor => "reactor",
        }
    }
}

impl Adapted {
    /// The component in the place of the file that it was made of, whose name, path, digest and size
    /// it keeps: those are of what was submitted.
    pub fn into_input(self, from: Input) -> Input {
        from.sha256();
        let content = Digest::default();
        Input { bytes: self.bytes, content, kind: Kind::Component, ..from }
    }
}

/// Makes a component out of a core module.
///
/// # Errors
///
/// A finding where the module is not valid or says too little of itself: where it has neither
/// component types nor `_start`, or imports what is neither of its types nor of preview 1.
pub fn adapt_module(input: &Input) -> Result<Adapted, AdaptError> {
    adapt(input, WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER)
}

/// As [`adapt_module`], for a host that has all of WASI 0.2.12: a command keeps its exit code. The
/// engine's own adapter makes 1 of every code but 0, for the sake of older hosts.
pub fn adapt_program(input: &Input) -> Result<Adapted, AdaptError> {
    let adapter = exit::with_code(WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER);
    adapt(input, &adapter.map_err(AdaptError::Adapter)?)
}

fn adapt(input: &Input, command: &[u8]) -> Result<Adapted, AdaptError> {
    // Validated before anything reads deeper; what the encoder makes of it is validated again.
    let module = match component::identify(input.clone()).map_err(AdaptError::Refused)? {
        Subject::Module(module) => module,
        _ => return Err(refused(error("it is no core module"))),
    };
    let typed = has_component_types(&input.bytes);
    if let Some(finding) = out_of_reach(&module, typed) {
        return Err(refused(finding));
    }
    let preview1 = preview1(&module);
    let encoded = panic::catch_unwind(AssertUnwindSafe(|| {
        encode(&input.bytes, preview1, command, runs_before_it_allocates(&module))
    }));
    match encoded {
        Ok(Ok(bytes)) => Ok(Adapted { bytes, preview1 }),
        Ok(Err(reason)) => Err(refused(unencodable(&module, &reason))),
        Err(panic) => {
            let said = panic.downcast_ref::<String>().map(String::as_str);
            let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(AdaptError::Panicked(said.unwrap_or("no message").to_owned()))
        }
    }
}

fn encode(
    bytes: &[u8],
    preview1: Option<Preview1>,
    command: &[u8],
    realloc_via_memory_grow: bool,
) -> Result<Vec<u8>, String> {
    let say = |error: anyhow::Error| format!("{error:#}");
    let mut encoder = ComponentEncoder::default()
        .module(bytes)
        .map_err(say)?
        .realloc_via_memory_grow(realloc_via_memory_grow);
    if let Some(preview1) = preview1 {
        let adapter = match preview1 {
            Preview1::Command => command,
            Preview1::Reactor => WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
        };
        encoder = encoder.adapter(PREVIEW1, adapter).map_err(say)?;
    }
    encoder.encode().map_err(say)
}

/// The adapter that the module needs. A module that exports `wasi:cli/run` itself needs none for
/// its `_start`.
fn preview1(module: &Module) -> Option<Preview1> {
    let runs =
        |item: &CoreItem| item.name.trim_start_matches("cm32p2|").starts_with("wasi:cli/run@");
    if has_start(module) && !module.exports.iter().any(runs) {
        Some(Preview1::Command)
    } else if module.imports.contains_key(PREVIEW1) {
        Some(Preview1::Reactor)
    } else {
        None
    }
}

fn has_start(module: &Module) -> bool {
    module.exports.iter().any(|item| item.name == "_start")
}

/// Go's `cabi_realloc` needs Go's runtime, which is not there yet when the adapter allocates its
/// state. TinyGo calls its language by another name.
fn runs_before_it_allocates(module: &Module) -> bool {
    let of = |field: &str| module.producers.get(field);
    let go = of("language").is_some_and(|languages| languages.contains_key("Go"));
    go && !of("processed-by").is_some_and(|tools| tools.contains_key("TinyGo"))
}

/// Whether a binding generator left component types in the module: custom sections
/// `component-type`, with whatever follows in the name (`wit_component::metadata`).
fn has_component_types(bytes: &[u8]) -> bool {
    Parser::new(0).parse_all(bytes).any(|payload| match payload {
        Ok(Payload::CustomSection(section)) => section.name().starts_with("component-type"),
        _ => false,
    })
}

/// What no adapter makes a component of.
fn out_of_reach(module: &Module, typed: bool) -> Option<Diagnostic> {
    let imports_of = |wanted: fn(&str) -> bool| -> Vec<&str> {
        module.imports.keys().map(String::as_str).filter(|from| wanted(from)).collect()
    };
    let foreign = imports_of(|from| from.starts_with("extism:"));
    if !foreign.is_empty() {
        return Some(
            error(format!(
                "it is a plugin for Extism, a core module that imports {}",
                list(&foreign)
            ))
            .help("build it for this host's world: Extism's calling convention has no types"),
        );
    }
    if let Some(items) = module.imports.get("env") {
        let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
        return Some(
            error(format!("it is a core module that imports {} from env", list(&names))).help(
                "nobody says what these are: link what defines them into the module, or import them \
                 through an interface of the host's world",
            ),
        );
    }
    if !imports_of(|from| from == "wasi_unstable").is_empty() {
        return Some(
            error("it is a core module for WASI preview 0 (wasi_unstable)")
                .help("rebuild it with tools of today, for preview 1 (wasip1) or 0.2 (wasip2)"),
        );
    }
    if typed {
        return None;
    }
    let unknown = imports_of(|from| from != PREVIEW1);
    if !unknown.is_empty() {
        return Some(
            error(format!(
                "it is a core module that imports {}, and has no component types to say what that is",
                list(&unknown)
            ))
            .help(
                "build it with a binding generator of the component model (wit-bindgen), which embeds \
                 them; `wasm-tools component embed` does it afterwards",
            ),
        );
    }
    if !has_start(module) {
        return Some(
            error(
                "it is a core module that says nothing of its types: no component types are \
                 embedded, and it has no _start to run",
            )
            .help(
                "build it with a binding generator of the component model (wit-bindgen), which embeds \
                 them; `wasm-tools component embed` does it afterwards",
            ),
        );
    }
    None
}

/// The encoder refuses; it says why in its own words.
fn unencodable(module: &Module, reason: &str) -> Diagnostic {
    let finding = error("it is a core module that cannot be made a component").note(reason);
    if module.exports.iter().any(|item| item.name == "memory") || !reason.contains("memory") {
        finding.help("its imports and exports must be those of the component types embedded in it")
    } else {
        finding.help("export the memory under the name `memory`")
    }
}

/// The first few names, quoted.
fn list(names: &[&str]) -> String {
    const SHOWN: usize = 4;
    let mut text: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    if names.len() > SHOWN {
        text.push(format!("{} more", names.len() - SHOWN));
    }
    match text.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} and {last}", first.join(", ")),
        text => text.concat(),
    }
}

fn error(message: impl Into<String>) -> Diagnostic {
    Diagnostic::error(Code::NotAComponent, message)
}

fn refused(finding: Diagnostic) -> AdaptError {
    AdaptError::Refused(Box::new(finding))
}
