//! The host's rules against what a world imports: which functions they mean, and whether what they
//! want and answer fits.

use super::{Answer, HostRule, HostScript, HostSide, Mock, Rule, answers, is_the_engines};
use crate::config::{ConfigError, Limits};
use crate::wave::{self, Imported};
use crate::world::World;

impl HostSide {
    /// Fits the rules to what worlds import, of which the first goes before the others. Where they are
    /// all that there is (`all`), a function that none of them has is an error; else its rule is about
    /// none. Of a trace, what is the plugin's of this id is fitted; everything where there is none.
    ///
    /// # Errors
    ///
    /// What does not fit, with its place.
    pub fn resolve(
        &self,
        worlds: &[&World],
        limits: &Limits,
        all: bool,
        id: Option<&str>,
    ) -> Result<HostScript, ConfigError> {
        let replay = self.replay.as_ref().map(|trace| trace.resolve(worlds, limits, all, id));
        let mock = self.mock.as_ref().map(|mock| mock.resolve(worlds, id.is_none()));
        let unrecorded = self.replay.as_ref().zip(id).and_then(|(trace, id)| trace.lacks(id));
        let rules = self.rules.iter().map(|rule| self.rule(rule, worlds, limits, all));
        Ok(HostScript {
            rules: rules.collect::<Result<_, _>>()?,
            in_order: self.in_order,
            defaults: self.defaults,
            config: self.config.clone(),
            keyvalue: self.keyvalue.clone(),
            replay: replay.transpose()?,
            unrecorded,
            mock: mock.transpose()?,
        })
    }

    fn rule(
        &self,
        rule: &Rule,
        worlds: &[&World],
        limits: &Limits,
        all: bool,
    ) -> Result<HostRule, ConfigError> {
        let call = rule.call.text.trim();
        let here = 0..rule.call.text.len();
        let wrong = |message: &str| Err(rule.call.error(here.clone(), message));
        if let Some((delay, _)) = rule.delay.as_ref().filter(|(time, _)| *time > limits.timeout) {
            return wrong(&format!(
                "its `delay` of {} ms is more than a case may take: {} ms",
                delay.as_millis(),
                limits.timeout.as_millis()
            ));
        }
        let found = wave::imported(worlds, call, here.clone())
            .map_err(|error| rule.call.error(error.span, &error.message))?;
        let mut resolved = HostRule {
            functions: Vec::new(),
            call: call.to_owned(),
            shown: shown(rule),
            place: rule.place.clone(),
            on: rule.on.clone(),
            args: None,
            answer: Answer::Nothing,
            delay: rule.delay.as_ref().map(|(time, _)| *time).unwrap_or_default(),
            least: rule.times.0,
            most: rule.times.1,
            forbid: rule.forbid,
            shared: rule.shared,
            after: rule.after.clone(),
        };
        let Some(function) = found else {
            if !all {
                return Ok(resolved);
            }
            let error = wave::unknown_import(worlds, call, here);
            return Err(rule.call.error(error.span, &error.message));
        };
        if function.interface.as_deref().is_some_and(is_the_engines) {
            return wrong("WASI answers this itself; a rule is for the host's own functions");
        }
        if rule.on.is_some() && !function.has_self() {
            return wrong(&format!("`on` is for methods, and {} is none", function.shown));
        }
        if function.is_drop() {
            let none = rule.args.is_none() && rule.returns.is_empty() && rule.traps.is_none();
            if !none || rule.delay.is_some() {
                return wrong("the end of a handle has no arguments and no answer");
            }
        }
        resolved.functions.clone_from(&function.names);
        let files: Vec<&[u8]> = self.files.iter().map(|file| &*file.bytes).collect();
        if let Some((written, node)) = &rule.args {
            let args = function.pattern(node, &files);
            resolved.args = Some(args.map_err(|error| written.error(error.span, &error.message))?);
        }
        resolved.answer = self.answer(rule, &function, &files)?;
        Ok(resolved)
    }

    fn answer(
        &self,
        rule: &Rule,
        function: &Imported<'_>,
        files: &[&[u8]],
    ) -> Result<Answer, ConfigError> {
        if let Some(message) = &rule.traps {
            return Ok(Answer::Trap(message.clone()));
        }
        if !rule.returns.is_empty() {
            let values = rule.returns.iter().map(|(written, node)| {
                let value = function.answer(node, files);
                value.map_err(|error| written.error(error.span, &error.message))
            });
            return values.collect::<Result<_, _>>().map(Answer::Values);
        }
        // Of several versions of an interface, all are answered by one.
        let import = function.interface.as_ref().or(function.names.first());
        if !function.is_drop() && !rule.forbid {
            let mocked = |mock: &Mock| import.is_some_and(|import| mock.has(import));
            if self.mock.as_ref().is_some_and(mocked) {
                return Ok(Answer::Elsewhere);
            }
        }
        let interface = function.interface.as_deref().unwrap_or_default();
        let elsewhere =
            self.defaults || answers(interface, self.config.is_some(), self.keyvalue.is_some());
        match function.result() {
            None => Ok(Answer::Nothing),
            Some(_) if rule.forbid || elsewhere => Ok(Answer::Elsewhere),
            Some(result) => {
                let message = format!(
                    "{} returns {result}: say what it `returns`, or that it `traps`",
                    function.shown
                );
                Err(rule.call.error(0..rule.call.text.len(), &message))
            }
        }
    }
}

/// What a rule wants, for people.
fn shown(rule: &Rule) -> String {
    let mut text = rule.call.text.trim().to_owned();
    if let Some((args, _)) = &rule.args {
        text.push_str(args.text.trim());
    }
    if let Some(on) = &rule.on {
        text.push_str(&format!(" on {on}"));
    }
    text
}
