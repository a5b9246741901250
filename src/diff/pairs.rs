//! Which import of the old world is which of the new one, and which export.

use indexmap::IndexMap;

use crate::world::{ExternName, Item, Names};

/// An import or export as both worlds have it, or one of them.
#[derive(Clone, Copy)]
pub struct Pair<'a> {
    pub old: Option<(&'a str, &'a Item)>,
    pub new: Option<(&'a str, &'a Item)>,
}

impl<'a> Pair<'a> {
    /// Whether both worlds have it, under names that match each other.
    pub fn same_track(&self) -> bool {
        let canonical =
            |item: Option<(&str, &Item)>| item.map(|(name, _)| ExternName::parse(name).canonical());
        canonical(self.old) == canonical(self.new)
    }
}

/// The imports of both worlds, or the exports.
pub struct Pairs<'a> {
    /// In the order of the old world, and what only the new one has after that.
    pub list: Vec<Pair<'a>>,
    /// Those of the old world, to be looked up.
    pub old: Names<'a, Item>,
    /// Those of the new world.
    pub new: Names<'a, Item>,
}

impl<'a> Pairs<'a> {
    /// Pairs what matches: the same names, then those that find each other on a semver track. What
    /// finds nothing may have moved to another track: it is paired with what differs in nothing but the
    /// version and finds nothing either; of several, the highest with the highest.
    pub fn of(old: &'a IndexMap<String, Item>, new: &'a IndexMap<String, Item>) -> Pairs<'a> {
        let names = (Names::of(old), Names::of(new));
        let find = |there: &Names<'a, Item>, name: &str| there.find(name).map(|(key, _)| key);
        let mut partner: Vec<Option<usize>> = old
            .keys()
            .map(|name| {
                let other =
                    find(&names.1, name).filter(|other| find(&names.0, other) == Some(name));
                other.and_then(|other| new.get_index_of(other))
            })
            .collect();
        let mut taken = vec![false; new.len()];
        for index in partner.iter().flatten() {
            taken[*index] = true;
        }
        let missed = |(i, name): (usize, &String)| find(&names.1, name).is_none().then_some(i);
        let ours = old.keys().enumerate().filter_map(missed);
        let missed = |(j, name): (usize, &String)| find(&names.0, name).is_none().then_some(j);
        let theirs = new.keys().enumerate().filter_map(missed);
        for (i, j) in by_base(old, ours, new, theirs) {
            partner[i] = Some(j);
            taken[j] = true;
        }

        fn at(table: &IndexMap<String, Item>, index: usize) -> Option<(&str, &Item)> {
            table.get_index(index).map(|(name, item)| (name.as_str(), item))
        }
        let both = partner.iter().enumerate();
        let both = both.map(|(i, j)| Pair { old: at(old, i), new: j.and_then(|j| at(new, j)) });
        let added =
            (0..new.len()).filter(|j| !taken[*j]).map(|j| Pair { old: None, new: at(new, j) });
        Pairs { list: both.chain(added).collect(), old: names.0, new: names.1 }
    }
}

/// Pairs names that differ in nothing but the version.
fn by_base(
    old: &IndexMap<String, Item>,
    ours: impl Iterator<Item = usize>,
    new: &IndexMap<String, Item>,
    theirs: impl Iterator<Item = usize>,
) -> Vec<(usize, usize)> {
    fn name(table: &IndexMap<String, Item>, index: usize) -> Option<ExternName<'_>> {
        table.get_index(index).map(|(name, _)| ExternName::parse(name))
    }
    let mut left: IndexMap<&str, (Vec<usize>, Vec<usize>)> = IndexMap::new();
    for (name, i) in ours.filter_map(|i| Some((name(old, i)?, i))) {
        left.entry(name.base).or_default().0.push(i);
    }
    for (name, j) in theirs.filter_map(|j| Some((name(new, j)?, j))) {
        left.entry(name.base).or_default().1.push(j);
    }
    let mut pairs = Vec::new();
    for (mut ours, mut theirs) in left.into_values() {
        let highest_first = |table: &IndexMap<String, Item>, indices: &mut Vec<usize>| {
            indices
                .sort_by_key(|i| std::cmp::Reverse(name(table, *i).and_then(|name| name.version)));
        };
        highest_first(old, &mut ours);
        highest_first(new, &mut theirs);
        pairs.extend(ours.into_iter().zip(theirs));
    }
    pairs
}
