//! JUnit XML, as the schema of Jenkins says.

use plugtool::diagnostic::{Severity, Verdict};
use plugtool::render::junit;

use super::{
    assert_clean, assert_no_commands, diagnostic, file, hostile_reports, plugin, report, xml,
};

#[test]
fn junit_is_as_its_schema_says() {
    let schema = xml::parse(&file("jenkins-junit.xsd")).expect("a schema");
    for report in hostile_reports() {
        let text = junit::junit(&report, Severity::Error).expect("XML");
        assert_clean(&text, "junit");
        assert_no_commands(&text, "junit");
        let document = xml::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert_eq!(xml::complaints(&document, &schema), Vec::<String>::new(), "{text}");
        let said = plugtool::render::clean(&report.plugins[0].id);
        let names: Vec<&str> = document.all().iter().map(|element| element.name.as_str()).collect();
        let count = |wanted: &str| names.iter().filter(|name| **name == wanted).count();
        // Four plugins, two cases of each that was run, and the configuration.
        assert_eq!(count("testcase"), 4 + 3 * 2 + 1, "{text}");
        // The failed plugin and its case; the case of the one that could not be judged.
        assert_eq!((count("failure"), count("error"), count("skipped")), (3, 1, 1), "{text}");
        for case in document.all().iter().filter(|element| element.name == "testcase") {
            let class = case.attribute("classname");
            assert!(class == said || class == "configuration", "{text}");
        }
        // The crate that wrote it reads the same.
        let again = quick_junit::Report::deserialize_from_str(&text).expect("a report");
        let suite = &again.test_suites[0];
        assert_eq!((again.tests, again.failures, again.errors), (11, 3, 1));
        assert_eq!((suite.tests, suite.failures, suite.errors, suite.skipped), (11, 3, 1, 1));
    }
}

#[test]
fn the_schema_of_junit_refuses_what_is_wrong() {
    let schema = xml::parse(&file("jenkins-junit.xsd")).expect("a schema");
    for wrong in [
        "<testsuites><testsuite name='a'/></testsuites>",
        "<testsuites><testcase name='a'/></testsuites>",
        "<testsuites x='1'/>",
        "<testsuites>text</testsuites>",
        "<testsuite name='a' tests='1'><testcase name='a'><system-out/><failure/></testcase></testsuite>",
        "<testsuite name='a' tests='1'><testcase name='a'><skipped/><skipped/></testcase></testsuite>",
    ] {
        let document = xml::parse(wrong).expect("XML");
        assert!(!xml::complaints(&document, &schema).is_empty(), "{wrong}");
    }
    for wrong in
        ["<a>", "<a></b>", "<a b=c/>", "<a>&b;</a>", "<a>]]></a>", "<a/><a/>", "<a>\u{1}</a>"]
    {
        assert!(xml::parse(wrong).is_err(), "{wrong}");
    }
}

/// With `--fail-on warning`, a warning is a failure there too.
#[test]
fn junit_fails_what_the_gate_fails() {
    let mut warned = plugin("warned", Verdict::Pass);
    warned.diagnostics = vec![diagnostic("it", Severity::Warning)];
    let report = report(vec![warned], "host");
    let failures = |fail_on| {
        let text = junit::junit(&report, fail_on).expect("XML");
        quick_junit::Report::deserialize_from_str(&text).expect("a report").failures
    };
    assert_eq!((failures(Severity::Error), failures(Severity::Warning)), (0, 2));
}

/// The times of a plugin's test cases are together those of the plugin; what was known took none.
#[test]
fn junit_times_each_case() {
    let run = plugin("run", Verdict::Pass);
    let mut known = plugin("known", Verdict::Pass);
    known.cases.iter_mut().for_each(|case| case.timing = None);
    let text = junit::junit(&report(vec![run, known], "host"), Severity::Error).expect("XML");
    let document = xml::parse(&text).expect("XML");
    let times = |wanted: &str| -> Vec<String> {
        let of_name = document.all().into_iter().filter(|element| element.name == wanted);
        of_name.map(|element| element.attribute("time").to_owned()).collect()
    };
    let expected = ["0.766", "0.234", "0.234", "1.234", "", "", ""];
    assert_eq!(times("testcase"), expected, "{text}");
    assert_eq!(times("testsuite"), ["2.468"], "{text}");
}
