//! What a report says of generated adapters: which imports they close, and what each function that was
//! asked of the host answers instead.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A generated adapter that closes imports by refusing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StubUse {
    /// Its name in the composition.
    pub name: String,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
    /// The imports that it closes.
    pub imports: Vec<StubbedImport>,
}

/// One import that is closed: an interface, or a function on its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StubbedImport {
    /// Its name.
    pub name: String,
    /// Why it comes along though no pattern matches it: it uses a resource of one that is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// What its functions answer. Empty where it has only types.
    pub functions: Vec<StubbedFunction>,
}

/// What a function of a stub does: one of `returns`, `ignored` and `traps`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StubbedFunction {
    /// The function, as the component model names it: `[method]descriptor.read`.
    pub function: String,
    /// The value that it returns, in WAVE, with words for handles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub returns: Option<String>,
    /// Whether it returns and does nothing: it has no result, so nobody is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignored: bool,
    /// Why it traps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traps: Option<String>,
}
