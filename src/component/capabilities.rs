//! What a plugin asks of its host, in words for people.
//!
//! Functions ask; an import that only brings types asks for nothing. So do interfaces whose functions
//! work on nothing but what other interfaces handed out: `wasi:io` and `wasi:http/types`. A core
//! module is read the same way, by the functions that it imports from WASI preview 1 and Extism.

use std::collections::BTreeMap;

use super::module::{EXTISM, Module, PREVIEW_1};
use crate::diagnostic::{Capability, Request};
use crate::world::{ExternName, Item, World};

/// What a component asks for.
pub fn requests(world: &World) -> Vec<Request> {
    let mut found = Found::default();
    for (name, item) in &world.imports {
        if has_functions(item)
            && let Some(capability) = of_import(name)
        {
            found.add(capability, name.clone());
        }
    }
    for (name, item) in &world.exports {
        let base = ExternName::parse(name).base;
        if matches!(base, "wasi:http/incoming-handler" | "wasi:http/handler") && has_functions(item)
        {
            found.add(Capability::HttpServing, name.clone());
        }
    }
    found.requests()
}

/// What a core module asks for.
pub fn module_requests(module: &Module) -> Vec<Request> {
    let mut found = Found::default();
    for (from, items) in &module.imports {
        let preview_1 = PREVIEW_1.contains(&from.as_str());
        let paths = items.iter().any(|item| item.name.starts_with("path_"));
        for item in items.iter().filter(|item| item.kind == "function") {
            let capability = match from.as_str() {
                _ if preview_1 => of_preview_1(&item.name, paths),
                module if module == EXTISM.0 => of_extism(&item.name),
                "env" if item.name.starts_with("extism_") => {
                    of_extism(&item.name["extism_".len()..])
                }
                _ => Some(Capability::Host),
            };
            if let Some(capability) = capability {
                found.add(capability, format!("{from} {}", item.name));
            }
        }
    }
    found.requests()
}

#[derive(Default)]
struct Found(BTreeMap<Capability, Vec<String>>);

impl Found {
    fn add(&mut self, capability: Capability, by: String) {
        self.0.entry(capability).or_default().push(by);
    }

    fn requests(self) -> Vec<Request> {
        self.0.into_iter().map(|(capability, by)| Request { capability, by }).collect()
    }
}

/// Whether anything can be called through an item. What WIT cannot express counts: a core module
/// that is imported brings code.
fn has_functions(item: &Item) -> bool {
    match item {
        Item::Func(_) | Item::Module(_) | Item::Component(_) | Item::Other(_) => true,
        Item::Instance(instance) => instance.items.values().any(has_functions),
        Item::Type(_) | Item::Resource(_) => false,
    }
}

/// What an import with functions asks for, whatever its version (the packages of WASI 0.2 and 0.3,
/// and the proposals beside them). None: nothing that the host would have to grant.
pub fn of_import(name: &str) -> Option<Capability> {
    let base = ExternName::parse(name).base;
    let (package, interface) = base.split_once('/').unwrap_or((base, ""));
    Some(match (package, interface) {
        ("wasi:filesystem", _) => Capability::Files,
        ("wasi:sockets" | "wasi:tls", _) => Capability::Network,
        ("wasi:io", _) | ("wasi:http", "types") => return None,
        // `handler` is what 0.3 calls it, imported by what passes requests on.
        ("wasi:http", "outgoing-handler" | "client" | "handler") => Capability::Http,
        ("wasi:cli", "environment") => Capability::Environment,
        ("wasi:cli", "exit") => Capability::Exit,
        ("wasi:cli", "stdin" | "stdout" | "stderr") => Capability::Stdio,
        ("wasi:cli", terminal) if terminal.starts_with("terminal-") => Capability::Stdio,
        ("wasi:clocks", _) => Capability::Clocks,
        ("wasi:random", _) => Capability::Randomness,
        ("wasi:keyvalue", _) => Capability::KeyValue,
        ("wasi:config", _) => Capability::Config,
        ("wasi:logging", _) => Capability::Logging,
        _ => Capability::Host,
    })
}

/// What a function of WASI preview 1 asks for. One that works on any descriptor is for files where
/// the module can open some, and for stdio where it cannot.
fn of_preview_1(name: &str, opens_files: bool) -> Option<Capability> {
    Some(match name {
        "args_get" | "args_sizes_get" | "environ_get" | "environ_sizes_get" => {
            Capability::Environment
        }
        "clock_res_get" | "clock_time_get" | "poll_oneoff" => Capability::Clocks,
        "random_get" => Capability::Randomness,
        "proc_exit" | "proc_raise" => Capability::Exit,
        "sched_yield" => return None,
        "fd_read" | "fd_write" => Capability::Stdio,
        name if name.starts_with("path_") => Capability::Files,
        name if name.starts_with("fd_") && opens_files => Capability::Files,
        name if name.starts_with("fd_") => Capability::Stdio,
        name if name.starts_with("sock_") => Capability::Network,
        _ => Capability::Host,
    })
}

/// What a function of the Extism kernel asks for. Most of them move data between the plugin and the
/// kernel's memory, and ask for nothing.
fn of_extism(name: &str) -> Option<Capability> {
    Some(match name {
        name if name.starts_with("http_") => Capability::Http,
        "config_get" => Capability::Config,
        "var_get" | "var_set" => Capability::KeyValue,
        name if name.starts_with("log_") || name == "get_log_level" => Capability::Logging,
        _ => return None,
    })
}
