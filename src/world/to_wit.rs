//! A world as WIT text that reads back as the same world.
//!
//! WIT says less than a component can do. What it cannot say is left out or said as nearly as it
//! goes, and the text begins with a comment that names every such thing:
//!
//! - core modules, components and values that are imported or exported, instances inside
//!   instances, and import names such as `url=<...>`;
//! - types and resources that the component itself exports, outside of any interface: they stand
//!   in the world, which means an import;
//! - an interface that is imported and exported with different items: WIT has one of each name,
//!   which gets the items of both;
//! - a resource that interfaces share in a way that no `use` means, such as an exported interface
//!   that takes a resource of an import although the component exports that interface too;
//! - a function that takes a type which has no name in its own interface: it gets one there.
//!
//! Type names, `use` and `type b = a` come out as they went in, as far as the binary format keeps
//! them: what an export takes from a nested component has its structure written out.

mod block;
mod checked;
mod homes;
mod printer;
mod text;

use indexmap::IndexMap;

pub use checked::{ToWitError, checked_package_wit, checked_wit, differences};
pub use text::{Signatures, TooLarge};

use super::{Item, Package, World};
use block::{Block, escape_package, path};
use homes::{Homes, Side, User, split};
use printer::{LeftOut, Printer, Scope, quoted};
use text::{Budget, escape};

/// The most text that a world may need, in bytes, not counting indentation.
pub const MAX_TEXT: usize = 8 << 20;

/// A world as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitText {
    /// WIT, with nested packages for the interfaces of other packages.
    pub text: String,
    /// What WIT cannot say, a line each. Empty: the text is the whole world.
    pub left_out: Vec<String>,
}

/// A world as WIT text. A world without a name becomes `root` in the package `root:component`.
pub fn to_wit(world: &World) -> Result<WitText, TooLarge> {
    written(world, false)
}

/// The same world, with value types written out wherever an interface has them instead of `use`d
/// from one that had them first: for worlds whose interfaces mean imports and exports of one
/// interface at once, which `use` cannot tell apart.
pub fn to_wit_without_use(world: &World) -> Result<WitText, TooLarge> {
    written(world, true)
}

fn written(world: &World, structural: bool) -> Result<WitText, TooLarge> {
    let mut document = Document::new(structural);
    let (package, name) = match world.name.as_deref().and_then(split) {
        Some((package, name)) => (package, name),
        None => (unused_package(world), "root"),
    };
    document.add(world, &package, Some(name))?;
    Ok(document.finish(&package))
}

/// A package of WIT, out of its encoding, as text. Comments are not in it.
pub fn package_to_wit(wit: &Package) -> Result<WitText, TooLarge> {
    let mut document = Document::new(false);
    let mut main = None;
    for (world, is_world) in
        wit.interfaces.iter().map(|i| (i, false)).chain(wit.worlds.iter().map(|w| (w, true)))
    {
        let Some((package, name)) = world.name.as_deref().and_then(split) else { continue };
        document.add(world, &package, is_world.then_some(name))?;
        main.get_or_insert(package);
    }
    Ok(document.finish(main.as_deref().unwrap_or("root:component")))
}

/// A package for a world that has none, different from all that it names.
fn unused_package(world: &World) -> String {
    let used = |package: &str| {
        let mut names = world.imports.keys().chain(world.exports.keys());
        names.any(|name| split(name).is_some_and(|(other, _)| other == package))
    };
    let mut package = "root:component".to_owned();
    let mut n = 1;
    while used(&package) {
        n += 1;
        package = format!("root:component-{n}");
    }
    package
}

/// WIT as it grows, package by package.
struct Document {
    /// Interfaces by package, then by name.
    packages: IndexMap<String, IndexMap<String, Block>>,
    /// The worlds of the main package: name and lines.
    worlds: Vec<(String, String)>,
    budget: Budget,
    left_out: LeftOut,
    structural: bool,
}

impl Document {
    fn new(structural: bool) -> Document {
        Document {
            packages: IndexMap::new(),
            worlds: Vec::new(),
            budget: Budget(MAX_TEXT),
            left_out: LeftOut::default(),
            structural,
        }
    }

    /// Adds the interfaces of a world, and the world itself under this name.
    fn add(&mut self, world: &World, package: &str, name: Option<&str>) -> Result<(), TooLarge> {
        let mut homes = Homes::of(world);
        // A world needs every package that it names, so none of those may need the world's.
        let named: Vec<String> = homes.interfaces.values().map(|i| i.package.clone()).collect();
        for other in named {
            homes.connect(package, &other);
        }
        let mut printer = Printer {
            world,
            homes,
            budget: &mut self.budget,
            left_out: &mut self.left_out,
            structural: self.structural,
        };
        for i in 0..printer.homes.interfaces.len() {
            let Some((&full, interface)) = printer.homes.interfaces.get_index(i) else { continue };
            let interface = interface.clone();
            let mut blocks = Vec::new();
            for side in [Side::Import, Side::Export] {
                let Some(instance) = interface.side(side) else { continue };
                let user = User { package: &interface.package, interface: Some(i), side };
                let mut scope = Scope::new(user, Some(full));
                blocks.push(printer.block(&mut scope, instance.items.iter())?);
            }
            let sizes: Vec<usize> = blocks.iter().map(Block::len).collect();
            let known = self
                .packages
                .entry(interface.package.clone())
                .or_default()
                .entry(interface.name.to_owned())
                .or_default();
            let mut both = Block::default();
            for block in blocks {
                for item in both.merge(block) {
                    printer
                        .left_out
                        .push(format!("{full} has another {item} as an export than as an import"));
                }
            }
            if sizes.iter().any(|size| *size != both.len()) {
                printer.left_out.push(format!(
                    "{full} is imported and exported with different items, and has both here"
                ));
            }
            for item in known.merge(both) {
                printer.left_out.push(format!("{full} has more than one {}", quoted(&item)));
            }
        }
        if let Some(name) = name {
            let lines = world_lines(&mut printer, package)?;
            self.worlds.push((name.to_owned(), lines));
        }
        Ok(())
    }

    fn finish(mut self, main: &str) -> WitText {
        let mut out = String::new();
        let left_out = self.left_out.into_lines();
        if !left_out.is_empty() {
            out.push_str("// WIT cannot say all of this world:\n");
            left_out.iter().for_each(|line| out.push_str(&format!("// - {line}\n")));
            out.push('\n');
        }
        out.push_str(&format!("package {};\n", escape_package(main)));
        let own = self.packages.shift_remove(main).unwrap_or_default();
        write_interfaces(&mut out, &own, "");
        for (name, lines) in &self.worlds {
            out.push_str(&format!("\nworld {} {{\n{lines}}}\n", escape(name)));
        }
        for (package, interfaces) in &self.packages {
            out.push_str(&format!("\npackage {} {{", escape_package(package)));
            write_interfaces(&mut out, interfaces, "  ");
            out.push_str("}\n");
        }
        WitText { text: out, left_out }
    }
}

fn write_interfaces(out: &mut String, interfaces: &IndexMap<String, Block>, indent: &str) {
    for (name, block) in interfaces {
        out.push_str(&format!("\n{indent}interface {} {{", escape(name)));
        write_items(out, block, indent);
    }
}

/// What stands behind an opening brace, and the closing one.
fn write_items(out: &mut String, block: &Block, indent: &str) {
    if block.len() == 0 {
        out.push_str("}\n");
        return;
    }
    out.push('\n');
    block.write(out, &format!("{indent}  "), "");
    out.push_str(&format!("{indent}}}\n"));
}

/// What stands between the braces of a world.
fn world_lines(printer: &mut Printer<'_>, package: &str) -> Result<String, TooLarge> {
    let world = printer.world;
    let mut out = String::new();
    interfaces(printer, package, Side::Import, &mut out)?;

    // What is in the world itself, and what can only be written there.
    let mut scope = Scope::new(User { package, interface: None, side: Side::Import }, None);
    let imported = world.imports.iter().filter(|(_, item)| !matches!(item, Item::Instance(_)));
    let mut exported = Vec::new();
    for (name, item) in &world.exports {
        if matches!(item, Item::Type(_) | Item::Resource(_)) {
            let kind = item.kind();
            printer.left_out.push(format!("export {}: it is a {kind}", quoted(name)));
            if !world.imports.contains_key(name) {
                exported.push((name, item));
            }
        }
    }
    let mut block = printer.block(&mut scope, imported.chain(exported.iter().copied()))?;
    let mut funcs = String::new();
    for (name, item) in &world.exports {
        match item {
            Item::Func(func) => match printer.func_text(&mut scope, name, func)? {
                Some((None, text)) => funcs.push_str(&format!("  export {text}\n")),
                _ => printer.left_out.push(format!("export {}: it is a function", quoted(name))),
            },
            Item::Module(_) | Item::Component(_) | Item::Other(_) => {
                let kind = item.kind();
                printer.left_out.push(format!("export {}: it is a {kind}", quoted(name)));
            }
            _ => {}
        }
    }
    block.0.extend(scope.take_added());
    let mut groups = vec![std::mem::take(&mut out)];
    block.write(&mut out, "  ", "import ");
    groups.push(std::mem::take(&mut out));
    interfaces(printer, package, Side::Export, &mut out)?;
    out.push_str(&funcs);
    groups.push(out);
    groups.retain(|group| !group.is_empty());
    Ok(groups.join("\n"))
}

/// The interfaces that a world imports or exports, a line each or in full.
fn interfaces(
    printer: &mut Printer<'_>,
    package: &str,
    side: Side,
    out: &mut String,
) -> Result<(), TooLarge> {
    let world = printer.world;
    let table = match side {
        Side::Import => &world.imports,
        Side::Export => &world.exports,
    };
    let keyword = side.keyword();
    for (name, item) in table {
        let Item::Instance(instance) = item else { continue };
        if let Some((home, short)) = split(name) {
            out.push_str(&format!("  {keyword} {};\n", path(package, &home, short)));
        } else if homes::is_label(name) {
            let user = User { package, interface: None, side };
            let mut scope = Scope::new(user, Some(name));
            let block = printer.block(&mut scope, instance.items.iter())?;
            out.push_str(&format!("  {keyword} {}: interface {{", escape(name)));
            write_items(out, &block, "  ");
        } else {
            printer.left_out.push(format!("{keyword} {}: WIT has no such names", quoted(name)));
        }
    }
    Ok(())
}
