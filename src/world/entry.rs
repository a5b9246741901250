//! Where a program of WASI begins: the export that is called when it is run, or sent a request.

use super::ExternName;

/// The interface by which a command begins, among the names of what a world exports: `wasi:cli/run` of
/// WASI 0.2 or 0.3. The newest where there are several, as `wasmtime run` has it.
pub fn command_entry<'n>(exports: &[&'n str]) -> Option<&'n str> {
    newest(exports, &[("wasi:cli/run", "0.2"), ("wasi:cli/run", "0.3")])
}

/// The interface by which requests are answered: `wasi:http/incoming-handler` of WASI 0.2, or
/// `wasi:http/handler` of 0.3. The newest where there are several, as `wasmtime serve` has it.
pub fn handler_entry<'n>(exports: &[&'n str]) -> Option<&'n str> {
    newest(exports, &[("wasi:http/incoming-handler", "0.2"), ("wasi:http/handler", "0.3")])
}

fn newest<'n>(exports: &[&'n str], known: &[(&str, &str)]) -> Option<&'n str> {
    let parsed = exports.iter().map(|&export| (ExternName::parse(export), export));
    let entries = parsed.filter(|(name, _)| {
        name.track().is_some_and(|track| known.contains(&(name.base, track.as_str())))
    });
    entries.max_by(|(a, _), (b, _)| a.version.cmp(&b.version)).map(|(_, export)| export)
}
