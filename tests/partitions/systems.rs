//! What CI systems say about parts, in the variables that they set; flags come first.

use std::collections::BTreeMap;

use plugtool::diagnostic::Method;
use plugtool::gate::partition::{Partition, PartitionError, part_of};
use serde_json::Value;

use super::support::workspace;
use super::{exit, host, ids, plugtool};

#[test]
fn ci_systems_say_which_part_it_is() {
    let of = |variables: &[(&str, &str)]| {
        let known: BTreeMap<&str, &str> = variables.iter().copied().collect();
        Partition::of_environment(&|name| known.get(name).map(|value| (*value).to_owned()))
            .map(|found| found.map(|part| (part.index, part.total, part.source.into_owned())))
    };
    let some = |index, total, source: &str| Ok(Some((index, total, source.to_owned())));
    assert_eq!(of(&[]), Ok(None));
    assert_eq!(of(&[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")]), some(2, 3, "GitLab"));
    // A job that is not parallel.
    assert_eq!(of(&[("CI_NODE_TOTAL", "1")]), Ok(None));
    let kubernetes =
        |index, total| of(&[("JOB_COMPLETION_INDEX", index), ("JOB_COMPLETIONS", total)]);
    assert_eq!(kubernetes("0", "3"), some(1, 3, "Kubernetes"));
    assert_eq!(kubernetes("2", "3"), some(3, 3, "Kubernetes"));
    let bazel = [("TEST_SHARD_INDEX", "1"), ("TEST_TOTAL_SHARDS", "2")];
    assert_eq!(of(&bazel), some(2, 2, "Bazel"));
    for wrong in [
        of(&[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "3")]),
        of(&[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "3")]),
        kubernetes("3", "3"),
        kubernetes("-1", "3"),
        kubernetes("0", "three"),
        kubernetes("0", "0"),
        kubernetes("99999999999999999999", "3"),
    ] {
        assert!(matches!(wrong, Err(PartitionError::Variable { .. })), "{wrong:?}");
    }
    let alone = of(&[("JOB_COMPLETION_INDEX", "0")]);
    assert!(matches!(alone, Err(PartitionError::Missing { .. })), "{alone:?}");
    let two = [bazel.as_slice(), &[("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")]].concat();
    assert!(matches!(of(&two), Err(PartitionError::Two(..))));
}

#[test]
fn flags_come_before_the_environment() {
    let folder = workspace();
    let folder = folder.path();
    host(folder, true);
    let gitlab = [("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "2")];
    let judged = |more: &str, variables: &[(&str, &str)]| {
        let line = format!("gate --host host --only greet --only chatty --format json {more}");
        let output = plugtool(folder, &line, variables);
        assert_eq!(exit(&output), 0, "{output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (ids(&report), report["partition"]["source"].clone())
    };
    let of_hash = |part| {
        let own =
            ["greet", "chatty"].into_iter().filter(|id| part_of(Method::Hash, 2, 0, id) == part);
        own.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(judged("", &gitlab), (of_hash(2), "GitLab".into()));
    assert_eq!(judged("--partition hash:1/2", &gitlab), (of_hash(1), "--partition".into()));
    let all = vec!["greet".to_owned(), "chatty".to_owned()];
    assert_eq!(judged("--partition none", &gitlab), (all, Value::Null));
    // Bazel wants to be told that its shards were understood, and by nobody else.
    let bazel = [
        ("TEST_SHARD_INDEX", "0"),
        ("TEST_TOTAL_SHARDS", "2"),
        ("TEST_SHARD_STATUS_FILE", "status"),
    ];
    judged("--partition slice:1/2", &bazel);
    assert!(!folder.join("status").exists());
    assert_eq!(judged("", &bazel), (of_hash(1), "Bazel".into()));
    assert!(folder.join("status").exists());
    // What makes no sense is not guessed at.
    let broken = [("CI_NODE_INDEX", "3"), ("CI_NODE_TOTAL", "2")];
    let output = plugtool(folder, "gate --host host", &broken);
    assert_eq!(exit(&output), 2, "{output:?}");
    assert!(output.stdout.is_empty());
}
