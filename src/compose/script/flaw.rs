//! What is wrong with a script, out of wac's errors.

use std::error::Error as _;
use std::ops::Range;

use wac_parser::Error as Syntax;
use wac_parser::resolution::Error as Meaning;

use crate::diagnostic::Code;

/// Something that is wrong with a script, or with what it puts together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Whose fault it is.
    pub fault: Fault,
    /// What is wrong.
    pub message: String,
    /// Where in the script, in bytes.
    pub at: Option<Range<usize>>,
    /// What to do about it, where that is known.
    pub help: Option<String>,
}

/// Whose fault a flaw is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The script's: it could not mean anything, or names what is not there.
    Script,
    /// The components': what the script puts together does not fit.
    Parts(Code),
    /// wac's: it broke down.
    Wac,
}

impl Flaw {
    pub(super) fn of_script(message: String, at: Option<Range<usize>>) -> Flaw {
        Flaw { fault: Fault::Script, message, at, help: None }
    }

    pub(super) fn of_panic(said: &str) -> Flaw {
        let message = format!("wac broke down over the script: {said}");
        Flaw { fault: Fault::Wac, message, at: None, help: None }
    }

    pub(super) fn of_bytes(error: wasmparser::BinaryReaderError) -> Flaw {
        let message = format!("a package cannot be read: {error}");
        Flaw { fault: Fault::Wac, message, at: None, help: None }
    }

    pub(super) fn of_syntax(error: Syntax) -> Flaw {
        let message = error.to_string();
        let (Syntax::Lexer { span, .. }
        | Syntax::Expected { span, .. }
        | Syntax::ExpectedEither { span, .. }
        | Syntax::ExpectedMultiple { span, .. }
        | Syntax::EmptyType { span, .. }
        | Syntax::InvalidVersion { span, .. }) = error;
        Flaw::of_script(message, Some(span.offset()..span.offset() + span.len()))
    }

    pub(super) fn of_meaning(error: Meaning) -> Flaw {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        let fault = match &error {
            Meaning::MismatchedInstantiationArg { .. }
            | Meaning::InstantiationArgMergeFailure { .. }
            | Meaning::TargetMismatch { .. } => Fault::Parts(Code::TypeMismatch),
            Meaning::ImportNotInTarget { .. } => Fault::Parts(Code::UnknownImport),
            Meaning::MissingTargetExport { .. } => Fault::Parts(Code::MissingExport),
            // The packages are valid: it is what wac cannot read.
            Meaning::PackageParseFailure { .. } | Meaning::ValidationFailure { .. } => Fault::Wac,
            _ => Fault::Script,
        };
        let help = match &error {
            Meaning::MissingInstantiationArg { .. } => {
                Some("feed it, or leave it to the host with `...` as the last argument".to_owned())
            }
            Meaning::ImportNotInTarget { .. } => {
                Some("feed it from a component, or target a world that offers it".to_owned())
            }
            Meaning::MismatchedInstantiationArg { .. } => Some(
                "put a component between the two that makes the one out of the other".to_owned(),
            ),
            Meaning::WorldIncludeConflict { help, .. }
            | Meaning::UseConflict { help, .. }
            | Meaning::ExportConflict { help, .. }
            | Meaning::DuplicateExternName { help, .. } => help.clone(),
            _ => None,
        };
        let at = place(error);
        Flaw { fault, message, at, help }
    }
}

/// Where in the script an error is.
fn place(error: Meaning) -> Option<Range<usize>> {
    use Meaning as M;
    let span = match error {
        M::UndefinedName { span, .. }
        | M::DuplicateName { span, .. }
        | M::DuplicateInterfaceExport { span, .. }
        | M::DuplicateWorldItem { span, .. }
        | M::NotFuncOrInterface { span, .. }
        | M::NotInterface { span, .. }
        | M::DuplicateWorldIncludeName { span, .. }
        | M::NotWorld { span, .. }
        | M::MissingWorldInclude { span, .. }
        | M::WorldIncludeConflict { span, .. }
        | M::UndefinedInterfaceType { span, .. }
        | M::NotInterfaceValueType { span, .. }
        | M::DuplicateResourceConstructor { span, .. }
        | M::DuplicateResourceMethod { span, .. }
        | M::DuplicateVariantCase { span, .. }
        | M::DuplicateRecordField { span, .. }
        | M::DuplicateEnumCase { span, .. }
        | M::DuplicateFlag { span, .. }
        | M::InvalidAliasType { span, .. }
        | M::NotFuncType { span, .. }
        | M::NotResourceType { span, .. }
        | M::NotValueType { span, .. }
        | M::DuplicateParameter { span, .. }
        | M::DuplicateResult { span, .. }
        | M::BorrowInResult { span, .. }
        | M::UnknownPackage { span, .. }
        | M::PackageParseFailure { span, .. }
        | M::PackageMissingExport { span, .. }
        | M::PackagePathMissingExport { span, .. }
        | M::MissingComponentImport { span, .. }
        | M::MismatchedInstantiationArg { span, .. }
        | M::DuplicateInstantiationArg { span, .. }
        | M::MissingInstantiationArg { span, .. }
        | M::ImportConflict { import: span, .. }
        | M::InstantiationArgMergeFailure { span, .. }
        | M::NotAnInstance { span, .. }
        | M::MissingInstanceExport { span, .. }
        | M::ExportRequiresAs { span, .. }
        | M::DeclarationConflict { span, .. }
        | M::ExportConflict { span, .. }
        | M::DuplicateExternName { span, .. }
        | M::InvalidExternName { span, .. }
        | M::UseConflict { span, .. }
        | M::FillArgumentNotLast { span, .. }
        | M::SpreadInstantiationNoMatch { span, .. }
        | M::SpreadExportNoEffect { span, .. }
        | M::MissingTargetExport { span, .. } => Some(span),
        M::ImportNotInTarget { span, .. } | M::TargetMismatch { span, .. } => span,
        M::ValidationFailure { .. } => None,
    };
    span.map(|span| span.offset()..span.offset() + span.len())
}
