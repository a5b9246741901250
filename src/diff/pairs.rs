//! Which import of the old world is which of the new one, and which export.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::found::Side;
use crate::world::{ExternName, Item};

/// An import or export as both worlds have it, or one of them.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    pub old: Option<(&'a str, &'a Item)>,
    pub new: Option<(&'a str, &'a Item)>,
}

impl<'a> Pair<'a> {
    /// The name where both worlds are given the old one's names.
    pub fn name(&self) -> &'a str {
        self.old.or(self.new).map_or("", |(name, _)| name)
    }

    /// The name under which an old plugin meets a new host here: it asks for its own imports, and
    /// the host demands the host's exports.
    pub fn seen_by_old_plugins(&self, side: Side) -> Option<&'a str> {
        let item = if side == Side::Import { self.old } else { self.new };
        item.map(|(name, _)| name)
    }

    /// The name under which a new plugin meets an old host here.
    pub fn seen_by_new_plugins(&self, side: Side) -> Option<&'a str> {
        let item = if side == Side::Import { self.new } else { self.old };
        item.map(|(name, _)| name)
    }
}

/// The names that the new world has for what the old one has under another, to the old ones.
pub fn moved<'a>(pairs: &[Pair<'a>]) -> HashMap<&'a str, &'a str> {
    let both = pairs.iter().filter_map(|pair| Some((pair.new?.0, pair.old?.0)));
    both.filter(|(new, old)| new != old).collect()
}

/// Pairs the names of both sides: equal ones, then those on one semver track, then those that
/// differ in nothing but the version; of several, the highest with the highest. In the order of the
/// old world, and what only the new one has after that.
pub fn pairs<'a>(
    old: &'a IndexMap<String, Item>,
    new: &'a IndexMap<String, Item>,
) -> Vec<Pair<'a>> {
    let mut partner: Vec<Option<usize>> =
        old.keys().map(|name| new.get_index_of(name.as_str())).collect();
    let mut taken = vec![false; new.len()];
    for index in partner.iter().flatten() {
        taken[*index] = true;
    }
    let track = |name: &str| ExternName::parse(name).canonical();
    let base = |name: &str| ExternName::parse(name).base.to_owned();
    pair_by(&track, old, new, &mut partner, &mut taken);
    pair_by(&base, old, new, &mut partner, &mut taken);

    fn at(table: &IndexMap<String, Item>, index: usize) -> Option<(&str, &Item)> {
        table.get_index(index).map(|(name, item)| (name.as_str(), item))
    }
    let both = partner.iter().enumerate();
    let both = both.map(|(i, j)| Pair { old: at(old, i), new: j.and_then(|j| at(new, j)) });
    let added = (0..new.len()).filter(|j| !taken[*j]).map(|j| Pair { old: None, new: at(new, j) });
    both.chain(added).collect()
}

fn pair_by(
    key: &dyn Fn(&str) -> String,
    old: &IndexMap<String, Item>,
    new: &IndexMap<String, Item>,
    partner: &mut [Option<usize>],
    taken: &mut [bool],
) {
    let mut left: IndexMap<String, (Vec<usize>, Vec<usize>)> = IndexMap::new();
    for (i, name) in old.keys().enumerate().filter(|(i, _)| partner[*i].is_none()) {
        left.entry(key(name)).or_default().0.push(i);
    }
    for (j, name) in new.keys().enumerate().filter(|(j, _)| !taken[*j]) {
        left.entry(key(name)).or_default().1.push(j);
    }
    for (mut ours, mut theirs) in left.into_values() {
        let highest_first = |table: &IndexMap<String, Item>, indices: &mut Vec<usize>| {
            let version = |i: &usize| {
                table.get_index(*i).and_then(|(name, _)| ExternName::parse(name).version)
            };
            indices.sort_by_key(|i| std::cmp::Reverse(version(i)));
        };
        highest_first(old, &mut ours);
        highest_first(new, &mut theirs);
        for (i, j) in ours.into_iter().zip(theirs) {
            partner[i] = Some(j);
            taken[j] = true;
        }
    }
}

/// Whether an import holds nothing but plain types: definitions, which ask nothing of a host.
pub fn asks_nothing(item: &Item) -> bool {
    match item {
        Item::Type(_) => true,
        Item::Instance(instance) => instance.items.values().all(asks_nothing),
        Item::Func(_) | Item::Resource(_) | Item::Other(_) => false,
    }
}
