//! From bytes to a [`Component`]: validated with the engine's feature set, in one pass, function
//! bodies on all cores; with its world, its producers and what is nested inside it.

mod anatomy;
mod artifact;
mod capabilities;
mod debug;
mod known;
mod module;
mod refused;
mod split;
mod steps;
mod toolchain;

use std::num::NonZero;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use indexmap::IndexMap;
use serde::Serialize;
use wasmparser::{
    BinaryReaderError, Chunk, FuncToValidate, FunctionBody, KnownCustom, Parser, Payload,
    ValidPayload, Validator, ValidatorResources, WasmFeatures,
};

use crate::diagnostic::{Code, Diagnostic};
use crate::input::{Digest, Input, Kind};
use crate::world::{Package, World, component_world, package};

pub use anatomy::anatomy;
pub use artifact::{Artifact, artifact};
pub use capabilities::{module_requests, of_import, requests};
pub use debug::{debug_build, debug_info};
pub use known::Known;
pub use module::{CoreItem, Module};
pub use split::{SPLIT, Split, import_name, split};
pub use toolchain::toolchain;

/// What the engine supports, and so what is accepted: Wasmtime's defaults with the crate features
/// that plugtool builds it with (`wasmtime::Config`, `fn features`). A test holds the two together.
pub const FEATURES: WasmFeatures = WasmFeatures::WASM3
    .union(WasmFeatures::GC_TYPES)
    .union(WasmFeatures::COMPONENT_MODEL)
    .union(WasmFeatures::CM_ASYNC);

/// How many components and core modules may be nested in a component, at any depth. The validator
/// of this version takes time by the square of their number; later ones have this limit themselves
/// (wasmparser 0.263, `limits.rs`).
const MAX_NESTED: usize = 1_000;

/// From how many bytes on a file is hashed beside its validation, and not before it. Below, a thread
/// costs more than it saves.
const HASHED_BESIDE: u64 = 256 * 1024;

/// A valid component, read.
#[derive(Clone, Debug)]
pub struct Component {
    /// What to call it.
    pub name: String,
    /// Where it was read from.
    pub path: String,
    /// The binary.
    pub bytes: Vec<u8>,
    /// SHA-256 of the file as it was; see [`Component::sha256`].
    pub digest: Digest,
    /// SHA-256 of the binary; see [`Component::content_sha256`].
    pub content: Digest,
    /// Bytes in the file.
    pub size: u64,
    /// What it imports and exports.
    pub world: World,
    /// Who made it: field (`language`, `processed-by`, `sdk`) to name to version, collected over
    /// the component and everything nested in it.
    pub producers: IndexMap<String, IndexMap<String, String>>,
    /// What is nested inside.
    pub nested: Nested,
    /// Where in the binary its core modules are, at any depth.
    pub modules: Vec<Range<usize>>,
    /// Why the engine refuses it, valid as it is; nothing where it does not. A part of a composition
    /// may be refused by itself, and what is composed of it be accepted.
    pub refused: Vec<Diagnostic>,
}

impl Component {
    /// SHA-256 of the file, in lower-case hex. Of what was composed it is worked out here, when it is
    /// first asked for.
    pub fn sha256(&self) -> &str {
        self.digest.of(&self.bytes)
    }

    /// SHA-256 of the binary, in lower-case hex: another one than that of the file where the file was text
    /// or a core module.
    pub fn content_sha256(&self) -> &str {
        self.content.of(&self.bytes)
    }

    /// The bytes, of which it has none afterwards.
    pub fn give_bytes(&mut self) -> Vec<u8> {
        self.sha256();
        self.content_sha256();
        std::mem::take(&mut self.bytes)
    }
}

/// How much is nested inside a component, at any depth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Nested {
    /// Components.
    pub components: usize,
    /// Core modules.
    pub modules: usize,
    /// Function bodies.
    pub functions: usize,
}

/// What a file turned out to be.
#[derive(Clone, Debug)]
pub enum Subject {
    /// A component.
    Component(Box<Component>),
    /// A valid core module.
    Module(Module),
    /// WIT, encoded as wasm.
    WitPackage(Package),
    /// An ELF object: compiled code of some engine, or anything else. Not read beyond its headers: it
    /// would have to be trusted first.
    Precompiled(Artifact),
}

/// Says what a file is. A finding where it is nothing valid.
///
/// The file's digest is known afterwards, whatever comes of it.
pub fn identify(input: Input) -> Result<Subject, Box<Diagnostic>> {
    let looked = thread::scope(|scope| {
        if input.size > HASHED_BESIDE {
            scope.spawn(|| input.sha256());
        } else {
            input.sha256();
        }
        look(&input, &Known::default())
    })?;
    Ok(subject_of(input, looked))
}

fn subject_of(input: Input, looked: Looked) -> Subject {
    match looked {
        Looked::Precompiled(artifact) => Subject::Precompiled(artifact),
        Looked::Valid(pass) => subject(input, *pass),
    }
}

/// What a look at the bytes says.
enum Looked {
    Precompiled(Artifact),
    Valid(Box<Pass>),
}

fn look(input: &Input, known: &Known<'_>) -> Result<Looked, Box<Diagnostic>> {
    match input.kind {
        Kind::Component | Kind::Module => {}
        Kind::Precompiled => return Ok(Looked::Precompiled(artifact(&input.bytes))),
        kind => return Err(Box::new(not_a_component(input, kind))),
    }
    if anatomy::count_nested(&input.bytes, MAX_NESTED) > MAX_NESTED {
        let message =
            format!("more than {MAX_NESTED} components and core modules are nested in it");
        let finding = Diagnostic::error(Code::InvalidComponent, message);
        return Err(Box::new(finding.help("no tool is known that needs so many; compose less")));
    }
    match validate(&input.bytes, known) {
        Ok(pass) => Ok(Looked::Valid(Box::new(pass))),
        Err(error) => Err(Box::new(invalid(&error, input.bytes.len()))),
    }
}

fn subject(input: Input, pass: Pass) -> Subject {
    if input.kind == Kind::Module {
        return Subject::Module(Module {
            producers: pass.producers,
            functions: pass.nested.functions,
            ..pass.module
        });
    }
    if let Some(package) = pass.package {
        return Subject::WitPackage(package);
    }
    Subject::Component(Box::new(Component {
        digest: input.digest,
        content: input.content,
        name: input.name,
        path: input.path,
        size: input.size,
        bytes: input.bytes,
        world: pass.world,
        producers: pass.producers,
        nested: pass.nested,
        modules: pass.modules,
        refused: pass.refused,
    }))
}

/// Validates a submitted file that must be a component. A finding where it is not. The file's digest
/// is known afterwards.
pub fn decode(input: Input) -> Result<Component, Box<Diagnostic>> {
    if input.kind == Kind::Module {
        input.sha256();
        return Err(Box::new(not_a_component(&input, Kind::Module)));
    }
    only_component(identify(input)?)
}

/// As [`decode`], for what was composed of valid components. The function bodies of a core module that
/// is, byte for byte, a known one are valid still: nothing outside of a module takes part in its
/// validation (core specification, "Validation", Modules). All else is validated anew. The digest is left for
/// later.
pub fn decode_composed(input: Input, known: &Known<'_>) -> Result<Component, Box<Diagnostic>> {
    let looked = look(&input, known)?;
    only_component(subject_of(input, looked))
}

fn only_component(subject: Subject) -> Result<Component, Box<Diagnostic>> {
    let error = |message: &str| Diagnostic::error(Code::NotAComponent, message);
    Err(Box::new(match subject {
        Subject::Component(component) => return Ok(*component),
        Subject::WitPackage(_) => {
            error("it is a WIT package encoded as wasm: types only, nothing that can run")
                .help("submit the compiled component; a WIT package is an argument for --wit")
        }
        Subject::Precompiled(artifact) => {
            let message = format!("it is {}", artifact.words());
            Diagnostic::error(Code::PrecompiledArtifact, message).help(
                "submit the component that it was compiled from; precompiled code is never loaded",
            )
        }
        // Told apart above, before it was validated.
        Subject::Module(_) => error("it is a core module"),
    }))
}

/// Whether these bytes are a WIT package encoded as wasm: a component whose only content is types.
pub fn is_wit_package(bytes: &[u8]) -> bool {
    validate(bytes, &Known::default()).is_ok_and(|pass| pass.package.is_some())
}

fn not_a_component(input: &Input, kind: Kind) -> Diagnostic {
    let error = |message: &str| Diagnostic::error(Code::NotAComponent, message);
    match kind {
        Kind::Module => error("it is a core module").help(
            "make it a component: `wasm-tools component new` (with `--adapt` where it uses WASI \
             preview 1)",
        ),
        Kind::OldComponent => {
            let words = format!("it is a component in {}", encoding(&input.bytes));
            error(&words).help("rebuild it with tools that write encoding 0x0d, the one of today")
        }
        Kind::Empty => error("it is empty").help("check the build step that writes it"),
        Kind::Component | Kind::Precompiled | Kind::Other => {
            let start: String = input.bytes.iter().take(8).map(|b| format!("{b:02x} ")).collect();
            error("it is no WebAssembly")
                .note(format!("it starts with {}", start.trim_end()))
                .help("a component starts with 00 61 73 6d 0d 00 01 00")
        }
    }
}

/// The encoding that a component's preamble names, in words (wasmparser, `parser.rs`, has the dates).
fn encoding(bytes: &[u8]) -> String {
    let version = bytes.get(4).copied().unwrap_or_default();
    let about = match version {
        0x0b => "from January 2023, before the format was settled",
        0x0c => "from February 2023, before the format was settled",
        0..0x0d => "from before the format was settled",
        0x0d => "the one of today",
        0x0e.. => "which is newer than any known here",
    };
    format!("encoding {version:#04x}, {about}")
}

fn invalid(error: &BinaryReaderError, size: usize) -> Diagnostic {
    let message = error.message().lines().map(str::trim).collect::<Vec<_>>().join("; ");
    let finding = Diagnostic::error(
        Code::InvalidComponent,
        format!("it is not valid: {message} (at byte {:#x})", error.offset()),
    );
    // The parser reaches for bytes behind the end of the file only where the file is cut off.
    if message.contains("unexpected end-of-file") && error.offset() <= size {
        finding.help("the file looks cut off; check the step that copies or uploads it")
    } else if message.contains("requires the") || message.contains("not enabled") {
        finding.help("the engine has this feature turned off; build the plugin without it")
    } else {
        finding.help("rebuild it with tools of today")
    }
}

/// What one pass over the bytes finds.
struct Pass {
    world: World,
    producers: IndexMap<String, IndexMap<String, String>>,
    nested: Nested,
    /// What is in the package, where there is nothing but types.
    package: Option<Package>,
    module: Module,
    modules: Vec<Range<usize>>,
    refused: Vec<Diagnostic>,
}

fn validate(bytes: &[u8], known: &Known<'_>) -> Result<Pass, BinaryReaderError> {
    let mut validator = Validator::new_with_features(FEATURES);
    let mut parsers = Vec::new();
    let mut parser = Parser::new(0);
    let mut offset = 0;
    let mut bodies = Vec::new();
    let mut names = (Vec::new(), Vec::new());
    let mut producers = IndexMap::new();
    let mut nested = Nested::default();
    let mut modules = Vec::new();
    // Where the known module ends that is being read.
    let mut known_until = 0;
    let mut only_types = true;
    let mut steps = steps::Reader::default();

    let types = loop {
        let rest = &bytes[offset..];
        let (consumed, payload) = match parser.parse(rest, true)? {
            Chunk::Parsed { consumed, payload } => (consumed, payload),
            // Cannot be asked for: the parser was told that this is all there is.
            Chunk::NeedMoreData(_) => unreachable!("the whole input was given"),
        };
        offset += consumed;
        let valid = validator.payload(&payload)?;
        // Sections are read after the validator has seen them, which bounds the recursion.
        steps.payload(&payload, &validator)?;
        let top = parsers.is_empty();
        match &payload {
            Payload::ComponentImportSection(section) if top => {
                only_types = false;
                for import in section.clone() {
                    names.0.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if top => {
                for export in section.clone() {
                    let export = export?;
                    only_types &= export.kind == wasmparser::ComponentExternalKind::Type;
                    names.1.push(export.name.name.to_owned());
                }
            }
            Payload::ModuleSection { unchecked_range, .. } => {
                nested.modules += 1;
                if known.has(unchecked_range, bytes) {
                    known_until = unchecked_range.end;
                }
                modules.push(unchecked_range.clone());
            }
            Payload::ComponentSection { .. } => nested.components += 1,
            Payload::CustomSection(section) => {
                if let KnownCustom::Producers(reader) = section.as_known() {
                    // A broken producers section is no reason to refuse: it says nothing that runs.
                    let _ = read_producers(reader, &mut producers);
                }
            }
            _ => {}
        }
        match valid {
            ValidPayload::Ok => {}
            ValidPayload::Func(function, body) => {
                nested.functions += 1;
                if offset > known_until {
                    bodies.push((function, body));
                }
            }
            ValidPayload::Parser(inner) => {
                only_types = false;
                parsers.push(std::mem::replace(&mut parser, inner));
            }
            ValidPayload::End(types) => match parsers.pop() {
                Some(outer) => parser = outer,
                None => break types,
            },
        }
    };
    validate_bodies(bodies)?;
    let (steps, sections) = steps.finish();
    let refused = refused::refusals(types.as_ref(), &steps, &sections);
    let is_package = only_types && !names.1.is_empty();
    Ok(Pass {
        refused,
        modules,
        package: is_package.then(|| package(types.as_ref(), &names.1)),
        module: module::read(types.as_ref()),
        world: component_world(types.as_ref(), &names.0, &names.1),
        producers,
        nested,
    })
}

/// Validates function bodies on every core. Of several errors it returns the first by offset, so
/// that the answer does not depend on timing.
fn validate_bodies(
    bodies: Vec<(FuncToValidate<ValidatorResources>, FunctionBody<'_>)>,
) -> Result<(), BinaryReaderError> {
    /// Bodies handed out at a time: enough to keep the shared counter cold.
    const BATCH: usize = 64;
    let next = AtomicUsize::new(0);
    let work = || {
        let mut allocations = wasmparser::FuncValidatorAllocations::default();
        let mut first: Option<BinaryReaderError> = None;
        loop {
            let start = next.fetch_add(BATCH, Ordering::Relaxed);
            let Some(batch) = bodies.get(start..bodies.len().min(start + BATCH)) else {
                return first;
            };
            for (function, body) in batch {
                let function = FuncToValidate {
                    resources: function.resources.clone(),
                    index: function.index,
                    ty: function.ty,
                    features: function.features,
                };
                let mut validator = function.into_validator(allocations);
                if let Err(error) = validator.validate(body)
                    && first.as_ref().is_none_or(|known| error.offset() < known.offset())
                {
                    first = Some(error);
                }
                allocations = validator.into_allocations();
            }
            if batch.is_empty() {
                return first;
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = threads.min(bodies.len().div_ceil(BATCH)).max(1);
    let errors = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut errors = vec![work()];
        for other in others {
            match other.join() {
                Ok(error) => errors.push(error),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        errors
    });
    match errors.into_iter().flatten().min_by_key(BinaryReaderError::offset) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn read_producers(
    reader: wasmparser::ProducersSectionReader<'_>,
    into: &mut IndexMap<String, IndexMap<String, String>>,
) -> Result<(), BinaryReaderError> {
    for field in reader {
        let field = field?;
        let values = into.entry(field.name.to_owned()).or_default();
        for value in field.values {
            let value = value?;
            values.entry(value.name.to_owned()).or_insert_with(|| value.version.to_owned());
        }
    }
    Ok(())
}
