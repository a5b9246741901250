//! Adapters that are generated: what turns a core module into a component, and the stubs that close
//! imports. Pure: bytes and worlds in, bytes out.

mod body;
mod core;
mod exit;
mod module;
mod refusal;
mod stub;
mod text;

pub use module::{AdaptError, Adapted, Preview1, adapt_module, adapt_program};
pub use stub::{Does, Refusal, Stub, StubError, stub};
