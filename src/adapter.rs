//! Adapters that are generated: what turns a core module into a component. Pure: bytes in, bytes out.

mod module;

pub use module::{AdaptError, Adapted, Preview1, adapt_module};
