//! The hosts under `compositions/` judge what they ship with, and their judgement is worth something: each
//! has twins, the same folder with one thing in one file changed, that turn a plugin away.

#![allow(clippy::expect_used, clippy::panic, reason = "a test says what it needs by failing")]

#[allow(dead_code)]
mod support;

use std::fs;
use std::path::Path;

use support::{execute, root, workspace};

/// A host with one change.
struct Twin {
    host: &'static str,
    file: &'static str,
    from: &'static str,
    to: &'static str,
    /// The code of the one thing that is found.
    finds: &'static str,
    /// The plugin that it is found in.
    plugin: &'static str,
}

const TWINS: &[Twin] = &[
    // Another contract than the one that the plugin was built for.
    Twin {
        host: "image-processor",
        file: "wit/images.wit",
        from: "    /// BMP, uncompressed, 24 bits a pixel.\n    bitmap,\n",
        to: "    /// BMP, uncompressed, 24 bits a pixel.\n    bitmap,\n    /// JPEG.\n    photograph,\n",
        finds: "type-mismatch",
        plugin: "pictures",
    },
    // One byte of an image.
    Twin {
        host: "image-processor",
        file: "expected/cropped.ppm",
        from: "P6\n3 3\n",
        to: "P6\n3 4\n",
        finds: "smoke-mismatch",
        plugin: "pictures",
    },
    // What an error says.
    Twin {
        host: "image-processor",
        file: "smoke/errors.toml",
        from: "err(cut-off((129, 134)))",
        to: "err(cut-off((129, 135)))",
        finds: "smoke-mismatch",
        plugin: "pictures",
    },
    Twin {
        host: "image-processor",
        file: "smoke/images.toml",
        from: "max-fuel = 30_000_000",
        to: "max-fuel = 3_000_000",
        finds: "over-budget",
        plugin: "pictures",
    },
    Twin {
        host: "image-processor",
        file: "plugtool.toml",
        from: "max-bytes = \"1MiB\"",
        to: "max-bytes = \"1KiB\"",
        finds: "too-large",
        plugin: "pictures",
    },
    // A contract that has gone on: every plugin lists permissions of the old type.
    Twin {
        host: "platform",
        file: "wit/platform.wit",
        from: "    /// Draw lots.\n    random,\n",
        to: "    /// Draw lots.\n    random,\n    /// Reach other machines.\n    network,\n",
        finds: "type-mismatch",
        plugin: "dice",
    },
    // A permission that the host does not expect to be asked for.
    Twin {
        host: "platform",
        file: "smoke/life.toml",
        from: "expect = '[chat, storage]'",
        to: "expect = '[chat]'",
        finds: "smoke-mismatch",
        plugin: "counter",
    },
    // Nobody gives points.
    Twin {
        host: "platform",
        file: "plugtool.toml",
        from: "adapters = [\"../../testdata/plugins/points/points.wasm\"]",
        to: "adapters = []",
        finds: "unknown-import",
        plugin: "greeter-bot",
    },
    // A call of the host that is waited for in vain.
    Twin {
        host: "platform",
        file: "smoke/counter.toml",
        from: "times = 3",
        to: "times = 4",
        finds: "missing-host-call",
        plugin: "counter",
    },
    // One more than the host answers.
    Twin {
        host: "platform",
        file: "smoke/counter.toml",
        from: "returns = 'ok({id: 1, held: false})'\ntimes = 2",
        to: "returns = 'ok({id: 1, held: false})'\ntimes = 1",
        finds: "extra-host-call",
        plugin: "counter",
    },
    // Another argument, in what the composed component asks.
    Twin {
        host: "platform",
        file: "smoke/greeter.toml",
        from: "(\"ada\", \"11\")",
        to: "(\"ada\", \"10\")",
        finds: "host-call-argument",
        plugin: "greeter-bot",
    },
    // Another order: announced before the points are counted.
    Twin {
        host: "platform",
        file: "smoke/greeter.toml",
        from: "# She follows.\n",
        to: "[[host]]\ncall = 'pato:platform/platform-api#announce'\ntimes = 1\n",
        finds: "host-call-order",
        plugin: "greeter-bot",
    },
    // Nothing is scripted for what it asks.
    Twin {
        host: "platform",
        file: "smoke/greeter.toml",
        from: "[[host]]\ncall = 'pato:platform/platform-api#announce'\nargs = '(\"points\", @points.txt)'\ntimes = 1\n",
        to: "",
        finds: "unexpected-host-call",
        plugin: "greeter-bot",
    },
    // What must not be asked is asked.
    Twin {
        host: "platform",
        file: "smoke/dice.toml",
        from: "returns = 'err(no-such-channel)'\ntimes = 1\n",
        to: "forbid = true\n",
        finds: "forbidden-host-call",
        plugin: "dice",
    },
];

/// An answer that is no value of its type is the host's mistake, and said before anything runs.
#[test]
fn an_answer_of_another_type_is_refused() {
    let folder = workspace();
    let twin = folder.path().join("twins/platform");
    copy(&root().join("compositions/platform"), &twin);
    let file = twin.join("smoke/greeter.toml");
    let changed =
        replace(&fs::read(&file).expect("a file"), "err(too-fast(30))", "err(too-fast(-1))");
    fs::write(file, changed).expect("the changed file");
    let outcome = execute("plugtool gate --host twins/platform", folder.path());
    assert_eq!(outcome.exit, "2", "{outcome:#?}");
    assert!(outcome.stderr.contains("-1 is no u32"), "{outcome:#?}");
}

#[test]
fn examples_pass_whole() {
    for host in ["image-processor", "platform"] {
        let outcome = execute(&format!("plugtool gate --host compositions/{host}"), root());
        assert_eq!(outcome.exit, "0", "{outcome:#?}");
        assert!(outcome.stdout.contains(" 0 failed"), "{}", outcome.stdout);
        assert!(TWINS.iter().any(|twin| twin.host == host), "{host} has no twin");
    }
}

#[test]
fn their_twins_fail_with_the_finding_that_the_change_deserves() {
    for Twin { host, file, from, to, finds, plugin } in TWINS {
        let folder = workspace();
        // Beside `compositions`, so that what it names in `testdata` is where it was.
        let twin = folder.path().join("twins").join(host);
        copy(&root().join("compositions").join(host), &twin);
        let changed = replace(&fs::read(twin.join(file)).expect("a file"), from, to);
        fs::write(twin.join(file), changed).expect("the changed file");

        let outcome = execute(&format!("plugtool gate --host twins/{host}"), folder.path());
        let what = format!("{host}/{file} with {to:?}: {outcome:#?}");
        assert_eq!(outcome.exit, "1", "{what}");
        // What stands under the plugin's line.
        let mut lines = outcome.stdout.lines();
        let is_it = |line: &str| line.split_whitespace().take(2).eq(["FAIL", plugin]);
        assert!(lines.any(is_it), "{what}");
        let found: String = lines.take_while(|line| line.starts_with(' ')).collect();
        let all = found.matches("error[").count();
        let these = found.matches(&format!("error[{finds}]")).count();
        assert!(these == all && all > 0, "{what}");
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder of the host") {
        let path = entry.expect("a directory entry").path();
        let there = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &there);
        } else {
            fs::copy(&path, &there).expect("a file of the host");
        }
    }
}

/// The file with `to` in place of `from`, which it has once.
fn replace(file: &[u8], from: &str, to: &str) -> Vec<u8> {
    let places: Vec<usize> =
        (0..file.len()).filter(|at| file[*at..].starts_with(from.as_bytes())).collect();
    let [at] = places[..] else { panic!("{from:?} is there {} times", places.len()) };
    [&file[..at], to.as_bytes(), &file[at + from.len()..]].concat()
}
