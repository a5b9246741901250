//! `diff` says what changed, all of it, and whom it breaks; and about the latter it is of one mind
//! with the comparison of worlds, and with wit-component's.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]
#![allow(clippy::print_stdout, reason = "a run that failed shows its seed")]

#[allow(dead_code)]
mod support;

#[path = "diff/packages.rs"]
mod packages;

use std::collections::HashSet;
use std::fmt::Write;
use std::fs;

use packages::{Edit, Package};
use plugtool::component::{self, FEATURES};
use plugtool::diagnostic::{Change, ChangeKind, Segment, WitPath};
use plugtool::diff::diff;
use plugtool::input::{self, Kind};
use plugtool::world::{self, Host, Mismatch, WitError, World};
use support::random::Rng;
use support::{bless, plugins, root};
use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType, SubtypeCx};

/// The only world of a text; what has no package is the inside of one.
fn read(wit: &str) -> World {
    try_read(wit).unwrap_or_else(|error| panic!("{error}\n{wit}"))
}

fn try_read(wit: &str) -> Result<World, WitError> {
    let wit = match wit.starts_with("package ") {
        true => wit.to_owned(),
        false => format!("package a:b;\nworld w {{ {wit} }}"),
    };
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("world.wit");
    fs::write(&path, &wit).expect("a file");
    world::load(&[path], &[])?.world(None, FEATURES)
}

fn fits(plugin: &World, host: &World) -> bool {
    mismatches(plugin, host).is_empty()
}

/// The changes, after checking what must be true of any two worlds.
fn changes(old: &World, new: &World) -> Vec<Change> {
    let changes = diff(old, new).changes;
    let breaks_old = changes.iter().any(|change| change.breaks_old_plugins);
    let breaks_new = changes.iter().any(|change| change.breaks_new_plugins);
    assert_eq!(breaks_old, !fits(old, new), "old plugins on the new host: {changes:#?}");
    assert_eq!(breaks_new, !fits(new, old), "new plugins on the old host: {changes:#?}");
    // The walk over the changes and the comparison came to this each on its own: neither had to be
    // overruled by the other.
    let overruled = changes.iter().find(|change| change.reason.starts_with("the comparison of"));
    assert_eq!(overruled, None, "{changes:#?}");
    let breaks = |dir: usize| -> Vec<&Change> {
        let of = |c: &&Change| [c.breaks_old_plugins, c.breaks_new_plugins][dir];
        changes.iter().filter(of).collect()
    };
    same_places(&mismatches(old, new), &breaks(0));
    same_places(&mismatches(new, old), &breaks(1));
    for change in &changes {
        let sides = match change.kind {
            ChangeKind::Added => (false, true),
            ChangeKind::Removed => (true, false),
            _ => (true, true),
        };
        assert_eq!((change.before.is_some(), change.after.is_some()), sides, "{change:#?}");
        assert_ne!(change.before, change.after, "{change:#?}");
    }
    changes
}

/// Every mismatch is at a place of a change, or inside of what changed as a whole; and every change
/// has a place where there is a mismatch.
fn same_places(mismatches: &[Mismatch], changes: &[&Change]) {
    let told: HashSet<Vec<Segment>> = changes.iter().flat_map(|change| places(change)).collect();
    let unnamed: HashSet<Vec<Segment>> = told.iter().map(|place| without_types(place)).collect();
    let mut met: HashSet<Vec<Segment>> = HashSet::new();
    for mismatch in mismatches {
        let path = known_by(&mismatch.path);
        let place = (1..=path.len()).find(|steps| {
            told.contains(&path[..*steps]) || unnamed.contains(&without_types(&path[..*steps]))
        });
        let Some(steps) = place.or_else(|| used_definition(&path, &told)) else {
            let changes: Vec<String> = changes.iter().map(|change| line(change)).collect();
            panic!("{} is not told: {changes:#?}", mismatch.path);
        };
        met.insert(path[..steps].to_vec());
        met.insert(path);
    }
    let roots: HashSet<&[Segment]> = met.iter().filter_map(|path| path.get(..1)).collect();
    let texts: HashSet<[&str; 2]> = mismatches
        .iter()
        .flat_map(|m| [[&*m.expected, &*m.found], [&*m.found, &*m.expected]])
        .collect();
    let twice = |change: &Change| match (&change.before, &change.after) {
        (Some(before), Some(after)) => texts.contains(&[before.as_str(), after.as_str()]),
        _ => false,
    };
    for change in changes {
        let places = places(change);
        // Of a type that is used at many places, or in many interfaces, the comparison tells once; and
        // of an import or export as a whole, nothing more.
        let elsewhere = |place: &Vec<Segment>| {
            roots.contains(&place[..1]) && (place.len() > 2 || met.contains(&place[..1]))
        };
        let known = twice(change)
            || places.iter().any(|place| met.contains(place) || elsewhere(place))
            || met.iter().any(|path| used_definition(path, &places).is_some());
        let met = || mismatches.iter().map(|m| m.path.to_string()).collect::<Vec<_>>();
        assert!(known, "no mismatch: {}\n{:#?}", line(change), met());
    }
}

/// The places of a change. What was renamed has one under either name.
fn places(change: &Change) -> HashSet<Vec<Segment>> {
    let mut places: HashSet<Vec<Segment>> =
        std::iter::once(&change.path).chain(&change.also).map(known_by).collect();
    if let (ChangeKind::Renamed, Some(before)) = (change.kind, &change.before) {
        let before = before.split([':', '(']).next().map(str::to_owned);
        for mut place in places.clone() {
            place.last_mut().expect("a step").name = before.clone();
            places.insert(place);
        }
    }
    places
}

/// A path without what is named otherwise, or not told, on one of the sides.
fn known_by(path: &WitPath) -> Vec<Segment> {
    let mut path = path.0.clone();
    if let Some(root) = path.first_mut() {
        root.name = root.name.as_ref().and_then(|name| name.split('@').next().map(str::to_owned));
        if root.kind == "type" {
            root.kind = "import".into();
        }
    }
    // A function may have become a type.
    if let Some(item) =
        path.get_mut(1).filter(|step| ["func", "type", "resource"].contains(&&*step.kind))
    {
        item.kind = "item".into();
    }
    path
}

/// A path without the steps that only name a type: an alias can have another name for either host.
fn without_types(path: &[Segment]) -> Vec<Segment> {
    const TYPES: &[&str] = &["type", "record", "variant", "enum", "flags", "tuple"];
    path.iter().filter(|step| !TYPES.contains(&&*step.kind)).cloned().collect()
}

/// How many steps lead to what changed in a type of the world itself, from where the type is used.
fn used_definition(path: &[Segment], places: &HashSet<Vec<Segment>>) -> Option<usize> {
    let from = (1..path.len()).find(|step| {
        let is = |place: &Vec<Segment>| {
            place[0].kind == "import"
                && place[0].name == path[*step].name
                && path[*step + 1..].starts_with(&place[1..])
        };
        path[*step].name.is_some() && places.iter().any(is)
    });
    from.map(|_| path.len())
}

fn mismatches(plugin: &World, host: &World) -> Vec<Mismatch> {
    world::targets(plugin, Host { world: host, provides: &[] })
}

/// A change as `testdata/diff/edits.txt` writes it.
fn line(change: &Change) -> String {
    let sign = match change.kind {
        ChangeKind::Added => '+',
        ChangeKind::Removed => '-',
        _ => '~',
    };
    let breaks = match (change.breaks_old_plugins, change.breaks_new_plugins) {
        (true, true) => "on",
        (true, false) => "o",
        (false, true) => "n",
        (false, false) => ".",
    };
    let sides: Vec<&str> = change.before.iter().chain(&change.after).map(String::as_str).collect();
    format!("{sign} {} [{breaks}] {}", change.path, sides.join(" => "))
}

#[test]
fn each_edit_is_told_and_judged() {
    let path = root().join("testdata/diff/edits.txt");
    let text = fs::read_to_string(&path).expect("the edits");
    let mut told = String::new();
    let mut old = None;
    let mut pairs = 0;
    for row in text.lines() {
        match (row.strip_prefix("old: "), row.strip_prefix("new: ")) {
            (Some(wit), _) => old = Some(read(wit)),
            (_, Some(wit)) => {
                let (old, new) = (old.take().expect("an old world"), read(wit));
                let _ = writeln!(told, "{row}");
                for change in changes(&old, &new) {
                    let _ = writeln!(told, "{}", line(&change));
                }
                // And back again, as long as it agrees with the comparison.
                changes(&new, &old);
                assert_eq!(changes(&old, &old), [], "a world against itself: {row}");
                pairs += 1;
                continue;
            }
            _ if row.starts_with(['+', '-', '~']) => continue,
            _ => {}
        }
        let _ = writeln!(told, "{row}");
    }
    assert!(pairs > 50, "only {pairs} pairs were found");
    if bless() {
        fs::write(&path, told).expect("the edits");
        return;
    }
    assert_eq!(text, told, "BLESS=1 rewrites {}", path.display());
}

/// Components have worlds, too: each of the test data against itself and against every other.
#[test]
fn any_two_components_agree_with_the_comparison() {
    let worlds: Vec<World> = plugins()
        .into_iter()
        .map(|(name, path)| input::read(&name, &path.to_string_lossy()).expect("a readable file"))
        // Some are core modules, which have no world.
        .filter(|input| input.kind == Kind::Component)
        .map(|input| component::decode(input).expect("a valid component").world)
        .collect();
    for old in &worlds {
        assert_eq!(changes(old, old), []);
        for new in &worlds {
            changes(old, new);
        }
    }
}

/// The world of a component that imports an interface of functions, in text.
fn component(types: &str, functions: &str) -> World {
    let text = format!("(component (import \"i\" (instance {types} {functions})))");
    let input = input::from_bytes("it", "it.wat", text.into_bytes()).expect("text that assembles");
    component::decode(input).expect("a valid component").world
}

/// A binary can share a type without a name between places; what changed in it changed at each.
#[test]
fn what_changed_in_an_unnamed_type_is_told_at_every_place() {
    let world = |leaf: &str| {
        let types = format!("(type $t (list {leaf})) (type $u (tuple $t $t))");
        let f = r#"(export "f" (func (param "a" $t) (param "b" $u)))"#;
        component(&types, &format!(r#"{f} (export "g" (func (result $t)))"#))
    };
    let told: Vec<String> = changes(&world("u8"), &world("u16")).iter().map(line).collect();
    let expected = [
        "~ import i / func f / param a / list element [on] u8 => u16",
        "~ import i / func f / param b / tuple / element 0 / list element [on] u8 => u16",
        "~ import i / func f / param b / tuple / element 1 / list element [on] u8 => u16",
        "~ import i / func g / result / list element [on] u8 => u16",
    ];
    assert_eq!(told, expected);
}

/// A type of fourteen lines with sixteen thousand places in it, in twenty parameters: each parameter
/// has its changes, and there is an end to them.
#[test]
fn types_that_double_do_not_flood_the_answer() {
    let world = |leaf: &str| {
        let mut types = format!("(type $t0 (list {leaf}))");
        let mut functions = String::new();
        for i in 1..15 {
            let _ = write!(types, "(type $t{i} (tuple $t{0} $t{0}))", i - 1);
        }
        for i in 0..20 {
            let _ = write!(functions, r#"(export "f{i}" (func (param "a" $t14)))"#);
        }
        component(&types, &functions)
    };
    let changes = changes(&world("u8"), &world("u16"));
    assert!(changes.len() < 1 << 17, "{} changes", changes.len());
    for i in 0..20 {
        let function = format!("f{i}");
        assert!(changes.iter().any(|change| names(change).contains(function.as_str())), "f{i}");
    }
}

/// Core modules and components cross the boundary, too: they may need less and give more.
#[test]
fn what_wit_cannot_say_is_told_as_well() {
    let read = |import: &str| {
        let text = format!("(component (import \"m\" {import}))");
        let input = input::from_bytes("it", "it.wat", text.into_bytes()).expect("text");
        component::decode(input).expect("a valid component").world
    };
    let f = r#"(export "f" (func))"#;
    let g = r#"(export "g" (func (param i32)))"#;
    let told = |old: &str, new: &str| -> Vec<String> {
        assert_eq!(changes(&read(new), &read(new)), []);
        changes(&read(old), &read(new)).iter().map(line).collect()
    };
    let less = format!("(core module {f})");
    let more = format!("(core module {f} {g})");
    let narrower = "~ import m [n] core module with export g: nothing of that name \
                    => core module with export g: func(i32) -> ()";
    assert_eq!(told(&less, &more), [narrower]);
    let wider = "~ import m [o] core module with export g: func(i32) -> () \
                 => core module with export g: nothing of that name";
    assert_eq!(told(&more, &less), [wider]);
    let needy = format!(r#"(core module (import "a" "b" (func)) {f})"#);
    assert_eq!(told(&less, &needy).len(), 1);
    let inner = |result: &str| format!(r#"(component (export "f" (func (result {result}))))"#);
    let both = told(&inner("u8"), &inner("u16"));
    assert_eq!(both.len(), 1, "{both:#?}");
    assert_eq!(told(&inner("u8"), &less), ["~ import m [on] component => core module"]);
}

/// Seeds of a run: some hundreds, or as many as `PLUGTOOL_SEEDS` asks for.
fn seeds() -> u64 {
    let asked = std::env::var("PLUGTOOL_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    asked.unwrap_or(600)
}

/// Random packages with up to four random edits: what breaks is what the comparison says, and the
/// validator, in both directions; every edit is told; and where there is none, nothing is.
#[test]
fn random_edits_are_all_told_and_judged() {
    let (mut pairs, mut edits, mut broken) = (0, 0, [0, 0, 0, 0]);
    for seed in 0..seeds() {
        let mut random = Rng(seed);
        let package = Package::random(&mut random);
        let mut edited = package.clone();
        let mut made: Vec<Edit> = Vec::new();
        for _ in 0..20 {
            let before = edited.clone();
            match edited.edit(&mut random) {
                // Two edits of one thing could undo each other.
                Some(edit) if made.iter().any(|other| other.owner == edit.owner) => edited = before,
                Some(edit) => made.push(edit),
                None => edited = before,
            }
            if made.len() > random.below(4) {
                break;
            }
        }
        // Not every package makes a world: exports may depend on each other in ways that WIT has
        // no meaning for.
        let (Ok(old), Ok(new)) = (try_read(&package.wit()), try_read(&edited.wit())) else {
            continue;
        };
        pairs += 1;
        let context = || format!("seed {seed}: {made:#?}\n{}\n{}", package.wit(), edited.wit());
        println!("seed {seed}: {} edits", made.len());
        assert_eq!(changes(&old, &old), [], "{}", context());
        let changes = changes(&old, &new);
        for edit in &made {
            if !is_seen(edit, &old, &new) {
                continue;
            }
            edits += 1;
            let told = changes.iter().any(|change| names(change).contains(edit.name.as_str()));
            assert!(told, "{edit:?} is not told\n{}\n{changes:#?}", context());
        }
        if made.is_empty() {
            assert_eq!(changes, [], "{}", context());
        }
        let breaks_old = |change: &Change| change.breaks_old_plugins;
        let breaks_new = |change: &Change| change.breaks_new_plugins;
        judged_like_the_validator(&package, &edited, &changes, breaks_old, context);
        judged_like_the_validator(&edited, &package, &changes, breaks_new, context);
        // A new version changes nothing about what is told of the inside. On another track, plain types
        // that nobody asks for break nobody any more.
        let inside: Vec<String> = changes.iter().map(line).collect();
        for version in ["0.1.1", "0.2.0"] {
            let new = read(&edited.at(version).wit());
            let told = self::changes(&old, &new);
            let told = told.iter().filter(|change| change.kind != ChangeKind::Version);
            let told: Vec<String> = told.map(|c| line(c).replace(version, "0.1.0")).collect();
            if version == "0.1.1" {
                assert_eq!(told, inside, "{version}\n{}", context());
            }
            let parts = |line: &str| {
                let (before, rest) = line.split_once('[').expect("whom it breaks");
                let (whom, after) = rest.split_once(']').expect("whom it breaks");
                let whom: Vec<char> = whom.chars().filter(|c| *c != '.').collect();
                (before.to_owned(), whom, after.to_owned())
            };
            let fewer = |told: &str, inside: &str| {
                let (told, inside) = (parts(told), parts(inside));
                let whom = told.1.iter().all(|c| inside.1.contains(c));
                whom && told.0.contains(" import a:b/in")
                    && (told.0, told.2) == (inside.0, inside.2)
            };
            let same = told.len() == inside.len()
                && told.iter().zip(&inside).all(|(a, b)| a == b || fewer(a, b));
            assert!(same, "{version}: {told:#?} {inside:#?}\n{}", context());
        }
        broken[usize::from(!fits(&old, &new)) + 2 * usize::from(!fits(&new, &old))] += 1;
    }
    // The pairs are worth something only where they are of every kind.
    println!("{pairs} pairs, {edits} edits; nobody, old, new, both broken: {broken:?}");
    assert!(pairs * 4 > seeds() * 3, "{pairs} pairs");
    assert!(broken.iter().all(|count| *count > 10), "{broken:?}");
}

/// Whether an edit can be seen in the worlds at all: its interface is in both, or has come or gone.
/// What is imported no longer may still be there because others use it.
fn is_seen(edit: &Edit, old: &World, new: &World) -> bool {
    let has = |world: &World, interface: &str| {
        let name = format!("a:b/{interface}@");
        let imported = world.imports.keys().any(|known| known.starts_with(&name));
        [imported, world.exports.keys().any(|known| known.starts_with(&name))]
    };
    match &edit.interface {
        Some(interface) => [old, new].iter().all(|world| has(world, interface).contains(&true)),
        None if edit.what.contains("port") => has(old, &edit.name) != has(new, &edit.name),
        None => true,
    }
}

/// Every name that a change shows.
fn names(change: &Change) -> HashSet<&str> {
    let steps = std::iter::once(&change.path).chain(&change.also).flat_map(|path| &path.0);
    let steps = steps.filter_map(|step| step.name.as_deref());
    let texts = change.before.iter().chain(&change.after).map(String::as_str);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    steps.chain(texts).flat_map(|text| text.split(move |c| !plain(c))).collect()
}

/// One direction of a pair: whoever breaks nobody passes for a subtype, and the other way round.
fn judged_like_the_validator(
    plugin: &Package,
    host: &Package,
    changes: &[Change],
    breaks: fn(&Change) -> bool,
    context: impl Fn() -> String,
) {
    let subtype = is_subtype(plugin, host);
    let fits = !changes.iter().any(breaks);
    // The one thing that the validator sees otherwise: an imported interface must have its plain
    // types, even where it has nothing but plain types.
    let plain = changes.iter().any(|change| {
        let definition = change.path.0.iter().take(2).any(|step| step.kind == "type");
        !breaks(change) && (definition || change.reason.contains("plain types"))
    });
    let agree = fits == subtype.is_ok() || (fits && plain);
    assert!(agree, "{fits}, the validator: {subtype:?}\n{}\n{changes:#?}", context());
}

/// Whether the validator would take a component of the old world for one of the new.
fn is_subtype(old: &Package, new: &Package) -> Result<(), String> {
    let mut validator = wasmparser::Validator::new_with_features(FEATURES);
    let [old, new] = [old, new].map(|package| {
        let mut resolve = wit_parser::Resolve::default();
        let id = resolve.push_str("world.wit", &package.wit()).expect("valid WIT");
        // Without ids of their own for what is exported, the encoder takes the imported types for it.
        resolve.generate_nominal_type_ids(resolve.packages[id].worlds["w"]);
        let bytes = wit_component::encode(&resolve, id).expect("an encoding");
        validator.reset();
        validator.validate_all(&bytes).expect("a valid encoding")
    });
    let id = |types: &wasmparser::types::Types| {
        let types = types.as_ref();
        let Some(ComponentEntityType::Type { created: ComponentAnyTypeId::Component(id), .. }) =
            types.component_item_for_export("w").map(|item| item.ty)
        else {
            panic!("the world is not there")
        };
        match types[id].exports.values().next().map(|item| item.ty) {
            Some(ComponentEntityType::Component(id)) => id,
            other => panic!("the world is {other:?}"),
        }
    };
    // The later list has the types of both.
    SubtypeCx::new_with_refs(new.as_ref(), new.as_ref())
        .component_type(id(&old), id(&new), 0)
        .map_err(|error| error.to_string())
}
