//! The verdict, held against witnesses.
#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[path = "support/change.rs"]
mod change;
#[path = "support/choose.rs"]
mod choose;
#[path = "support/contract.rs"]
mod contract;
#[path = "support/generate.rs"]
mod generate;
#[path = "support/pairs.rs"]
mod pairs;
#[path = "support/witness.rs"]
mod witness;

#[test]
fn the_verdict_is_the_witnesses() {
    pairs::run();
}
