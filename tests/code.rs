//! Compilers and compiled code: whichever way a plugin's code was made, it does the same and costs the same;
//! and what is kept of it can be damaged, but not believed then.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use plugtool::component::{Component, FEATURES, decode, import_name, split};
use plugtool::config::{self, Compiler, Host, Plugin, plugin_list};
use plugtool::diagnostic::{CompiledBy, PluginReport, Verdict};
use plugtool::input;
use plugtool::judge::code::CodeCache;
use plugtool::judge::{Options, judge};
use support::process::PLUGTOOL;
use support::{plugins, root};

fn host(compiler: Compiler) -> Host {
    let mut host = config::load(&root().join("compositions/cli-host")).expect("the demo host");
    host.limits.compiler = compiler;
    host
}

fn options(code: Option<Arc<CodeCache>>) -> Options {
    Options { code, ..support::process::options(PLUGTOOL) }
}

fn judged(id: &str, path: &Path, host: &Host, code: Option<Arc<CodeCache>>) -> PluginReport {
    let path = path.to_string_lossy().into_owned();
    let plugin = Plugin { id: id.to_owned(), path, enabled: true };
    let mut report = judge(&plugin, host, &options(code));
    // What was known before, and how long it took, is no part of what the plugin did.
    report.cached.clear();
    report.cases.iter_mut().for_each(|case| case.timing = None);
    report
}

/// What a plugin did, without who compiled it and what it cost.
fn deeds(mut report: PluginReport) -> PluginReport {
    for case in &mut report.cases {
        (case.compiler, case.fuel) = (None, 0);
        case.limits.retain(|limit| limit.unit != "fuel");
        case.calls.iter_mut().for_each(|call| call.fuel = None);
    }
    report
}

/// What it cost, a figure for each case.
fn costs(report: &PluginReport) -> Vec<u64> {
    report.cases.iter().map(|case| case.fuel).collect()
}

/// Every fixture against the demo host, compiled by each compiler, whole and in parts: what it does is the
/// same. What it costs is the same with one compiler, and with the other it is nearly so.
#[test]
fn a_plugin_does_and_costs_the_same_however_it_was_compiled() {
    let folder = tempfile::tempdir().expect("a folder");
    let hosts = [Compiler::Winch, Compiler::Auto, Compiler::Cranelift].map(host);
    let [winch, auto, cranelift] = &hosts;
    let in_parts = |name| {
        let folder = folder.path().join(name);
        Some(Arc::new(CodeCache::for_modules_from(folder, 1)))
    };
    let (by_auto, by_cranelift) = (in_parts("auto"), in_parts("cranelift"));
    let mut ran = 0;
    for (id, path) in plugins() {
        let of = |host, code: &Option<_>| judged(&id, &path, host, Option::clone(code));
        let (quick, slow) = (of(winch, &None), of(cranelift, &None));
        ran += slow.cases.len();
        assert_eq!(of(auto, &by_auto), quick, "{id}: in parts");
        assert_eq!(of(auto, &by_auto), quick, "{id}: kept");
        assert_eq!(of(cranelift, &by_cranelift), slow, "{id}: by Cranelift, in parts");
        for (a, b) in costs(&quick).into_iter().zip(costs(&slow)) {
            assert!(a.abs_diff(b) <= b / 100, "{id}: {a} and {b} fuel");
        }
        assert_eq!(deeds(quick), deeds(slow), "{id}: by Winch");
    }
    assert!(ran > 10, "only {ran} cases ran");
    for cache in [by_auto, by_cranelift] {
        assert_eq!(cache.expect("a cache").remarks(), [""; 0]);
    }
    let kept = |name| fs::read_dir(folder.path().join(name)).expect("a folder").count();
    assert!(kept("auto") > 10 && kept("cranelift") > 10);
}

/// Taken apart, every fixture is valid, exports the same, and imports nothing but modules on top.
#[test]
fn what_is_left_of_a_component_is_the_same_component() {
    let mut taken = 0;
    for (id, path) in plugins() {
        let read = input::read(&id, &path.to_string_lossy()).expect("a fixture");
        let Ok(whole) = decode(read) else { continue };
        let Some(parts) = split(&whole.bytes, 1) else { continue };
        taken += parts.modules.len();
        wasmparser::Validator::new_with_features(FEATURES)
            .validate_all(&parts.rest)
            .unwrap_or_else(|error| panic!("{id}: {error}"));
        let rest = input::from_bytes(&id, "rest", parts.rest).expect("bytes");
        let rest = decode(rest).expect("a component");
        let exports = |of: &Component| of.world.exports.keys().cloned().collect::<Vec<_>>();
        assert_eq!(exports(&rest), exports(&whole), "{id}");
        let mut imports: Vec<_> = rest.world.imports.keys().cloned().collect();
        imports.retain(|name| !(0..parts.modules.len()).any(|i| *name == import_name(i)));
        assert_eq!(imports, whole.world.imports.keys().cloned().collect::<Vec<_>>(), "{id}");
        assert_eq!(rest.nested.modules + parts.modules.len(), whole.nested.modules, "{id}");
    }
    assert!(taken > 20, "only {taken} modules were taken out");
}

#[test]
fn the_compiler_is_chosen_and_said() {
    let greet = root().join("testdata/plugins/greet/greet.wasm");
    for (compiler, by) in [
        (Compiler::Auto, CompiledBy::Winch),
        (Compiler::Winch, CompiledBy::Winch),
        (Compiler::Cranelift, CompiledBy::Cranelift),
    ] {
        let report = judged("greet", &greet, &host(compiler), None);
        assert_eq!(report.verdict, Verdict::Pass);
        assert!(report.cases.iter().all(|case| case.compiler == Some(by)), "{compiler:?}");
    }
}

/// The only plugin that is large enough to be kept by default.
fn large() -> PathBuf {
    root().join("testdata/plugins/reverse/reverse.wasm")
}

/// The files of a folder, the smallest first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.is_file());
    files.sort_by_key(|path| fs::metadata(path).map(|about| about.len()).expect("a file"));
    files
}

/// A change to a file.
type Harm = fn(&Path);

#[test]
fn damaged_and_foreign_code_is_found_said_and_made_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let host = host(Compiler::Auto);
    let run = || {
        let cache = Arc::new(CodeCache::new(folder.path().to_owned()));
        let report = judged("reverse", &large(), &host, Some(cache.clone()));
        (report, cache.remarks())
    };
    let (first, remarks) = run();
    assert_eq!((first.verdict, remarks.len()), (Verdict::Pass, 0), "{remarks:?}");
    // What is left of the component, and its one large module.
    let [rest, module] = &files(folder.path())[..] else { panic!("two pieces are kept") };
    let (again, remarks) = run();
    assert_eq!((again, remarks.len()), (first.clone(), 0), "{remarks:?}");

    let harms: [(&str, Harm); 5] = [
        ("its content is not what was written", |file| {
            let mut bytes = fs::read(file).expect("an entry");
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(file, bytes).expect("it is written");
        }),
        ("it does not end as code does", |file| {
            let bytes = fs::read(file).expect("an entry");
            fs::write(file, &bytes[..bytes.len() - 1000]).expect("it is written");
        }),
        ("it is cut off", |file| fs::write(file, "").expect("it is written")),
        ("it is the code of something else", |file| {
            // Whole, and of a module of its own: another key stands in it.
            let mut bytes = fs::read(file).expect("an entry");
            let key = bytes.len() - 2 * 65;
            bytes[key] = if bytes[key] == b'0' { b'1' } else { b'0' };
            fs::write(file, bytes).expect("it is written");
        }),
        ("it does not end as code does", |file| {
            // A stranger's artifact, which nobody made here.
            fs::write(file, [b"\x7fELF".as_slice(), &[0; 4096]].concat()).expect("it is written");
        }),
    ];
    for entry in [rest, module] {
        let good = fs::read(entry).expect("an entry");
        for (why, harm) in harms {
            harm(entry);
            let (report, remarks) = run();
            assert_eq!(report, first, "{why}");
            let [remark] = &remarks[..] else { panic!("{why}: {remarks:?}") };
            assert!(remark.starts_with("compiled again: ") && remark.ends_with(why), "{remark}");
            assert!(fs::read(entry).expect("an entry") == good, "{why}: it was not made good");
        }
    }
    // One piece under the name and the key of the other.
    let mut bytes = fs::read(module).expect("an entry");
    let key = bytes.len() - 2 * 65;
    let name = rest.file_name().and_then(|name| name.to_str()).expect("a key");
    bytes[key..key + 64].copy_from_slice(name.as_bytes());
    fs::write(rest, bytes).expect("it is written");
    let (report, remarks) = run();
    assert_eq!((report, remarks.len()), (first.clone(), 1), "{remarks:?}");

    // What it is made of, and that it is valid.
    for entry in entries(&folder.path().join("known")) {
        let bytes = fs::read(&entry).expect("an entry");
        fs::write(&entry, &bytes[..bytes.len() - 1]).expect("it is written");
        let (report, remarks) = run();
        assert_eq!(report, first);
        assert!(remarks[0].starts_with("found out again: "), "{remarks:?}");
        assert!(remarks[0].ends_with("it is damaged"), "{remarks:?}");
        assert!(fs::read(&entry).expect("an entry") == bytes, "it was not made good");
    }
}

/// All files below a folder.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let inner =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    inner.flat_map(|path| if path.is_dir() { entries(&path) } else { vec![path] }).collect()
}

/// Whoever can write to the folder decides verdicts: one that others can write to is not used.
#[test]
#[cfg(unix)]
fn a_folder_that_others_can_write_to_is_not_used() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("it is mine");
    let host = host(Compiler::Auto);
    let cache = Arc::new(CodeCache::new(folder.path().to_owned()));
    let report = judged("reverse", &large(), &host, Some(cache.clone()));
    assert_eq!(report, judged("reverse", &large(), &host, None));
    assert!(cache.remarks()[0].contains("others than its owner"), "{:?}", cache.remarks());
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

/// Commands and handlers are run from kept code as calls are, and do the same.
#[test]
fn commands_and_handlers_do_the_same_from_kept_code() {
    for folder in ["command-runner", "http-service"] {
        let host = config::load(&root().join("compositions").join(folder)).expect("a host");
        let kept = tempfile::tempdir().expect("a folder");
        let code = || Some(Arc::new(CodeCache::for_modules_from(kept.path().to_owned(), 1)));
        let mut ran = 0;
        for plugin in plugin_list(&host.plugins).expect("its plugins") {
            let of = |code| judged(&plugin.id, Path::new(&plugin.path), &host, code);
            let whole = of(None);
            ran += whole.cases.len();
            assert_eq!(of(code()), whole, "{}: in parts", plugin.id);
            let pieces = files(kept.path()).len();
            let cache = code();
            assert_eq!(of(cache.clone()), whole, "{}: kept", plugin.id);
            assert_eq!(cache.expect("a cache").remarks(), [""; 0]);
            assert_eq!(files(kept.path()).len(), pieces, "{}: compiled again", plugin.id);
        }
        assert!(ran > 3, "only {ran} cases ran in {folder}");
        assert!(files(kept.path()).len() > 2, "nothing was kept in {folder}");
    }
}

/// Where nothing can be kept, that is said, and what is judged does not depend on it.
#[test]
fn a_folder_that_cannot_be_written_to_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a-file");
    fs::write(&file, "no folder").expect("it is written");
    let host = host(Compiler::Auto);
    let cache = Arc::new(CodeCache::new(file.join("code")));
    let report = judged("reverse", &large(), &host, Some(cache.clone()));
    assert_eq!(report, judged("reverse", &large(), &host, None));
    assert!(cache.remarks()[0].contains("is not used"), "{:?}", cache.remarks());
}

/// What it is asked for.
const CALL: &str = r#"run(["abc"])"#;

/// Several gates at once share a folder; nobody sees half of what another one writes.
#[test]
fn a_folder_is_shared() {
    let folder = tempfile::tempdir().expect("a folder");
    let plain = Command::new(PLUGTOOL)
        .args(["run", "--no-cache", "--invoke", CALL])
        .arg(large())
        .output()
        .expect("it runs");
    assert!(plain.status.success(), "{}", String::from_utf8_lossy(&plain.stderr));
    let shared: Vec<_> = (0..3)
        .map(|_| {
            Command::new(PLUGTOOL)
                .args(["run", "--invoke", CALL, "--cache-dir"])
                .args([folder.path(), &large()])
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .expect("it starts")
        })
        .collect();
    for run in shared {
        let output = run.wait_with_output().expect("it ends");
        assert_eq!(output.stdout, plain.stdout);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    }
    assert_eq!(files(&folder.path().join("code")).len(), 2, "two pieces, and nothing half written");
}
