//! What others say about a plugin and a host world: whether the plugin's type is a subtype of the
//! world's (`targets` of a newer wit-component), and whether the engine links it.

use std::collections::BTreeMap;

use wasm_encoder::ComponentBuilder;
use wasm_encoder::reencode::{ReencodeComponent, RoundtripReencoder};
use wasmparser::{ComponentType, ComponentTypeDeclaration, Payload};
use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};
use wasmtime::{Config, Engine, OptLevel};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, WorldId};

/// The engine with its default configuration, made to compile fast.
pub fn engine() -> Engine {
    let mut config = Config::new();
    config.cranelift_opt_level(OptLevel::None).parallel_compilation(false);
    Engine::new(&config).expect("an engine")
}

fn parse(wit: &str, world: &str) -> Result<(Resolve, WorldId), String> {
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("contract.wit", wit)
        .map_err(|error| format!("parse: {}", resolve.render_error(&error)))?;
    let world = resolve
        .select_world(&[package], Some(world))
        .map_err(|error| format!("world: {error:#}"))?;
    Ok((resolve, world))
}

/// A component of the world that does nothing: wit-component's dummy module, encoded. Or why there
/// is none: the WIT is not valid, or cannot be encoded.
pub fn dummy(wit: &str, world: &str) -> Result<Vec<u8>, String> {
    let (resolve, world) = parse(wit, world)?;
    let failed = |step: &'static str| move |error| format!("{step}: {error:#}");
    let abi = ManglingAndAbi::Legacy(LiftLowerAbi::AsyncCallback);
    let mut module = wit_component::dummy_module(&resolve, world, abi);
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .map_err(failed("embed"))?;
    ComponentEncoder::default()
        .merge_imports_based_on_semver(false)
        .module(&module)
        .and_then(|mut encoder| encoder.encode())
        .map_err(failed("encode"))
}

/// Witness (a): types and exports. wit-component instantiates the plugin against the world's type,
/// with exact names or with those of one semver track taken for the same.
///
/// Where the world both imports and exports an interface, its types must have ids of their own: the
/// encoder takes a type that it met among the imports for the exported one. With `semver` it decodes
/// and encodes the plugin too, and there the mistake cannot be helped.
pub fn targets(wit: &str, world: &str, plugin: &[u8], semver: bool) -> Result<(), String> {
    let mut resolve = wit_parser_newer::Resolve::default();
    let package = resolve.push_str("host.wit", wit).map_err(|error| format!("{error:#}"))?;
    let world =
        resolve.select_world(&[package], Some(world)).map_err(|error| format!("{error:#}"))?;
    if !semver {
        resolve.generate_nominal_type_ids(world);
    }
    wit_component_newer::targets(&resolve, world, plugin, semver)
        .map_err(|error| format!("{error:#}"))
}

/// A component with all the imports of a world and nothing else: for the engine to say what a host
/// has to offer. A dummy module would import only what its functions need.
pub fn offered(wit: &str, world: &str) -> Result<Vec<u8>, String> {
    let (mut resolve, id) = parse(wit, world)?;
    resolve.generate_nominal_type_ids(id);
    let package = resolve.worlds[id].package.expect("a package");
    resolve.packages[package].interfaces.clear();
    let bytes =
        wit_component::encode(&resolve, package).map_err(|error| format!("encode: {error:#}"))?;
    // The package defines, for each world, a component type that exports the world as a component
    // of its own type. What this type declares before its first export becomes a component.
    let declarations =
        wasmparser::Parser::new(0).parse_all(&bytes).find_map(|payload| {
            match payload.expect("valid bytes") {
                Payload::ComponentTypeSection(types) => types.into_iter().next(),
                _ => None,
            }
        });
    let Some(Ok(ComponentType::Component(wrapper))) = declarations else {
        panic!("a package without a world");
    };
    let inner = Vec::from(wrapper).into_iter().find_map(|declaration| match declaration {
        ComponentTypeDeclaration::Type(ComponentType::Component(inner)) => Some(inner),
        _ => None,
    });
    let mut out = ComponentBuilder::default();
    let mut same = RoundtripReencoder;
    for declaration in Vec::from(inner.expect("the world's type")) {
        match declaration {
            ComponentTypeDeclaration::Type(ty) => {
                same.parse_component_type(out.ty(None).1, ty).expect("a type");
            }
            ComponentTypeDeclaration::Alias(alias) => {
                out.alias(None, same.component_alias(alias).expect("an alias"));
            }
            ComponentTypeDeclaration::Import(import) => {
                let ty = same.component_type_ref(import.ty).expect("an import");
                out.import(import.name.name, ty);
            }
            ComponentTypeDeclaration::Export { .. } => break,
            ComponentTypeDeclaration::CoreType(_) => panic!("WIT has no core types"),
        }
    }
    Ok(out.finish())
}

/// What the engine says about a plugin on a linker that has what the host's dummy imports.
pub struct Linked {
    /// Witness (b): names, presence and kinds of imports.
    pub links: Result<(), String>,
    /// Witness (c): signatures and resources of the imports that link.
    pub fits: Result<(), String>,
}

pub fn link(engine: &Engine, host: &Component, plugin: &Component) -> Linked {
    let mut linker: Linker<()> = Linker::new(engine);
    let mut resources = Vec::new();
    for (name, item) in host.component_type().imports(engine) {
        define(engine, &mut linker.root(), name, &item.ty, &mut resources)
            .expect("a dummy's import");
    }
    let links = linker.instantiate_pre(plugin).map(|_| ()).map_err(|error| format!("{error:#}"));
    let fits = if links.is_ok() {
        let host = linker.substituted_component_type(host).expect("the linker has its imports");
        let plugin = linker.substituted_component_type(plugin).expect("it links");
        let offered: BTreeMap<&str, ComponentItem> =
            host.imports(engine).map(|(name, item)| (name, item.ty)).collect();
        plugin
            .imports(engine)
            .filter(|(_, item)| !matches!(item.ty, ComponentItem::Type(_)))
            .try_for_each(|(name, item)| match find(&offered, name) {
                Some(other) => same(engine, name, &item.ty, other),
                None => Ok(()), // It links, so it asks for nothing.
            })
    } else {
        Ok(())
    };
    Linked { links, fits }
}

/// Defines what the item asks for. A resource is the same wherever the host's dummy says so, and
/// different everywhere else.
fn define(
    engine: &Engine,
    linker: &mut LinkerInstance<'_, ()>,
    name: &str,
    item: &ComponentItem,
    resources: &mut Vec<ResourceType>,
) -> wasmtime::Result<()> {
    match item {
        ComponentItem::ComponentFunc(func) if func.async_() => linker
            .func_new_concurrent(name, |_, _, _, _| {
                Box::pin(async { Err(wasmtime::Error::msg("never called")) })
            }),
        ComponentItem::ComponentFunc(_) => {
            linker.func_new(name, |_, _, _, _| Err(wasmtime::Error::msg("never called")))
        }
        ComponentItem::ComponentInstance(instance) => {
            let mut inner = linker.instance(name)?;
            for (name, item) in instance.exports(engine) {
                define(engine, &mut inner, name, &item.ty, resources)?;
            }
            Ok(())
        }
        ComponentItem::Resource(resource) => {
            let known = resources.iter().position(|other| other == resource);
            let id = known.unwrap_or_else(|| {
                resources.push(*resource);
                resources.len() - 1
            });
            let id = u32::try_from(id).expect("few resources");
            linker.resource(name, ResourceType::host_dynamic(id), |_, _| Ok(()))
        }
        _ => Ok(()),
    }
}

/// The exact name, else the highest version on its track.
fn find<'t, T>(table: &'t BTreeMap<&str, T>, name: &str) -> Option<&'t T> {
    if let Some(item) = table.get(name) {
        return Some(item);
    }
    let wanted = track(name)?;
    table
        .iter()
        .filter_map(|(other, item)| Some((track(other)?, item)))
        .filter(|((base, track, _), _)| (*base, track) == (wanted.0, &wanted.1))
        .max_by_key(|((_, _, version), _)| version.clone())
        .map(|(_, item)| item)
}

/// The name without its version, the track, the version.
fn track(name: &str) -> Option<(&str, (u64, u64), semver::Version)> {
    let (base, version) = name.split_once('@')?;
    let version = semver::Version::parse(version).ok()?;
    let track = match (version.major, version.minor) {
        (0, 0) => return None,
        (0, minor) => (0, minor),
        (major, _) => (major, 0),
    };
    version.pre.is_empty().then_some((base, track, version))
}

/// Whether two versions of one name are on one track.
pub fn on_one_track(a: &str, b: &str) -> bool {
    let (a, b) = (format!("x@{a}"), format!("x@{b}"));
    matches!((track(&a), track(&b)), (Some((_, a, _)), Some((_, b, _))) if a == b)
}

/// Whether an import of the plugin is what the host has there. Only what the plugin names is looked
/// at, and plain types are looked at where functions use them.
fn same(
    engine: &Engine,
    at: &str,
    plugin: &ComponentItem,
    host: &ComponentItem,
) -> Result<(), String> {
    match (plugin, host) {
        (ComponentItem::ComponentInstance(a), ComponentItem::ComponentInstance(b)) => {
            instances(engine, at, a, b)
        }
        (ComponentItem::ComponentFunc(a), ComponentItem::ComponentFunc(b)) => funcs(at, a, b),
        (ComponentItem::Resource(a), ComponentItem::Resource(b)) if a == b => Ok(()),
        (ComponentItem::Resource(_), ComponentItem::Resource(_)) => {
            Err(format!("{at}: another resource"))
        }
        (ComponentItem::Type(_), _) => Ok(()),
        (a, b) => Err(format!("{at}: another kind: {a:?} and {b:?}")),
    }
}

fn instances(
    engine: &Engine,
    at: &str,
    plugin: &ComponentInstance,
    host: &ComponentInstance,
) -> Result<(), String> {
    for (name, item) in plugin.exports(engine) {
        if let Some(other) = host.get_export(engine, name) {
            same(engine, &format!("{at} / {name}"), &item.ty, &other.ty)?;
        }
    }
    Ok(())
}

fn funcs(at: &str, plugin: &ComponentFunc, host: &ComponentFunc) -> Result<(), String> {
    if plugin.async_() != host.async_() {
        return Err(format!("{at}: async-ness"));
    }
    // The engine ignores the names of parameters.
    let types = |func: &ComponentFunc| func.params().map(|(_, ty)| ty).collect::<Vec<_>>();
    if types(plugin) != types(host) {
        return Err(format!("{at}: parameters"));
    }
    if !plugin.results().eq(host.results()) {
        return Err(format!("{at}: result"));
    }
    Ok(())
}
