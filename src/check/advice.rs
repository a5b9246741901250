//! Why a plugin imports what its author never asked for, and how to be rid of it: what each toolchain
//! adds, told by the producers section of the component.

use indexmap::IndexMap;

/// Who made a component: field to name to version, as its producers sections say.
pub type Producers = IndexMap<String, IndexMap<String, String>>;

/// What to do about WASI imports that the host does not offer.
pub fn unwanted_wasi(producers: &Producers) -> String {
    let has = |name: &str| {
        let values = producers.values().flat_map(|values| values.keys());
        values.into_iter().any(|value| value.to_lowercase().contains(name))
    };
    // Runtimes first: a Python component also has parts written in Rust and C.
    let why = if has("componentize-py") {
        "componentize-py's Python imports most of WASI; `componentize-py componentize --stub-wasi` \
         leaves it out"
    } else if has("componentizejs") || has("componentize-js") || has("starlingmonkey") {
        "componentize-js adds WASI for JavaScript's built-ins; its option `disableFeatures: \
         ['random', 'stdio', 'clocks', 'http', 'fetch-event']` leaves it out"
    } else if has("tinygo") {
        "TinyGo's runtime imports WASI for output, clocks and randomness; it cannot do without"
    } else if is_go(producers) {
        "Go's runtime imports WASI for output, clocks and randomness; it cannot do without"
    } else if has("rust") {
        "Rust's std imports WASI on the wasm32-wasip1 and wasm32-wasip2 targets; build for \
         wasm32-unknown-unknown and make the component with `wasm-tools component new`"
    } else if has("clang") {
        "wasi-libc imports WASI for stdio, clocks and exit; leave out what uses them, or link a \
         reactor without stdio"
    } else {
        "the toolchain's runtime adds them"
    };
    format!("{why}. Or ask the host to provide WASI (provides = [\"wasi\"])")
}

fn is_go(producers: &Producers) -> bool {
    producers.get("language").is_some_and(|languages| languages.contains_key("Go"))
}
