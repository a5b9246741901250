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
#[path = "support/refusals.rs"]
mod refusals;
#[allow(dead_code)]
mod support;
#[path = "support/table.rs"]
mod table;
#[path = "support/witness.rs"]
mod witness;

#[test]
fn the_verdict_is_the_witnesses() {
    pairs::run();
}

/// What the engine refuses, plugtool says without compiling; what it compiles, plugtool does not refuse.
#[test]
fn what_the_engine_refuses_is_refused() {
    let engine = witness::engine();
    let mut wrong = Vec::new();
    for (title, expected, text) in refusals::rows() {
        let bytes = wat::parse_str(&text).unwrap_or_else(|error| panic!("{title}: {error}"));
        // The engine panics on some of them.
        let compiled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            wasmtime::component::Component::new(&engine, &bytes)
                .map_err(|error| format!("{error:#}"))
        }));
        let compiled = compiled.unwrap_or_else(|_| Err("it panics".to_owned()));
        let input = plugtool::input::from_bytes("row", "row", bytes).expect("bytes");
        let ours = plugtool::component::decode(input);
        let ours = ours.map(|component| component.refused).unwrap_or_else(|finding| vec![*finding]);
        let theirs =
            if compiled.is_ok() { refusals::Engine::Compiles } else { refusals::Engine::Refuses };
        if theirs != expected || (theirs == refusals::Engine::Compiles) != ours.is_empty() {
            wrong.push(format!(
                "{title}: expected {expected:?}, the engine: {compiled:?}\n   plugtool: {ours:?}",
                compiled = compiled.map(|_| ())
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_tricky_pairs() {
    let engine = witness::engine();
    let mut wrong = Vec::new();
    for row in table::ROWS {
        let text = row.plugin.trim_start().starts_with("(component");
        let bytes = if text {
            wat::parse_str(row.plugin).map_err(|error| error.to_string())
        } else {
            witness::dummy(row.plugin, "plugin")
        };
        let bytes = bytes.unwrap_or_else(|error| panic!("{}: {error}", row.title));
        let offered = witness::offered(row.host, "host")
            .unwrap_or_else(|error| panic!("{}: {error}", row.title));
        let host = wasmtime::component::Component::new(&engine, offered).expect("a host");
        // With semver where it can be told by it: see there.
        let both = row.host.contains("import types") && row.host.contains("export types");
        let a = witness::targets(row.host, "host", &bytes, !both);
        let plugin = wasmtime::component::Component::new(&engine, &bytes);
        let linked = plugin.as_ref().ok().map(|plugin| witness::link(&engine, &host, plugin));
        let b = linked.as_ref().map_or(Ok(()), |linked| linked.links.clone());
        let c = linked.map_or(Ok(()), |linked| linked.fits);
        let d = plugin.map(|_| ()).map_err(|error| format!("{error:#}"));
        let sign = |name: &str, said: &Result<(), String>| {
            format!("{name}{}", if said.is_ok() { "+" } else { "-" })
        };
        let witnesses = [sign("a", &a), sign("b", &b), sign("c", &c), sign("d", &d)].join(" ");
        let found = pairs::plugtool(row.host, "host", &bytes);
        let errors: Vec<String> = found
            .iter()
            .filter(|finding| finding.severity == plugtool::diagnostic::Severity::Error)
            .map(|finding| format!("{}: {}", finding.path, finding.message))
            .collect();
        let said = errors.len() == row.says.len()
            && errors.iter().zip(row.says).all(|(error, says)| error.contains(says));
        if !said || witnesses != row.witnesses {
            wrong.push(format!(
                "{}\n  says {errors:#?}\n  not {:#?}\n  witnesses {witnesses}, not {}\n  {a:?}\n  \
                 {b:?}\n  {c:?}\n  {d:?}",
                row.title, row.says, row.witnesses
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
