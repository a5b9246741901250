//! What decides beside the file of the configuration, as digests: gates that judge parts of one list must agree
//! on it.

use std::collections::BTreeMap;
use std::fmt::Debug;

use crate::config::Host;
use crate::input;

/// What decided, and its SHA-256 in hex: `worlds` with what is provided beside, `adapters`, and smoke `cases`. Where files lie is no part of it: parts may
/// be judged on machines of their own.
pub fn inputs(host: &Host) -> BTreeMap<String, String> {
    let adapters: Vec<_> = host.adapters.iter().map(|it| (&it.name, it.sha256())).collect();
    let cases: Vec<String> = host.cases.iter().map(|case| case.written()).collect();
    let of = |name: &str, what: &dyn Debug| {
        (name.to_owned(), input::digest(format!("{what:?}").as_bytes()))
    };
    BTreeMap::from([
        of("worlds", &(&host.worlds, &host.provides)),
        of("adapters", &adapters),
        of("cases", &cases),
    ])
}
