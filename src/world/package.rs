//! A package of WIT out of its encoding: its interfaces and worlds.

use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType};
use wasmparser::types::TypesRef;

use super::exported::use_each_other;
use super::{World, component_type_world};

/// A package of WIT.
#[derive(Clone, Debug, Default)]
pub struct Package {
    /// Its interfaces, each as a world that exports it and imports what it uses.
    pub interfaces: Vec<World>,
    /// Its worlds.
    pub worlds: Vec<World>,
}

impl Package {
    /// The name with the version, where there is anything in it: `wasi:io@0.2.3`.
    pub fn name(&self) -> Option<String> {
        let full = self.interfaces.iter().chain(&self.worlds).find_map(|w| w.name.as_deref())?;
        let (base, version) = match full.split_once('@') {
            Some((base, version)) => (base, format!("@{version}")),
            None => (full, String::new()),
        };
        Some(format!("{}{version}", base.split('/').next().unwrap_or(base)))
    }
}

/// Reads a package from the types that a component exports, each an interface or a world under its
/// short name (component model, WIT.md, "Package format"): a component type whose only export is
/// the interface as an instance, or the world as a component, under its full name. What is
/// something else is passed over.
pub fn package(types: TypesRef<'_>, exports: &[String]) -> Package {
    let mut package = Package::default();
    for export in exports {
        let Some(ComponentEntityType::Type { created: ComponentAnyTypeId::Component(id), .. }) =
            types.component_item_for_export(export).map(|item| item.ty)
        else {
            continue;
        };
        let Some((full, item)) = types[id].exports.iter().next() else { continue };
        match item.ty {
            ComponentEntityType::Instance(_) => {
                package.interfaces.push(component_type_world(types, id, full.clone()));
            }
            ComponentEntityType::Component(world) => {
                let mut world = component_type_world(types, world, full.clone());
                use_each_other(&mut world);
                package.worlds.push(world);
            }
            _ => {}
        }
    }
    package
}
