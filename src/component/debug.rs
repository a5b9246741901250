//! Debug information that was left in.

use crate::diagnostic::{Code, DebugInfo, Diagnostic, Part, Severity};

/// From which size on names of functions are worth a word, in bytes and in a share of the file:
/// a small plugin with names in it is as small without them.
const MANY_NAMES: u64 = 64 << 10;
const MANY_NAMES_SHARE: u64 = 10;

/// What there is of debug information in a file, by the names of its custom sections.
pub fn debug_info(anatomy: &Part) -> DebugInfo {
    let mut info = DebugInfo::default();
    anatomy.each(&mut |part| {
        let Some(name) = part.name.as_deref().filter(|_| part.kind == "custom section") else {
            return;
        };
        match name {
            "name" | "component-name" => info.names += part.bytes,
            "sourceMappingURL" => info.source_maps += part.bytes,
            // Where a debugger finds the rest, as the tools call it (tool-conventions, "Debugging").
            name if name.starts_with(".debug_") => info.dwarf += part.bytes,
            _ => {}
        }
    });
    info
}

/// A note where a file has DWARF in it, or a source map, or where names take up at least 64 KiB and
/// a tenth of it.
pub fn debug_build(info: &DebugInfo, size: u64) -> Option<Diagnostic> {
    let many_names = info.names >= MANY_NAMES && info.names >= size / MANY_NAMES_SHARE;
    if info.dwarf == 0 && info.source_maps == 0 && !many_names {
        return None;
    }
    let share = |bytes: u64| {
        let percent = (bytes * 100).checked_div(size).unwrap_or(0);
        format!("{bytes} of {size} bytes, {percent} %")
    };
    let total = info.dwarf + info.names + info.source_maps;
    let mut finding = Diagnostic::error(
        Code::DebugBuild,
        format!("debug information was left in: {}", share(total)),
    )
    .severity(Severity::Note);
    let kinds = [
        (info.dwarf, "DWARF, with the paths and names of the source"),
        (info.names, "names of functions and of what they are in"),
        (info.source_maps, "a source map, or the address of one"),
    ];
    for (bytes, what) in kinds.into_iter().filter(|(bytes, _)| *bytes > 0) {
        finding = finding.note(format!("{what}: {bytes} bytes"));
    }
    Some(finding.help(
        "build it for release, or take it out: `wasm-tools strip --all` (Rust: `strip = true` in the \
         profile; C: `-Wl,--strip-all`; Go: `-ldflags=\"-s -w\"`)",
    ))
}
