//! What a worker runs a component from: all its bytes, or what is left of it beside code that is kept.

use std::path::PathBuf;

use super::Terms;
use crate::component::Component;
use crate::judge::JudgeError;
use crate::judge::code::{CodeCache, Parts, Prepared};
use crate::sandbox::Ending;
use crate::smoke::{Fault, FaultKind};

/// What a component is run from.
#[derive(Default)]
pub struct Source<'c> {
    /// Where code is kept; none where it is not, or not for this component.
    pub code: Option<&'c CodeCache>,
    /// The component in parts, where it is not run from all its bytes.
    pub parts: Option<Box<Parts>>,
    /// Whether Winch was found not to take what is left of it.
    pub without_winch: bool,
    /// How often a worker found code that was not as it was written.
    pub damaged: u32,
}

impl Source<'_> {
    /// Has the code at hand. How the worker ended that should have compiled it, where it has not.
    pub fn prepare(
        &mut self,
        component: &Component,
        terms: Terms<'_>,
    ) -> Result<Option<Ending>, JudgeError> {
        let Some(code) = self.code.filter(|_| self.parts.is_none()) else { return Ok(None) };
        match code.prepare(component, terms, self.without_winch)? {
            Prepared::Whole => self.code = None,
            Prepared::Split(parts) => self.parts = Some(parts),
            Prepared::Lost(ending) => return Ok(Some(ending)),
        }
        Ok(None)
    }

    /// What is sent to the worker as the component.
    pub fn bytes<'b>(&'b self, component: &'b Component) -> &'b [u8] {
        self.parts.as_ref().map_or(&component.bytes, |parts| &parts.rest)
    }

    /// The files that the worker gets open.
    pub fn files(&self) -> &[PathBuf] {
        self.parts.as_ref().map_or(&[], |parts| &parts.files)
    }

    /// A worker could not run it from this code.
    pub fn turn_down(&mut self, fault: &Fault) {
        /// After so many, the folder is not to be trusted with anything.
        const ENOUGH: u32 = 3;
        let parts = self.parts.take();
        if fault.kind == FaultKind::OtherCompiler {
            if self.without_winch {
                self.code = None;
            }
            self.without_winch = true;
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
