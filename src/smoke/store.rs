//! What an instance can reach: limits, and a WASI that grants nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use thiserror::Error;
use wasmtime::component::ResourceTable;
use wasmtime::{Engine, ResourceLimiter, Store};
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::command::Sink;
use super::host::{Mocked, Side};
use super::http::Desk;
use super::output::Kept;
use crate::config::Limits;

/// The state behind one instance.
pub struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    desk: Desk,
    ledger: Ledger,
    /// What went to standard output and to standard error.
    written: [Kept; 2],
    /// Who answers for the host's own functions.
    pub side: Side,
    /// The mock of the case, where it has one.
    pub mocked: Option<Mocked>,
}

/// A store for one instance of the plugin, which holds it to its limits. The requests that it makes go to
/// the desk.
pub fn open(engine: &Engine, limits: &Limits, desk: Desk) -> PluginStore {
    let written = [Kept::new(clamp(limits.output)), Kept::new(clamp(limits.output))];
    let [stdout, stderr] = written.clone().map(|kept| Sink::new(kept, false));
    let mut wasi = wasi();
    wasi.stdout(stdout).stderr(stderr);
    hold(engine, limits, State::new(limits, wasi.build(), desk, written))
}

/// The same for a component that serves another, `beside` it: what both hold counts together.
pub fn open_beside(engine: &Engine, limits: &Limits, desk: Desk, beside: &State) -> PluginStore {
    let mut store = open(engine, limits, desk);
    store.data_mut().ledger = beside.ledger.shared();
    store
}

/// A store for one instance of a command, over a WASI with its own streams, which count for themselves.
pub fn open_command(engine: &Engine, limits: &Limits, wasi: WasiCtx) -> PluginStore {
    let unused = [Kept::new(0), Kept::new(0)];
    hold(engine, limits, State::new(limits, wasi, Desk::default(), unused))
}

fn hold(engine: &Engine, limits: &Limits, state: State) -> PluginStore {
    let mut store = Store::new(engine, state);
    store.limiter(|state| &mut state.ledger);
    store.set_hostcall_fuel(clamp(limits.transfer));
    store.set_max_component_handles(clamp(limits.handles));
    store
}

impl State {
    fn new(limits: &Limits, wasi: WasiCtx, desk: Desk, written: [Kept; 2]) -> State {
        let mut table = ResourceTable::new();
        table.set_max_capacity(clamp(limits.handles));
        let (ledger, http) = (Ledger::new(limits), WasiHttpCtx::new());
        let side = Side::default();
        State { table, wasi, http, desk, side, mocked: None, ledger, written }
    }

    /// Where the requests arrive that it makes.
    pub fn desk(&self) -> &Desk {
        &self.desk
    }

    /// The most linear memory that was held at a time, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.ledger.memory.peak()
    }

    /// The most elements that all tables had at a time.
    pub fn peak_table_elements(&self) -> u64 {
        self.ledger.tables.peak()
    }

    /// How many bytes went to standard output or to standard error, whichever got more.
    pub fn output(&self) -> u64 {
        self.written.iter().map(Kept::len).max().unwrap_or(0)
    }

    /// What went to standard output and to standard error.
    pub fn written(&self) -> [Vec<u8>; 2] {
        self.written.each_ref().map(Kept::bytes)
    }

    /// The name of a stream that got more than it may, and what it got.
    pub fn flooded(&self) -> Option<(&'static str, &Kept)> {
        let named = ["standard output", "standard error"].into_iter().zip(&self.written);
        named.into_iter().find(|(_, kept)| kept.is_cut().is_some())
    }
}

/// No files, no network, no arguments, no environment; time that moves only when it is looked at;
/// random numbers that are the same in every run. Asks for the runtime whose time it is.
pub fn wasi() -> WasiCtxBuilder {
    let clock = Clock::new();
    let mut wasi = WasiCtxBuilder::new();
    wasi.wall_clock(clock.clone())
        .monotonic_clock(clock)
        .secure_random(Deterministic::new(seed(1)))
        .insecure_random(Deterministic::new(seed(2)))
        .insecure_random_seed(0x706c_7567_746f_6f6c)
        .allow_ip_name_lookup(false)
        .allow_tcp(false)
        .allow_udp(false);
    wasi
}

/// As the engine takes it: on a machine of 32 bits, what does not fit is no limit.
fn clamp(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.desk, table: &mut self.table, ctx: &mut self.http }
    }
}

/// The store type of this room.
pub type PluginStore = Store<State>;

/// Counts what all instances of a store hold together, and those of a store beside it.
struct Ledger {
    /// Linear memory, in bytes.
    memory: Account,
    /// Elements of tables.
    tables: Account,
    instances: usize,
}

/// What is held of one thing, and the most that was: its clones are one account.
#[derive(Clone)]
struct Account {
    limit: u64,
    /// What this store holds of it.
    own: u64,
    held: Arc<AtomicU64>,
    peak: Arc<AtomicU64>,
}

impl Account {
    fn new(limit: u64) -> Account {
        Account { limit, own: 0, held: Arc::default(), peak: Arc::default() }
    }

    fn peak(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }

    /// Takes note of growth, or says how much it would have come to, and how much of that is another
    /// store's.
    fn grow(&mut self, current: usize, desired: usize) -> Result<(), (u64, u64)> {
        let held = self.held.load(Ordering::Relaxed);
        let more = desired.saturating_sub(current) as u64;
        let wanted = held.saturating_add(more);
        if wanted > self.limit {
            return Err((wanted, held.saturating_sub(self.own)));
        }
        self.own = self.own.saturating_add(more);
        self.held.store(wanted, Ordering::Relaxed);
        self.peak.fetch_max(wanted, Ordering::Relaxed);
        Ok(())
    }
}

/// A guest asked for more than its limit. It is a trap and not a refusal that the guest could handle:
/// the budget is the host's contract, and a plugin that hits it does not fit.
#[derive(Debug, Error)]
pub enum LimitReached {
    /// Of linear memory, in bytes.
    #[error("it asked for {wanted} bytes of memory; the limit is {limit}")]
    Memory {
        /// All that it would have then.
        wanted: u64,
        /// How much of that another has, with whom it shares the limit.
        beside: u64,
        /// All that it may have.
        limit: u64,
    },
    /// Of elements of tables.
    #[error("it asked for {wanted} table elements; the limit is {limit}")]
    Tables {
        /// All that it would have then.
        wanted: u64,
        /// How much of that another has, with whom it shares the limit.
        beside: u64,
        /// All that it may have.
        limit: u64,
    },
}

impl Ledger {
    fn new(limits: &Limits) -> Ledger {
        Ledger {
            memory: Account::new(limits.memory),
            tables: Account::new(limits.table_elements),
            instances: clamp(limits.instances),
        }
    }

    /// One for another store, on the same accounts.
    fn shared(&self) -> Ledger {
        let Ledger { memory, tables, instances } = self;
        let account = |account: &Account| Account { own: 0, ..account.clone() };
        Ledger { memory: account(memory), tables: account(tables), instances: *instances }
    }
}

impl ResourceLimiter for Ledger {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false); // The module's own limit, which it may test for.
        }
        let limit = self.memory.limit;
        let grown = self.memory.grow(current, desired);
        grown.map_err(|(wanted, beside)| LimitReached::Memory { wanted, beside, limit })?;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let limit = self.tables.limit;
        let grown = self.tables.grow(current, desired);
        grown.map_err(|(wanted, beside)| LimitReached::Tables { wanted, beside, limit })?;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    // One limit for the three: what has an instance for every table is as large as what has two.
    fn tables(&self) -> usize {
        self.instances
    }

    fn memories(&self) -> usize {
        self.instances
    }
}

/// A clock that advances by a microsecond each time it is read, so that a loop that waits for time
/// to pass ends, and by as long as the guest sleeps, which takes no time. Two runs see the same times.
#[derive(Clone)]
struct Clock {
    reads: Arc<AtomicU64>,
    start: tokio::time::Instant,
}

impl Clock {
    /// Begins at zero. The runtime's own time is paused: it moves only while everybody sleeps.
    fn new() -> Clock {
        Clock { reads: Arc::default(), start: tokio::time::Instant::now() }
    }

    fn tick(&self) -> Duration {
        let reads = self.reads.fetch_add(1, Ordering::Relaxed);
        self.start.elapsed() + Duration::from_micros(reads)
    }
}

impl HostMonotonicClock for Clock {
    fn resolution(&self) -> u64 {
        1_000
    }

    fn now(&self) -> u64 {
        u64::try_from(self.tick().as_nanos()).unwrap_or(u64::MAX)
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    /// Starts at 2020-01-01T00:00:00Z.
    fn now(&self) -> Duration {
        Duration::from_secs(1_577_836_800) + self.tick()
    }
}

/// Bytes to draw "random" numbers from: splitmix64 over a fixed seed, repeated after 64 KiB.
fn seed(stream: u64) -> Vec<u8> {
    let mut state = stream.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = Vec::with_capacity(64 << 10);
    while bytes.len() < 64 << 10 {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    bytes
}
