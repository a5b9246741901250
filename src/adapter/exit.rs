//! The engine's preview 1 adapter with exit codes. As it comes, its `proc_exit` calls
//! `wasi:cli/exit#exit`, which knows only success and failure; with `exit-with-code`, which came with
//! WASI 0.2.12 and which the adapter's own types have, every code arrives.

use wasm_encoder::{CodeSection, Encode, Function, Module, RawSection};
use wasmparser::{ImportSectionReader, Imports, Parser, Payload, TypeRef};

const INTERFACE: &str = "wasi:cli/exit@";
const EXIT: &str = "exit";
const EXIT_WITH_CODE: &str = "exit-with-code";

/// The adapter with this one import renamed, and a `proc_exit` that hands over the code as it is.
/// Both functions have the core type `(func (param i32))`, so everything else stays as it was.
pub fn with_code(adapter: &[u8]) -> Result<Vec<u8>, String> {
    let payloads = Parser::new(0).parse_all(adapter).collect::<Result<Vec<_>, _>>();
    let payloads = payloads.map_err(|error| error.to_string())?;
    let exit = payloads.iter().find_map(|payload| match payload {
        Payload::ImportSection(imports) => exit_import(imports.clone()),
        _ => None,
    });
    let exit = exit.ok_or("it does not import exit")?;
    let proc_exit = payloads.iter().find_map(|payload| match payload {
        Payload::ExportSection(exports) => {
            let mut exports = exports.clone().into_iter().flatten();
            exports.find(|export| export.name == "proc_exit").map(|export| export.index)
        }
        _ => None,
    });
    let proc_exit = proc_exit.and_then(|index| index.checked_sub(exit.functions));
    let proc_exit = proc_exit.ok_or("it does not define proc_exit")?;

    let mut code = CodeSection::new();
    for payload in &payloads {
        let Payload::CodeSectionEntry(body) = payload else { continue };
        if code.len() == proc_exit {
            let mut function = Function::new([]);
            function.instructions().local_get(0).call(exit.index).unreachable().end();
            code.function(&function);
        } else {
            code.raw(body.as_bytes());
        }
    }

    let mut module = Module::new();
    for payload in &payloads {
        match payload {
            Payload::ImportSection(imports) => {
                let range = imports.range();
                let mut data = adapter[range.start..exit.name].to_vec();
                EXIT_WITH_CODE.encode(&mut data);
                // Behind the old name and its length, which is one byte.
                data.extend_from_slice(&adapter[exit.name + 1 + EXIT.len()..range.end]);
                module.section(&RawSection { id: 2, data: &data });
            }
            Payload::CodeSectionStart { .. } => {
                module.section(&code);
            }
            payload => {
                if let Some((id, range)) = payload.as_section() {
                    module.section(&RawSection { id, data: &adapter[range] });
                }
            }
        }
    }
    Ok(module.finish())
}

struct ExitImport {
    /// Its index among the functions.
    index: u32,
    /// How many functions are imported.
    functions: u32,
    /// Where its name begins, with the length.
    name: usize,
}

fn exit_import(imports: ImportSectionReader<'_>) -> Option<ExitImport> {
    let mut functions = 0;
    let mut found = None;
    for group in imports {
        let Ok(Imports::Single(start, import)) = group else { return None };
        if import.module.starts_with(INTERFACE) && import.name == EXIT {
            // The name of the module is shorter than 128 bytes: its length is one.
            found = Some((functions, start + 1 + import.module.len()));
        }
        functions += u32::from(matches!(import.ty, TypeRef::Func(_)));
    }
    found.map(|(index, name)| ExitImport { index, functions, name })
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasi_preview1_component_adapter_provider::WASI_SNAPSHOT_PREVIEW1_COMMAND_ADAPTER as COMMAND;

    #[test]
    fn the_adapter_is_as_expected_and_stays_valid() {
        let patched = with_code(COMMAND).expect("the adapter is patched");
        wasmparser::Validator::new().validate_all(&patched).expect("it is valid");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(text(&patched).contains("wasi:cli/exit@0.2.12\u{e}exit-with-code"));
        assert!(!text(&patched).contains("wasi:cli/exit@0.2.12\u{4}exit"));
    }
}
