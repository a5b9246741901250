//! The fewest adapters with which components target a world.
//!
//! The search goes from what is needed to what gives it: the exports that the target demands, and
//! the imports of all components that take part. It is iterative deepening over the number of
//! adapters, cut by a lower bound (what a goal costs at least, were nothing shared and no circle
//! forbidden), so that the first composition found has the fewest. Each adapter of the pool is used
//! once at most. Of several with as few, the first one met is taken: goals in the order of the
//! world, then given components before the host, and adapters by rank of their version, name, and
//! digest; the order of the pool decides nothing.
//!
//! Nothing is compared during the search: it looks up what `seams` worked out before. It gives up
//! after [`BUDGET`] states; within them it is complete.

use super::seams::{Feed, Import, Seams};
use super::{
    Node, Outlet, Plan, Why, Wire, Wishes, choose, outlets, reachable, resources, wire_seams,
};
use crate::diagnostic::Code;
use crate::world::{ExternName, find};

/// How many states are looked at before the search gives up.
pub const BUDGET: usize = 20_000;

/// What the search comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The fewest adapters, and how everything is wired.
    Way(Way),
    /// There is no way, and how near the best attempt came, where adapters bring it nearer.
    NoWay(Option<Attempt>),
    /// Given up: it is not known whether there is a way.
    OutOfBudget,
}

/// A composition that targets the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    /// Indices into the pool.
    pub adapters: Vec<usize>,
    /// The wiring: the given components come first, the adapters follow in their order here.
    pub plan: Plan,
}

/// The attempt that leaves the least open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// Names of the adapters that it goes through.
    pub adapters: Vec<String>,
    /// What nothing gives, and who needs it.
    pub lacking: Vec<String>,
}

/// What is said where the search gave up.
pub fn out_of_budget() -> String {
    format!("the adapters can be combined in too many ways; gave up after {BUDGET} of them")
}

/// Finds the fewest adapters out of `pool` with which the `given` components, all of them, target
/// the host's world (`wishes.target`; without one there is no way).
///
/// Where it is ambiguous how the given components go together, there is no way either: [`super::wire`]
/// says what is ambiguous.
pub fn adapt(given: &[Node<'_>], pool: &[Node<'_>], wishes: &Wishes<'_>) -> Outcome {
    if wishes.target.is_none() {
        return Outcome::NoWay(None);
    }
    let alone = Seams::new(given, wishes);
    match wire_seams(given, wishes, &alone) {
        Ok(plan) if is_complete(&alone, &plan) => {
            return Outcome::Way(Way { adapters: Vec::new(), plan });
        }
        Err(problems) if problems.iter().any(|p| p.code == Code::AmbiguousWiring) => {
            return Outcome::NoWay(None);
        }
        _ => {}
    }
    let mut order: Vec<usize> = (0..pool.len()).collect();
    order.sort_by_key(|&index| (pool[index].name, pool[index].sha256));
    let nodes: Vec<Node<'_>> =
        given.iter().copied().chain(order.iter().map(|&index| pool[index])).collect();
    let seams = Seams::new(&nodes, wishes);
    let mut search = Search {
        nodes: &nodes,
        seams: &seams,
        wishes,
        given: given.len(),
        used: (0..nodes.len()).map(|index| index < given.len()).collect(),
        chosen: Vec::new(),
        wires: Vec::new(),
        outlets: Vec::new(),
        limit: 0,
        next: None,
        states: 0,
    };
    let Some(plan) = (match search.run() {
        Flow::Found(plan) => Some(plan),
        Flow::Fail => None,
        Flow::Spent => return Outcome::OutOfBudget,
    }) else {
        return Outcome::NoWay(search.attempt());
    };
    // Adapters take the places behind the given ones, in the order of their names.
    let mut chosen: Vec<usize> = plan.used.iter().copied().filter(|&i| i >= given.len()).collect();
    chosen.sort_unstable();
    let place = |index: usize| match chosen.binary_search(&index) {
        Ok(at) => given.len() + at,
        Err(_) => index,
    };
    let mut plan = Plan {
        used: plan.used.iter().map(|&index| place(index)).collect(),
        wires: plan
            .wires
            .into_iter()
            .map(|w| Wire { importer: place(w.importer), exporter: place(w.exporter), ..w })
            .collect(),
        outlets: plan
            .outlets
            .into_iter()
            .map(|o| Outlet { exporter: place(o.exporter), ..o })
            .collect(),
    };
    if wishes.all_exports {
        let used: Vec<Node<'_>> =
            given.iter().copied().chain(chosen.iter().map(|&index| nodes[index])).collect();
        outlets::rest(&used, &plan.wires, &mut plan.outlets, &mut Vec::new());
    }
    plan.wires.sort();
    plan.outlets.sort();
    let adapters = chosen.iter().map(|&index| order[index - given.len()]).collect();
    Outcome::Way(Way { adapters, plan })
}

/// Whether a plan leaves nothing to adapt.
fn is_complete(seams: &Seams, plan: &Plan) -> bool {
    let demanded = seams.demands.iter().all(|demand| {
        let outlet = plan.outlets.iter().find(|outlet| outlet.name == demand.name);
        outlet.is_some_and(|o| demand.feeds.iter().any(|feed| feed.exporter == o.exporter))
    });
    let fed = |importer: usize, import: &Import| {
        plan.wires.iter().any(|w| w.importer == importer && w.import == import.name)
    };
    demanded
        && plan.used.iter().all(|&index| {
            seams.imports[index].iter().all(|import| import.offered || fed(index, import))
        })
}

/// Something that must come from somewhere.
#[derive(Clone, Copy, Debug)]
enum Goal {
    /// An export that the target demands.
    Export(usize),
    /// An import of a component that takes part: component and position.
    Import(usize, usize),
}

/// Where it may come from.
#[derive(Clone, Copy)]
enum Source<'s> {
    Host,
    Feed(&'s Feed),
}

enum Flow {
    Found(Plan),
    Fail,
    Spent,
}

struct Search<'a> {
    nodes: &'a [Node<'a>],
    seams: &'a Seams,
    wishes: &'a Wishes<'a>,
    /// How many of the nodes are given; the others are the pool, in order.
    given: usize,
    used: Vec<bool>,
    /// The adapters in use.
    chosen: Vec<usize>,
    wires: Vec<Wire>,
    outlets: Vec<Outlet>,
    /// How many adapters there may be in this round.
    limit: usize,
    /// The least number that a branch would have needed which this round cut.
    next: Option<usize>,
    states: usize,
}

impl<'a> Search<'a> {
    fn run(&mut self) -> Flow {
        // A given component that can have no part is no matter of adapters.
        if (0..self.given).any(|index| !self.may_be_used(index)) {
            return Flow::Fail;
        }
        let mut agenda: Vec<Goal> = (0..self.seams.demands.len()).map(Goal::Export).collect();
        for index in 0..self.given {
            agenda.extend(self.imports(index));
        }
        loop {
            self.next = None;
            match self.solve(&mut agenda, 0) {
                Flow::Fail => match self.next {
                    Some(next) => self.limit = next,
                    None => return Flow::Fail,
                },
                flow => return flow,
            }
        }
    }

    fn may_be_used(&self, index: usize) -> bool {
        let feeds = self.seams.imports.iter().flatten().flat_map(|import| &import.feeds);
        let gives = self.seams.demands.iter().flat_map(|demand| &demand.feeds);
        feeds.chain(gives).any(|feed| feed.exporter == index)
    }

    fn imports(&self, node: usize) -> impl Iterator<Item = Goal> + use<> {
        (0..self.seams.imports[node].len()).map(move |position| Goal::Import(node, position))
    }

    /// Meets the goals of the agenda from `at` on. Leaves everything as it was where it fails.
    fn solve(&mut self, agenda: &mut Vec<Goal>, at: usize) -> Flow {
        self.states += 1;
        if self.states > BUDGET {
            return Flow::Spent;
        }
        let costs = self.costs();
        let bound =
            agenda[at..].iter().map(|goal| self.cost(*goal, &costs)).max().unwrap_or(Some(0));
        let dead = agenda[at..].iter().any(|goal| self.cost(*goal, &costs).is_none());
        let Some(bound) = bound.filter(|_| !dead) else { return Flow::Fail };
        if self.chosen.len() + bound > self.limit {
            let needed = self.chosen.len() + bound;
            self.next = Some(self.next.map_or(needed, |next| next.min(needed)));
            return Flow::Fail;
        }
        let Some(&goal) = agenda.get(at) else { return self.accept() };
        for source in self.sources(goal, &costs) {
            let flow = match source {
                Source::Host => self.solve(agenda, at + 1),
                Source::Feed(feed) => self.take(agenda, at, goal, feed),
            };
            if !matches!(flow, Flow::Fail) {
                return flow;
            }
        }
        Flow::Fail
    }

    fn take(&mut self, agenda: &mut Vec<Goal>, at: usize, goal: Goal, feed: &Feed) -> Flow {
        let (exporter, export) = (feed.exporter, feed.export.clone());
        match goal {
            Goal::Export(index) => {
                let name = self.seams.demands[index].name.clone();
                self.outlets.push(Outlet { name, exporter, export });
            }
            Goal::Import(importer, position) => {
                if choose::reaches(&self.wires, exporter, importer) {
                    return Flow::Fail;
                }
                let import = self.seams.imports[importer][position].name.clone();
                let why = Why::Search;
                self.wires.push(Wire { importer, import, exporter, export, why });
            }
        }
        let new = !self.used[exporter];
        let before = agenda.len();
        if new {
            self.used[exporter] = true;
            self.chosen.push(exporter);
            agenda.extend(self.imports(exporter));
        }
        let flow = self.solve(agenda, at + 1);
        if new {
            agenda.truncate(before);
            self.chosen.pop();
            self.used[exporter] = false;
        }
        match goal {
            Goal::Export(_) => drop(self.outlets.pop()),
            Goal::Import(..) => drop(self.wires.pop()),
        }
        flow
    }

    /// Every goal is met. It counts where every given component has a part and no resource is torn.
    fn accept(&self) -> Flow {
        let used = reachable(&self.wires, &self.outlets);
        if (0..self.given).any(|index| !used.contains(&index)) {
            return Flow::Fail;
        }
        let plan = Plan { used, wires: self.wires.clone(), outlets: self.outlets.clone() };
        if resources::splits(self.nodes, &plan, self.wishes.target).is_empty() {
            Flow::Found(plan)
        } else {
            Flow::Fail
        }
    }

    fn feeds(&self, goal: Goal) -> &'a [Feed] {
        let seams = self.seams;
        match goal {
            Goal::Export(index) => &seams.demands[index].feeds,
            Goal::Import(node, position) => &seams.imports[node][position].feeds,
        }
    }

    fn offered(&self, goal: Goal) -> bool {
        match goal {
            Goal::Export(_) => false,
            Goal::Import(node, position) => self.seams.imports[node][position].offered,
        }
    }

    /// What the caller has decided for this goal.
    fn by_hand(&self, goal: Goal) -> Option<&'a Wire> {
        let Goal::Import(node, position) = goal else { return None };
        let name = &self.seams.imports[node][position].name;
        self.wishes.by_hand.iter().find(|wire| wire.importer == node && wire.import == *name)
    }

    /// Given components, the host, adapters in use, other adapters.
    fn sources(&self, goal: Goal, costs: &[Option<usize>]) -> Vec<Source<'a>> {
        let feeds = self.feeds(goal);
        if let Some(wire) = self.by_hand(goal) {
            let fixed = feeds.iter().filter(|feed| feed.exporter == wire.exporter);
            return fixed.map(Source::Feed).collect();
        }
        let mut sources = Vec::new();
        let given = |feed: &&Feed| feed.exporter < self.given;
        sources.extend(feeds.iter().filter(given).map(Source::Feed));
        if self.offered(goal) {
            sources.push(Source::Host);
        }
        let in_use = |feed: &&Feed| feed.exporter >= self.given && self.used[feed.exporter];
        sources.extend(feeds.iter().filter(in_use).map(Source::Feed));
        let new = |feed: &&Feed| !self.used[feed.exporter] && costs[feed.exporter].is_some();
        sources.extend(feeds.iter().filter(new).map(Source::Feed));
        sources
    }

    /// How many more adapters a goal needs at least; none where nothing will do.
    fn cost(&self, goal: Goal, costs: &[Option<usize>]) -> Option<usize> {
        if self.offered(goal) {
            return Some(0);
        }
        self.feeds(goal).iter().filter_map(|feed| costs[feed.exporter]).min()
    }

    /// What each component costs at least: nothing where it is in use, else itself and the dearest
    /// of its imports; none where an import cannot be met at all.
    fn costs(&self) -> Vec<Option<usize>> {
        let mut costs: Vec<Option<usize>> =
            self.used.iter().map(|used| used.then_some(0)).collect();
        loop {
            let mut changed = false;
            for index in self.given..self.nodes.len() {
                if self.used[index] {
                    continue;
                }
                let dearest = self.imports(index).try_fold(0, |dearest: usize, goal| {
                    Some(dearest.max(self.cost(goal, &costs)?))
                });
                let cost = dearest.map(|dearest| dearest + 1);
                if cost.is_some() && (costs[index].is_none() || cost < costs[index]) {
                    costs[index] = cost;
                    changed = true;
                }
            }
            if !changed {
                return costs;
            }
        }
    }

    /// Goes from each unmet goal through the adapters that lack the least, and notes what is missing
    /// in the end. None where no adapter brings it nearer.
    fn attempt(&self) -> Option<Attempt> {
        let met = |goal: Goal| {
            self.offered(goal) || self.feeds(goal).iter().any(|feed| feed.exporter < self.given)
        };
        let mut todo: Vec<Goal> = (0..self.seams.demands.len()).map(Goal::Export).collect();
        for index in 0..self.given {
            todo.extend(self.imports(index));
        }
        todo.retain(|goal| !met(*goal));
        let alone = todo.len();
        let mut through: Vec<usize> = Vec::new();
        let mut lacking: Vec<Goal> = Vec::new();
        while let Some(goal) = todo.pop() {
            let feeds = self.feeds(goal).iter().map(|feed| feed.exporter);
            let open = |index: usize| {
                self.imports(index).filter(|g| !met(*g) && self.feeds(*g).is_empty()).count()
            };
            match feeds.min_by_key(|&index| (!through.contains(&index), open(index), index)) {
                None => lacking.push(goal),
                Some(index) if through.contains(&index) => {}
                Some(index) => {
                    through.push(index);
                    todo.extend(self.imports(index).filter(|goal| !met(*goal)));
                }
            }
        }
        // A given component that has the name with another type is what `wire` and `check` tell of.
        let known = |goal: &Goal| {
            let name = self.name(*goal);
            self.nodes[..self.given].iter().any(|node| find(&node.world.exports, name).is_some())
        };
        let nearer = lacking.len() < alone || !lacking.iter().any(known);
        // And what has nothing to do with what is given says nothing about it.
        let package = |name: &'a str| {
            let name = ExternName::parse(name);
            name.package().unwrap_or(name.base)
        };
        let related = lacking.iter().any(|goal| {
            let exports =
                self.nodes[..self.given].iter().flat_map(|node| node.world.exports.keys());
            exports.into_iter().any(|export| package(export) == package(self.name(*goal)))
        });
        if through.is_empty() || lacking.is_empty() || !nearer || !related {
            return None;
        }
        let lacking = lacking.into_iter().map(|goal| match goal {
            Goal::Export(_) => format!("{}, which the world demands", self.name(goal)),
            Goal::Import(node, _) => {
                format!("{}, which {} imports", self.name(goal), self.nodes[node].name)
            }
        });
        through.sort_unstable();
        Some(Attempt {
            adapters: through.iter().map(|&index| self.nodes[index].name.to_owned()).collect(),
            lacking: lacking.collect(),
        })
    }

    fn name(&self, goal: Goal) -> &'a str {
        let seams = self.seams;
        match goal {
            Goal::Export(index) => &seams.demands[index].name,
            Goal::Import(node, position) => &seams.imports[node][position].name,
        }
    }
}
