//! Inspects, checks, composes and smoke-runs WebAssembly plugins before a host trusts them.
pub mod adapter;
pub mod check;
pub mod cli;
pub mod component;
pub mod compose;
pub mod config;
pub mod diagnostic;
pub mod diff;
pub mod gate;
pub mod input;
pub mod judge;
pub mod render;
pub mod sandbox;
pub mod smoke;
pub mod wave;
pub mod wiring;
pub mod world;
