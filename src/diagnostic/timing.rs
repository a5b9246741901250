//! What differs from run to run.

use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long something took. Of two reports on the same, only this differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// Wall clock, in milliseconds.
    pub milliseconds: u64,
}

impl Timing {
    /// From then to now.
    pub fn since(begun: Instant) -> Timing {
        let milliseconds = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Timing { milliseconds }
    }

    /// This and that together.
    #[must_use]
    pub fn and(self, other: Timing) -> Timing {
        Timing { milliseconds: self.milliseconds.saturating_add(other.milliseconds) }
    }
}
