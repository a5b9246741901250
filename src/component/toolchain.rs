//! The language and the tools that something was made with, in one line of words.
//!
//! The producers sections say it (WebAssembly tool conventions, "Producers section"), but each says
//! it of its own module only, and the adapter that most components carry was written in Rust. So
//! the component's own word counts first, then that of its largest module that is no adapter.

use crate::diagnostic::{Part, Producers};

/// The language and tools, as `Rust 1.96.0 (wit-bindgen-rust 0.61.1, wit-component 0.258.3)`. None
/// where the file does not say.
pub fn toolchain(anatomy: &Part) -> Option<String> {
    let own = languages(&anatomy.producers);
    let python = python(anatomy);
    // Where the component says its language itself, its modules are the engine that runs it.
    let main = if own.is_empty() && python.is_none() { main_module(anatomy) } else { None };
    let mut tools = Vec::new();
    for part in [Some(anatomy), main].into_iter().flatten() {
        for field in ["processed-by", "sdk"] {
            for (name, version) in part.producers.get(field).into_iter().flatten() {
                if !tools.iter().any(|(known, _)| known == name) {
                    tools.push((name.clone(), plain(version)));
                }
            }
        }
    }
    let languages = match python {
        Some(version) => {
            tools.push(("componentize-py".to_owned(), String::new()));
            vec![join("Python", &version)]
        }
        None => {
            let found = main.map_or(own, |main| languages(&main.producers));
            let named = |(language, version): (String, String)| {
                let compiler = compiler(&mut tools, &language);
                join(&language, if version.is_empty() { &compiler } else { &version })
            };
            found.into_iter().map(named).collect()
        }
    };
    // What says the most about the plugin first: what made its bindings, then what packed it.
    tools.sort_by_key(|(name, _)| match name.as_str() {
        name if name.contains("componentize") || name.contains("ComponentizeJS") => 0,
        name if name.starts_with("wit-bindgen") => 1,
        "wit-component" => 3,
        _ => 2,
    });
    let tools: Vec<String> = tools.iter().map(|(name, version)| join(name, version)).collect();
    match (languages.is_empty(), tools.is_empty()) {
        (true, true) => None,
        (false, true) => Some(languages.join(", ")),
        (true, false) => Some(tools.join(", ")),
        (false, false) => Some(format!("{} ({})", languages.join(", "), tools.join(", "))),
    }
}

/// Languages by their usual names, each once, with the version that stands there.
fn languages(producers: &Producers) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, version) in producers.get("language").into_iter().flatten() {
        let name = match name.as_str() {
            name if name.starts_with("C_plus_plus") || name.starts_with("C++") => "C++",
            // `C11`, `C99`: the standards that the parts of a C library were written to.
            name if name.starts_with('C')
                && name.len() > 1
                && name[1..].bytes().all(|b| b.is_ascii_digit()) =>
            {
                "C"
            }
            name => name,
        };
        let version = plain(version);
        if !found.iter().any(|(known, _)| known == name) {
            found.push((name.to_owned(), version));
        }
    }
    // A library of C is part of what many other languages compile to.
    found.sort_by_key(|(name, _)| matches!(name.as_str(), "C" | "C++"));
    found
}

/// Takes the compiler of a language out of the tools, which says no more than its version.
fn compiler(tools: &mut Vec<(String, String)>, language: &str) -> String {
    let wanted = match language {
        "Rust" => "rustc",
        "Go" => "Go cmd/compile",
        _ => return String::new(),
    };
    match tools.iter().position(|(name, _)| name == wanted) {
        Some(position) => tools.remove(position).1,
        None => String::new(),
    }
}

/// The version of Python, where the file has an interpreter in it as `componentize-py` packs it.
/// Its producers sections say nothing of Python.
fn python(anatomy: &Part) -> Option<String> {
    let (mut runtime, mut version) = (false, String::new());
    anatomy.each(&mut |part| {
        let Some(name) = part.name.as_deref().filter(|_| part.kind == "core module") else {
            return;
        };
        runtime |= name.starts_with("componentize_py_runtime")
            || name.starts_with("libcomponentize_py_runtime");
        if let Some(rest) = name.strip_prefix("libpython") {
            version = rest.trim_end_matches(".so").to_owned();
        }
    });
    runtime.then_some(version)
}

/// The largest core module that says what it was made with and is no adapter.
fn main_module(anatomy: &Part) -> Option<&Part> {
    let mut largest: Option<&Part> = None;
    anatomy.each(&mut |part| {
        let adapter = part.name.as_deref().is_some_and(|name| name.starts_with("wit-component:"));
        if part.kind == "core module"
            && !adapter
            && !part.producers.is_empty()
            && largest.is_none_or(|known| part.bytes > known.bytes)
        {
            largest = Some(part);
        }
    });
    largest
}

/// A version without what stands behind it, and as other languages write theirs: `1.27.3` for
/// `go1.27.3`.
fn plain(version: &str) -> String {
    let first = version.split_whitespace().next().unwrap_or_default();
    first.strip_prefix("go").unwrap_or(first).to_owned()
}

fn join(name: &str, version: &str) -> String {
    if version.is_empty() { name.to_owned() } else { format!("{name} {version}") }
}
