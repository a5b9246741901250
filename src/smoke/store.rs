//! What an instance can reach: limits, and a WASI that grants nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use thiserror::Error;
use wasmtime::component::ResourceTable;
use wasmtime::{ResourceLimiter, Store};
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;
use wasmtime_wasi::random::Deterministic;
use wasmtime_wasi::{
    HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView,
};

/// Bytes that an instance may write to each of its output streams.
const MAX_OUTPUT: usize = 1 << 20;

/// The state behind one instance.
pub struct State {
    table: ResourceTable,
    wasi: WasiCtx,
    memory: Memory,
}

impl State {
    /// No files, no network, no arguments, no environment; time that moves only when it is looked
    /// at; random numbers that are the same in every run.
    pub fn new(memory_limit: u64) -> State {
        let clock = Clock::new();
        let wasi = WasiCtxBuilder::new()
            .stdout(MemoryOutputPipe::new(MAX_OUTPUT))
            .stderr(MemoryOutputPipe::new(MAX_OUTPUT))
            .wall_clock(clock.clone())
            .monotonic_clock(clock)
            .secure_random(Deterministic::new(seed(1)))
            .insecure_random(Deterministic::new(seed(2)))
            .insecure_random_seed(0x706c_7567_746f_6f6c)
            .allow_ip_name_lookup(false)
            .allow_tcp(false)
            .allow_udp(false)
            .build();
        let memory = Memory { limit: memory_limit, held: 0, peak: 0 };
        State { table: ResourceTable::new(), wasi, memory }
    }

    /// For [`Store::limiter`].
    pub fn limiter(&mut self) -> &mut dyn ResourceLimiter {
        &mut self.memory
    }

    /// The most linear memory that was held at a time, in bytes.
    pub fn peak_memory(&self) -> u64 {
        self.memory.peak
    }
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

/// The store type of this room.
pub type PluginStore = Store<State>;

/// Counts the linear memory of all instances of a store together.
struct Memory {
    limit: u64,
    held: u64,
    peak: u64,
}

/// A guest asked for more memory than its limit. It is a trap and not a refusal that the guest
/// could handle: the budget is the host's contract, and a plugin that hits it does not fit.
#[derive(Debug, Error)]
#[error("it asked for {wanted} bytes of memory; the limit is {limit}")]
pub struct MemoryLimitReached {
    wanted: u64,
    limit: u64,
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false); // The module's own limit, which it may test for.
        }
        let wanted = self.held.saturating_add(desired.saturating_sub(current) as u64);
        if wanted > self.limit {
            return Err(MemoryLimitReached { wanted, limit: self.limit }.into());
        }
        self.held = wanted;
        self.peak = self.peak.max(wanted);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        /// Elements of one table: a language runtime needs some ten thousand.
        const MAX_TABLE: usize = 1 << 20;
        Ok(maximum.is_none_or(|maximum| desired <= maximum) && desired <= MAX_TABLE)
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
