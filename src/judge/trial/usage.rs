//! Limits and what was used of them, as reports show them.

use crate::config::Limits;
use crate::diagnostic::Usage;
use crate::smoke::Used;

/// Every limit of a run. What was used is known where the worker lived to tell, of what the engine
/// counts. Time is not told: it differs from run to run, and reports must not.
pub fn of(limits: &Limits, used: Option<&Used>) -> Vec<Usage> {
    let millis = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let of = |what: fn(&Used) -> u64| used.map(what);
    let line = |limit: &'static str, unit: &'static str, used, allowed| Usage {
        limit: limit.into(),
        unit: unit.into(),
        used,
        allowed,
    };
    vec![
        line("init-fuel", "fuel", of(|used| used.init_fuel), limits.init_fuel),
        line("fuel", "fuel", of(|used| used.fuel), limits.fuel),
        line("compile-timeout", "ms", None, millis(limits.compile_timeout)),
        line("timeout", "ms", None, millis(limits.timeout)),
        line("memory", "bytes", of(|used| used.memory), limits.memory),
        line("table-elements", "elements", of(|used| used.table_elements), limits.table_elements),
        line("instances", "instances", None, limits.instances),
        line("handles", "handles", None, limits.handles),
        line("transfer", "bytes", None, limits.transfer),
        line("stack", "bytes", None, limits.stack),
        line("output", "bytes", of(|used| used.output), limits.output),
    ]
}
