//! What decides what comes of a case, for who keeps that. Where a case gets a key, the patterns here stop
//! compiling: whoever adds it says whether it decides.

use super::{Baseline, Case, CaseFile, Expectation, Step};
use crate::config::http::HttpCase;
use crate::input;

impl Case {
    /// All that decides what comes of running the case, as text: two cases of one text come to the same.
    /// None where folders of the host take part, which the case does not hold.
    pub fn deciding(&self) -> Option<String> {
        // Where a case stands in its file, and who else it is for, decides nothing.
        let Case {
            name,
            file: _,
            plugins: _,
            steps,
            command,
            host,
            http,
            outside,
            files,
            max_fuel,
            baseline,
            twice,
            head: _,
            text: _,
        } = self;
        let step = |Step { invoke, call: _, expect, inline: _ }: &Step| match expect {
            Expectation::Return => (invoke.text.clone(), "return", String::new()),
            Expectation::Value(value, _) => (invoke.text.clone(), "value", value.text.clone()),
            Expectation::Trap(trap) => (invoke.text.clone(), "trap", trap.text.clone()),
        };
        let steps: Vec<_> = steps.iter().map(step).collect();
        let file = |CaseFile { path, bytes }: &CaseFile| (path.clone(), input::digest(bytes));
        let files: Vec<_> = files.iter().map(file).collect();
        let command = match command {
            Some(command) => Some(command.deciding()?),
            None => None,
        };
        let http = http.as_ref().map(|HttpCase { request, body, status, headers, expected }| {
            let expected = expected.as_ref().map(|body| input::digest(body));
            (request, input::digest(body), status, headers, expected)
        });
        let baseline = baseline.as_ref().map(
            |Baseline { engine, compiler, tolerance, written: _, fuel, place, span: _ }| {
                (engine, compiler, tolerance, fuel, place)
            },
        );
        Some(format!(
            "{:?}",
            (
                name,
                steps,
                host.deciding(),
                files,
                command,
                http,
                outside,
                max_fuel,
                baseline,
                twice
            )
        ))
    }
    /// All that the host wrote of the case, as text: its file, and what is in the files that it names.
    pub fn written(&self) -> String {
        let file = |CaseFile { path, bytes }: &CaseFile| (path.clone(), input::digest(bytes));
        let files: Vec<_> = self.files.iter().map(file).collect();
        let command = self.command.as_ref().map(|command| {
            let bytes = [Some(&command.stdin), command.stdout.as_ref(), command.stderr.as_ref()];
            bytes.map(|bytes| bytes.map(|bytes| input::digest(bytes)))
        });
        let http = self.http.as_ref().map(|http| {
            let expected = http.expected.as_ref().map(|body| input::digest(body));
            (input::digest(&http.body), expected)
        });
        let text = input::digest(self.text.as_bytes());
        let host = self.host.written();
        format!("{:?}", (&self.name, text, files, host, command, http, self.twice))
    }
}
