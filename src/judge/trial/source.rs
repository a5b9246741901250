//! What a worker runs a component from: all its bytes, or code that is kept.

use super::Terms;
use crate::component::Component;
use crate::config::Compiler;
use crate::diagnostic::CompiledBy;
use crate::judge::JudgeError;
use crate::judge::code::{Choice, CodeCache, Parts, Prepared};
use crate::sandbox::Ending;
use crate::smoke::{Fault, FaultKind};

/// What a component is run from.
pub(in crate::judge) struct Source<'c> {
    /// Where code is kept; none where it is not, or not for this component.
    code: Option<&'c CodeCache>,
    /// The component's code, where it is not run from its bytes.
    parts: Option<Box<Parts>>,
    /// Compilers that may have made it, in this order.
    choice: &'static [Choice],
    /// How often a worker found code that was not as it was written.
    damaged: u32,
}

impl<'c> Source<'c> {
    /// For calls, which are compiled quickly where nobody says otherwise, and only where the worker
    /// is confined, since the quick compiler is the younger one.
    pub fn of_calls(terms: Terms<'c>) -> Source<'c> {
        Source::new(terms, &[(CompiledBy::Winch, true), (CompiledBy::Cranelift, false)])
    }

    /// For what may run for long, and is compiled for that where nobody says otherwise.
    pub fn of_command(terms: Terms<'c>) -> Source<'c> {
        Source::new(terms, CRANELIFT)
    }

    fn new(terms: Terms<'c>, automatic: &'static [Choice]) -> Source<'c> {
        let choice = match terms.limits.compiler {
            Compiler::Auto => automatic,
            Compiler::Cranelift => CRANELIFT,
            Compiler::Winch => &[(CompiledBy::Winch, false)],
        };
        Source { code: terms.code, parts: None, choice, damaged: 0 }
    }

    /// Has the code at hand. How the worker ended that should have compiled it, where it has not.
    pub fn prepare(
        &mut self,
        component: &Component,
        terms: Terms<'_>,
    ) -> Result<Option<Ending>, JudgeError> {
        let Some(code) = self.code.filter(|_| self.parts.is_none()) else { return Ok(None) };
        match code.prepare(component, terms, self.choice)? {
            Prepared::Whole => self.code = None,
            Prepared::Kept(parts) => self.parts = Some(parts),
            Prepared::Lost(ending) => return Ok(Some(ending)),
        }
        Ok(None)
    }

    /// What is sent to the worker as the component: nothing where it has the code.
    pub fn bytes<'b>(&self, component: &'b Component) -> &'b [u8] {
        if self.parts.is_some() { &[] } else { &component.bytes }
    }

    /// The code that the worker gets.
    pub fn code(&self) -> Option<&Parts> {
        self.parts.as_deref()
    }

    /// A worker could not run it from this code.
    pub fn turn_down(&mut self, fault: &Fault) {
        /// After so many, the folder is not to be trusted with anything.
        const ENOUGH: u32 = 3;
        let parts = self.parts.take();
        if fault.kind == FaultKind::OtherCompiler {
            self.choice = CRANELIFT;
            return;
        }
        let index = fault.notes.first().and_then(|index| index.parse::<usize>().ok());
        let file = index.and_then(|index| parts.as_ref()?.files.get(index).cloned());
        match (self.code, file) {
            (Some(code), Some(file)) => code.discard(&file, &fault.message),
            _ => self.code = None,
        }
        self.damaged += 1;
        if self.damaged >= ENOUGH {
            self.code = None;
        }
    }
}

const CRANELIFT: &[Choice] = &[(CompiledBy::Cranelift, false)];
