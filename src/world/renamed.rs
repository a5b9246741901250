//! A world under other names.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::{Item, Origin, World};

impl World {
    /// The same world with some imports and exports under other names; resources come from the
    /// renamed places. Names that are not in the maps stay.
    pub fn renamed(&self, imports: &HashMap<&str, &str>, exports: &HashMap<&str, &str>) -> World {
        let mut world = self.clone();
        world.imports = table(&self.imports, imports);
        world.exports = table(&self.exports, exports);
        for resource in &mut world.resources {
            match &mut resource.origin {
                Origin::Import(Some(name)) => *name = renamed(name, imports),
                Origin::Export(Some(name)) => *name = renamed(name, exports),
                Origin::Import(None) | Origin::Export(None) | Origin::Hidden => {}
            }
        }
        world
    }
}

fn renamed(name: &str, names: &HashMap<&str, &str>) -> String {
    names.get(name).copied().unwrap_or(name).to_owned()
}

fn table(items: &IndexMap<String, Item>, names: &HashMap<&str, &str>) -> IndexMap<String, Item> {
    items.iter().map(|(name, item)| (renamed(name, names), item.clone())).collect()
}
