//! A plan as a WAC script: the same composition, for people to read, change and keep.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Write;

use wac_parser::lexer::{Lexer, Token};

use super::{order, roots};
use crate::component::Component;
use crate::wiring::{Plan, brought};

/// A WAC script that says what a plan says. `compose` makes the same component out of it, and so does
/// `wac compose` where no types at the root are in the way; the script says which those are.
///
/// `modules` are the digests of components whose files are core modules.
pub fn emit(components: &[&Component], plan: &Plan, modules: &BTreeSet<String>) -> String {
    let names = names(components, plan);
    let mut out =
        String::from("// Written by plugtool. To compose it, give it the components:\n//\n");
    out.push_str("//     plugtool compose THIS.wac");
    let mut packages: HashMap<&str, &str> = HashMap::new();
    for index in by_name(&names, plan) {
        let component = components[index];
        let digest = component.sha256();
        if let Entry::Vacant(free) = packages.entry(digest) {
            free.insert(&names[&index]);
            let dep = format!("part:{}={}", names[&index], component.path);
            let _ = write!(out, " \\\n//         --dep {}", quoted(&dep));
        }
    }
    out.push_str("\n//\n");
    for index in by_name(&names, plan) {
        if modules.contains(components[index].sha256()) {
            let _ = writeln!(
                out,
                "// {} is a core module: name a host that adapts modules, or give what\n\
                 // `plugtool adapt` makes of it.\n//",
                names[&index]
            );
        }
    }
    out.push_str(&sealed(components, plan));
    out.push_str("package composed:by-plugtool;\n");
    for index in exporters_first(&names, plan) {
        let component = components[index];
        let package = packages.get(component.sha256()).copied().unwrap_or_default();
        let _ = write!(out, "\nlet {} = new part:{package} {{", ident(&names[&index]));
        let mut fed: BTreeMap<&str, String> = BTreeMap::new();
        for wire in plan.wires.iter().filter(|wire| wire.importer == index) {
            let from = ident(&names[&wire.exporter]);
            fed.insert(&wire.import, format!("{from}[\"{}\"]", wire.export));
        }
        for root in component.world.imports.keys() {
            if let Some((home, name)) = brought(&component.world, root)
                && let Some(from) = fed.get(home.as_str())
            {
                let from = format!("{from}[\"{name}\"]");
                fed.entry(root).or_insert(from);
            }
        }
        for (import, from) in &fed {
            let _ = write!(out, "\n    \"{import}\": {from},");
        }
        let open = component.world.imports.keys().any(|name| !fed.contains_key(name.as_str()));
        match (open, fed.is_empty()) {
            (true, true) => out.push_str(" ... "),
            (true, false) => out.push_str("\n    ...\n"),
            (false, true) => {}
            (false, false) => out.push('\n'),
        }
        out.push_str("};\n");
    }
    out.push('\n');
    for outlet in &plan.outlets {
        let from = ident(&names[&outlet.exporter]);
        let _ = writeln!(out, "export {from}[\"{}\"] as \"{}\";", outlet.export, outlet.name);
    }
    out
}

/// What the script has no words for.
fn sealed(components: &[&Component], plan: &Plan) -> String {
    let settled = roots::settle(components, plan, &order(components, plan));
    let mut types: BTreeSet<String> = BTreeSet::new();
    for (&index, renamed) in &settled.renames {
        let name = &components[index].name;
        types.extend(renamed.keys().map(|ty| format!("{} of {}", plain(ty), plain(name))));
    }
    if types.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "// WAC has no words for these types at the root: those of seams stay inside, those of one name\n\
         // that differ are kept apart. plugtool does both by itself; `wac compose` refuses the script\n\
         // for them, or leaves them in the result's imports:\n//\n",
    );
    for ty in types {
        let _ = writeln!(out, "//     {ty}");
    }
    out + "//\n"
}

/// What each component is called in the script: its own name where that is one that WAC can read, and no
/// two alike.
fn names(components: &[&Component], plan: &Plan) -> HashMap<usize, String> {
    let mut taken: HashSet<String> = HashSet::new();
    let mut names = HashMap::new();
    let mut used = plan.used.clone();
    used.sort_by_key(|&index| (&components[index].name, components[index].sha256(), index));
    for index in used {
        let name = kebab(&components[index].name);
        let mut free = name.clone();
        let mut number = 2;
        while !taken.insert(free.clone()) {
            free = format!("{name}-x{number}");
            number += 1;
        }
        names.insert(index, free);
    }
    names
}

/// A name in WAC's spelling: words of lower-case letters and digits that start with a letter, with
/// dashes between them.
fn kebab(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words = words.map(|word| {
        let lead = if word.starts_with(|c: char| c.is_ascii_digit()) { "x" } else { "" };
        lead.to_owned() + &word.to_ascii_lowercase()
    });
    let name = words.collect::<Vec<_>>().join("-");
    if name.is_empty() { "part".to_owned() } else { name }
}

/// A name as an identifier: keywords are marked.
fn ident(name: &str) -> String {
    let token = Lexer::new(name).ok().and_then(|mut lexer| lexer.next());
    match token {
        Some((Ok(Token::Ident), _)) => name.to_owned(),
        _ => format!("%{name}"),
    }
}

fn by_name(names: &HashMap<usize, String>, plan: &Plan) -> Vec<usize> {
    let mut order = plan.used.clone();
    order.sort_by_key(|index| &names[index]);
    order
}

/// The components in an order in which each comes after those that feed it.
fn exporters_first(names: &HashMap<usize, String>, plan: &Plan) -> Vec<usize> {
    let mut left = by_name(names, plan);
    let mut order: Vec<usize> = Vec::new();
    while !left.is_empty() {
        let ready = |index: usize| {
            let mut feeds = plan.wires.iter().filter(|wire| wire.importer == index);
            feeds.all(|wire| order.contains(&wire.exporter))
        };
        // A plan has no circles, so there is always one; were there none, the order would not matter.
        let next = left.iter().position(|&index| ready(index)).unwrap_or(0);
        order.push(left.remove(next));
    }
    order
}

/// Text of a file's name in a comment: on one line, whatever is in it.
fn plain(text: &str) -> String {
    let shown = |c: char| match c {
        '\'' | '"' | '\\' => c.to_string(),
        c => c.escape_debug().to_string(),
    };
    text.chars().map(shown).collect()
}

/// A word of a shell's command line.
fn quoted(word: &str) -> String {
    let word = plain(word);
    let safe = |c: char| c.is_alphanumeric() || "-_./:=@+,".contains(c);
    if word.chars().all(safe) { word } else { format!("'{}'", word.replace('\'', "'\\''")) }
}
