//! What of a verdict was known from before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A stage of judging whose outcome was found out before, from the same inputs, and not again.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Known {
    /// That the file is a valid component; only of large ones, of which that takes time.
    File,
    /// How the file stands to the host's contract, and what is composed around it.
    Contract,
    /// What came of running it.
    Cases,
}
