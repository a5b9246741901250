//! What decides what comes of a case, for who keeps that. Where a case gets a key, the patterns here stop
//! compiling: whoever adds it says whether it decides.

use super::{Baseline, Case, CaseFile, Expectation, Step};
use crate::config::command::CommandCase;
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

    /// All that the host wrote of the case, as text: its file, and what is in the files and folders that it
    /// names.
    pub fn written(&self) -> String {
        // What stands in the file is in its text; where files lie is no part of it.
        let Case {
            name,
            file: _,
            plugins: _,
            steps: _,
            command,
            host,
            http,
            // Its bodies are among the files.
            outside: _,
            files,
            max_fuel: _,
            baseline: _,
            twice,
            head: _,
            text,
        } = self;
        let file = |CaseFile { path, bytes }: &CaseFile| (path.clone(), input::digest(bytes));
        let files: Vec<_> = files.iter().map(file).collect();
        let command = command.as_ref().map(CommandCase::beside);
        let http =
            http.as_ref().map(|HttpCase { request: _, body, status: _, headers: _, expected }| {
                let expected = expected.as_ref().map(|body| input::digest(body));
                (input::digest(body), expected)
            });
        let text = input::digest(text.as_bytes());
        format!("{:?}", (name, text, files, host.written(), command, http, twice))
    }
}
