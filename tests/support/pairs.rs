//! Random pairs of a host and a plugin that nearly fit, judged by plugtool and by the witnesses.
#![allow(
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "what a run over seeds found is read by people, and its counts are small"
)]

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use plugtool::check::check;
use plugtool::component;
use plugtool::config;
use plugtool::diagnostic::Diagnostic;
use plugtool::input;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::change::Change;
use crate::choose;
use crate::contract::Contract;
use crate::generate::Generator;
use crate::witness;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Host,
    Plugin,
}

/// A host and a plugin of the same contract, each with its edits.
pub struct Pair {
    pub base: Contract,
    pub edits: Vec<(Side, Change)>,
}

impl Pair {
    pub fn new(seed: u64) -> Pair {
        let mut generator = Generator::new(seed);
        let base = generator.contract();
        let wanted = match generator.rng.below(20) {
            0 => 0,
            1..=14 => 1,
            15..=17 => 2,
            18 => 3,
            _ => 4,
        };
        let mut pair = Pair { base, edits: Vec::new() };
        for _ in 0..wanted * 3 {
            if pair.edits.len() == wanted {
                break;
            }
            let side = if generator.rng.percent(50) { Side::Host } else { Side::Plugin };
            let contract = pair.side(side, |_| true).expect("edits that were made before");
            let Some(change) = choose::change(&contract, &mut generator) else { continue };
            // Several edits are of different items each, so that none hides another.
            let apart = |other: &Change| {
                let ((a, x), (b, y)) = (other.place(), change.place());
                let all = |part: &String| part.is_empty();
                !(all(&a) || all(&b)) && (a != b || !(all(&x) || all(&y) || x == y))
            };
            // Nor does one mention what another defined: definitions must be able to be taken back.
            let defined = |other: &Change| {
                let shown = format!("{change:?}");
                other.defines().is_some_and(|name| shown.contains(&format!("{name:?}")))
            };
            if pair.edits.iter().all(|(_, other)| apart(other) && !defined(other))
                && change.apply(&mut contract.clone()).is_some()
            {
                pair.edits.push((side, change));
            }
        }
        pair
    }

    /// One side of the pair, with those of its edits that are wanted.
    pub fn side(&self, side: Side, wanted: impl Fn(&Change) -> bool) -> Option<Contract> {
        let mut contract = self.base.clone();
        for (of, change) in &self.edits {
            if *of == side && wanted(change) {
                change.apply(&mut contract)?;
            }
        }
        Some(contract)
    }
}

/// What came of a pair.
enum Outcome {
    /// It could not be built; why.
    Skipped(String),
    Accepted,
    Rejected,
}

fn dummy(contract: &Contract) -> Result<Vec<u8>, String> {
    witness::dummy(&contract.wit(), &contract.world.scope.name)
}

/// The reconciled verdict of the witnesses on a host and a plugin.
struct Witnessed {
    a: Result<(), String>,
    b: Result<(), String>,
    c: Result<(), String>,
    d: Result<(), String>,
}

impl Witnessed {
    fn accepts(&self) -> bool {
        self.a.is_ok() && self.b.is_ok() && self.c.is_ok() && self.d.is_ok()
    }
}

fn witnesses(
    engine: &Engine,
    pair: &Pair,
    host: &Contract,
    plugin: &Contract,
    bytes: &[u8],
) -> Result<Witnessed, String> {
    // Witness (a) wants every plain type to be named by the world; section 3 does not.
    let defines =
        |side| move |change: &Change| !change.only_defines(side == Side::Plugin, host, plugin);
    let mut a_host =
        pair.side(Side::Host, defines(Side::Host)).ok_or("host without definitions")?;
    let mut a_plugin =
        pair.side(Side::Plugin, defines(Side::Plugin)).ok_or("plugin without definitions")?;
    a_plugin.twins.clear();
    let by_track = dummy(&a_plugin)?;
    let twins = !a_host.twins.is_empty();
    for package in &mut a_plugin.packages {
        let there = a_host.packages.iter().chain(&a_host.twins).filter(|p| p.name == package.name);
        let there: Vec<&String> = there.filter_map(|p| p.version.as_ref()).collect();
        let Some(version) = &mut package.version else { continue };
        let on_track = there.iter().filter(|v| witness::on_one_track(v, version));
        let best = on_track.max_by_key(|v| semver::Version::parse(v).expect("a version"));
        if let Some(best) = best
            && !there.contains(&&*version)
        {
            version.clone_from(best);
        }
    }
    let (wit, world) = (a_host.wit(), &a_host.world.scope.name);
    let a = witness::targets(&wit, world, &dummy(&a_plugin)?, false);
    let both_ways = |contract: &Contract| {
        let world = &contract.world;
        let mut imported = contract.dependencies(&world.scope.name);
        for entry in &world.imports {
            imported.extend(contract.dependencies(entry.name()));
        }
        imported.iter().any(|name| contract.exports(name))
    };
    if !twins && !both_ways(&a_host) && !both_ways(&a_plugin) {
        let with_semver = witness::targets(&wit, world, &by_track, true);
        if with_semver.is_ok() != a.is_ok() {
            panic!(
                "witness (a) contradicts itself: {a:?} and {with_semver:?}\n{wit}\n{}",
                a_plugin.wit()
            );
        }
    }
    a_host.twins.clear();
    let offered = witness::offered(&host.wit(), &host.world.scope.name)?;
    let host = Component::new(engine, &offered).map_err(|error| format!("host: {error:#}"))?;
    let (d, b, c) = match Component::new(engine, bytes) {
        Ok(plugin) => {
            let linked = witness::link(engine, &host, &plugin);
            (Ok(()), linked.links, linked.fits)
        }
        Err(error) => (Err(format!("{error:#}")), Ok(()), Ok(())),
    };
    Ok(Witnessed { a, b, c, d })
}

/// What plugtool says.
pub fn plugtool(wit: &str, world: &str, bytes: &[u8]) -> Vec<Diagnostic> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("host.wit");
    std::fs::write(&path, wit).expect("a file");
    let host = config::from_world(&[path], &[], &[world.to_owned()], &[]).expect("a host");
    let input = input::from_bytes("plugin", "plugin", bytes.to_vec()).expect("bytes");
    match component::decode(input) {
        Ok(component) => check(&component, &host).diagnostics,
        Err(finding) => vec![*finding],
    }
}

fn named(text: &str, name: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '-');
    text.match_indices(name).any(|(at, _)| {
        !part(text[..at].chars().next_back()) && !part(text[at + name.len()..].chars().next())
    })
}

fn text(diagnostic: &Diagnostic) -> String {
    format!("{}: {} {}", diagnostic.path, diagnostic.message, diagnostic.notes.join(" "))
}

fn judge(engine: &Engine, seed: u64, pair: &Pair) -> Result<Outcome, String> {
    let complain = |what: &str| -> String { format!("seed {seed}: {:?}\n{what}", pair.edits) };
    let (Some(host), Some(plugin)) =
        (pair.side(Side::Host, |_| true), pair.side(Side::Plugin, |_| true))
    else {
        return Ok(Outcome::Skipped("edits".to_owned()));
    };
    let bytes = match dummy(&plugin) {
        Ok(bytes) => bytes,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let witnessed = match witnesses(engine, pair, &host, &plugin, &bytes) {
        Ok(witnessed) => witnessed,
        Err(why) => return Ok(Outcome::Skipped(why)),
    };
    let found = plugtool(&host.wit(), &host.world.scope.name, &bytes);
    let shown = || {
        format!(
            "a: {:?}\nb: {:?}\nc: {:?}\nd: {:?}\nplugtool:\n{}\nhost:\n{}\nplugin:\n{}",
            witnessed.a,
            witnessed.b,
            witnessed.c,
            witnessed.d,
            found.iter().map(text).collect::<Vec<_>>().join("\n"),
            host.wit(),
            if host == plugin { "the same".to_owned() } else { plugin.wit() }
        )
    };
    if found.is_empty() != witnessed.accepts() {
        return Err(complain(&format!(
            "plugtool {} it, the witnesses do not\n{}",
            if found.is_empty() { "accepts" } else { "rejects" },
            shown()
        )));
    }
    if found.is_empty() {
        return Ok(Outcome::Accepted);
    }
    for (side, change) in &pair.edits {
        // Of several edits, those that alone would do are to be named.
        if pair.edits.len() > 1 {
            if pair.edits.iter().any(|(_, change)| change.is_coarse()) {
                continue;
            }
            let alone = Pair { base: pair.base.clone(), edits: vec![(*side, change.clone())] };
            let (Some(host), Some(plugin)) =
                (alone.side(Side::Host, |_| true), alone.side(Side::Plugin, |_| true))
            else {
                continue;
            };
            let Ok(bytes) = dummy(&plugin) else { continue };
            let Ok(witnessed) = witnesses(engine, &alone, &host, &plugin, &bytes) else { continue };
            if witnessed.accepts() {
                continue;
            }
        }
        let before = &pair.base;
        let mut groups = change.names(before);
        // What another edit renamed has that name too.
        for (_, other) in &pair.edits {
            if let Change::RenameResource { from, to, .. } = other {
                let renamed = groups.iter_mut().filter(|group| group.contains(from));
                renamed.for_each(|group| group.push(to.clone()));
            }
        }
        let names_all = |d: &Diagnostic| {
            let text = text(d);
            groups.iter().all(|group| group.iter().any(|name| named(&text, name)))
        };
        if !found.iter().any(names_all) {
            return Err(complain(&format!(
                "no diagnostic names {change:?} by {groups:?}\n{}",
                shown()
            )));
        }
    }
    Ok(Outcome::Rejected)
}

pub fn run() {
    let number =
        |name: &str, or: u64| std::env::var(name).ok().map_or(or, |v| v.parse().expect("a number"));
    let (from, count) = (number("WITNESS_FROM", 0), number("WITNESS_SEEDS", 300));
    let next = AtomicU64::new(from);
    let counts: Mutex<BTreeMap<String, [usize; 3]>> = Mutex::default();
    let complaints: Mutex<Vec<String>> = Mutex::default();
    let skips: Mutex<BTreeMap<String, usize>> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, |n| n.get()) {
            scope.spawn(|| {
                let engine = witness::engine();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count {
                        return;
                    }
                    let pair = Pair::new(seed);
                    let index = match judge(&engine, seed, &pair) {
                        Ok(Outcome::Accepted) => 0,
                        Ok(Outcome::Rejected) => 1,
                        Ok(Outcome::Skipped(why)) => {
                            let why =
                                why.lines().next().unwrap_or_default().chars().take(90).collect();
                            *skips.lock().expect("a lock").entry(why).or_default() += 1;
                            2
                        }
                        Err(complaint) => {
                            complaints.lock().expect("a lock").push(complaint);
                            continue;
                        }
                    };
                    let kind = match pair.edits.as_slice() {
                        [] => "none".to_owned(),
                        [(side, change)] => format!("{} ({side:?})", change.kind()),
                        _ => "several".to_owned(),
                    };
                    counts.lock().expect("a lock").entry(kind).or_default()[index] += 1;
                }
            });
        }
    });
    for (kind, [accepted, rejected, skipped]) in counts.into_inner().expect("a lock") {
        println!("{kind:32} {accepted:6} accepted {rejected:6} rejected {skipped:6} skipped");
    }
    let mut skips: Vec<_> = skips.into_inner().expect("a lock").into_iter().collect();
    skips.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    for (why, n) in skips.iter().take(10) {
        println!("skip {n}: {why}");
    }
    let complaints = complaints.into_inner().expect("a lock");
    println!("{} complaints", complaints.len());
    for c in complaints.iter().take(number("WITNESS_SHOW", 3) as usize) {
        println!("{c}\n----------");
    }
    for c in &complaints {
        println!("{}", c.lines().take(2).collect::<Vec<_>>().join("\n   "));
    }
    assert!(complaints.is_empty(), "see above");
}
