//! What went wrong in a worker, as findings.

use crate::config::Limits;
use crate::diagnostic::{Code, Diagnostic};
use crate::judge::JudgeError;
use crate::sandbox::Ending;
use crate::smoke::{Fault, FaultKind};

/// What went wrong in the engine, as a finding.
pub fn finding(fault: Fault) -> Diagnostic {
    let code = match fault.kind {
        // The last two never get here: the component is run again from other code.
        FaultKind::Refused | FaultKind::BadCode | FaultKind::OtherCompiler => {
            Code::InvalidComponent
        }
        FaultKind::Link => Code::LinkFailed,
        // Of these only the first does.
        FaultKind::Trap | FaultKind::BadCall | FaultKind::System | FaultKind::Mock => Code::Trap,
        FaultKind::OutOfFuel => Code::OutOfFuel,
        FaultKind::MemoryLimit => Code::MemoryLimit,
        FaultKind::StackOverflow => Code::StackOverflow,
        FaultKind::TableLimit => Code::TableLimit,
        FaultKind::InstanceLimit => Code::InstanceLimit,
        FaultKind::HandleLimit => Code::HandleLimit,
        FaultKind::TransferLimit => Code::TransferLimit,
        FaultKind::OutputLimit => Code::OutputLimit,
        FaultKind::Exited => Code::Exited,
        FaultKind::Mismatch | FaultKind::WrongTrap | FaultKind::NoTrap | FaultKind::NoHandle => {
            Code::SmokeMismatch
        }
        FaultKind::HostCall => Code::UnexpectedHostCall,
        FaultKind::HostArgument => Code::HostCallArgument,
        FaultKind::HostTooOften => Code::ExtraHostCall,
        FaultKind::HostOrder => Code::HostCallOrder,
        FaultKind::HostForbidden => Code::ForbiddenHostCall,
        FaultKind::HostMissing => Code::MissingHostCall,
        FaultKind::Nondeterministic => Code::Nondeterministic,
        FaultKind::NotACommand | FaultKind::NotAHandler => Code::MissingExport,
        FaultKind::NoAnswer | FaultKind::NotAsked => Code::SmokeMismatch,
        FaultKind::Folder => Code::Unreadable,
    };
    let mut finding = Diagnostic::error(code, fault.message).help(advice(code));
    finding.notes = fault.notes;
    finding
}

/// What to do about a call of the host, where a trace answers and no rule.
pub fn replayed(finding: &mut Diagnostic) {
    let of_the_host = [
        Code::UnexpectedHostCall,
        Code::HostCallArgument,
        Code::ExtraHostCall,
        Code::HostCallOrder,
        Code::MissingHostCall,
    ];
    if of_the_host.contains(&finding.code) {
        let advice = "the plugin is wrong, or the trace is old: `--trace` writes a new one";
        finding.help = Some(advice.to_owned());
    }
}

/// The finding about a worker that was killed while the guest ran.
pub fn timed_out(limits: &Limits) -> Diagnostic {
    let message = format!("it ran longer than {}", seconds(limits.timeout));
    Diagnostic::error(Code::TimedOut, message).help(advice(Code::TimedOut))
}

/// The finding about a worker that went away before the guest ran.
pub fn lost_compiling(limits: &Limits, ending: &Ending) -> Diagnostic {
    match ending {
        Ending::Killed => Diagnostic::error(
            Code::CompileTimedOut,
            format!("the engine did not compile it within {}", seconds(limits.compile_timeout)),
        )
        .help(advice(Code::CompileTimedOut)),
        ending => died(ending),
    }
}

/// The finding about a worker that went away by itself.
pub fn died(ending: &Ending) -> Diagnostic {
    let message = match ending {
        Ending::Flooded => format!("the process that ran it was killed: {}", how(ending)),
        _ => format!("the process that ran it ended: {}", how(ending)),
    };
    Diagnostic::error(Code::WorkerDied, message).help(advice(Code::WorkerDied))
}

/// How a worker ended, in words.
pub fn how(ending: &Ending) -> &str {
    match ending {
        Ending::Died(how) => how,
        Ending::Flooded => "it answered more than a worker may",
        Ending::Killed => "it was killed at its deadline",
        Ending::Stopped => "it was stopped",
        Ending::Finished => "it ended without an answer",
    }
}

/// What is said where it was not the plugin that failed.
pub fn refused_by_the_system(fault: &Fault) -> String {
    format!("the operating system refused the engine: {}", fault.message)
}

/// A worker said that it was done, and not what became of everything that it was to do. Whatever the
/// reason, what nobody vouches for must not pass.
pub fn unsettled() -> JudgeError {
    JudgeError::Internal("the worker process did not say what became of every run".to_owned())
}

/// What to do about a finding of a run.
pub fn advice(code: Code) -> &'static str {
    match code {
        Code::Trap => "the plugin must not trap; return an error where its contract has one",
        Code::OutOfFuel => {
            "make it do less, or raise the limit: `fuel` for a call, `init-fuel` before"
        }
        Code::MemoryLimit => "make it need less, or raise the limit: `memory`",
        Code::StackOverflow => "look for a recursion without end, or raise the limit: `stack`",
        Code::TableLimit => "make its tables smaller, or raise the limit: `table-elements`",
        Code::InstanceLimit => "build it of fewer parts, or raise the limit: `instances`",
        Code::HandleLimit => "make it drop what it no longer needs, or raise the limit: `handles`",
        Code::TransferLimit => "make it return less at a time, or raise the limit: `transfer`",
        Code::OutputLimit => "make it write less, or raise the limit: `output`",
        Code::Exited => "a plugin must return; only a command may end its process",
        Code::TimedOut => "make it return sooner, or raise the limit: `timeout`",
        Code::CompileTimedOut => "make it smaller, or raise the limit: `compile-timeout`",
        Code::UnexpectedHostCall => {
            "the host offers it, but the case has no answer for it: give it a rule"
        }
        Code::HostCallArgument => "the plugin is wrong, or the rule's `args` are",
        Code::ExtraHostCall => "the plugin is wrong, or the rule's `times` or `returns` are",
        Code::HostCallOrder => "the plugin is wrong, or the order of the rules is",
        Code::ForbiddenHostCall => "the plugin must not ask this of its host in this case",
        Code::MissingHostCall => "the plugin is wrong, or the rule's `times` are",
        Code::SmokeMismatch => "the plugin is wrong, or the case is",
        Code::MissingExport => "call one of its functions instead, with --invoke",
        Code::OverBudget => "make it do less, or raise the case's `max-fuel`",
        Code::FuelRegression => "make it do less, or record the case anew with --record",
        Code::StaleBaseline => "record the case anew with --record",
        Code::Nondeterministic => {
            "what a plugin does must follow from what it is given; look for what is left over or \
             read from elsewhere"
        }
        Code::WorkerDied => "a plugin that can do this to its host must not be let in",
        Code::LinkFailed => {
            "plugtool links WASI 0.2 and 0.3 and HTTP; feed other imports by composing, or have the \
             host offer them"
        }
        _ => "rebuild it with tools of today",
    }
}

fn seconds(duration: std::time::Duration) -> String {
    match duration.as_millis() {
        millis if millis % 1000 == 0 => format!("{} s", millis / 1000),
        millis => format!("{millis} ms"),
    }
}
