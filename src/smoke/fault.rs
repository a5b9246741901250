//! What can go wrong with a component that is compiled and run.

use serde::{Deserialize, Serialize};

/// Why something went wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What kind of fault it is.
    pub kind: FaultKind,
    /// What happened.
    pub message: String,
    /// Further facts: the guest's stack, the values that differ.
    pub notes: Vec<String>,
}

impl Fault {
    /// One of which nothing more is known.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Fault {
        Fault { kind, message: message.into(), notes: Vec::new() }
    }
}

/// What kind of fault a job ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// A call that cannot be made: the engine's component lacks what the supervisor saw in it.
    BadCall,
    /// The engine refuses the component.
    Refused,
    /// The operating system refused the engine something. Says nothing about the component.
    System,
    /// An import is not there, or has another type than the component wants.
    Link,
    /// It trapped.
    Trap,
    /// It used up its fuel.
    OutOfFuel,
    /// It asked for more memory than it may have.
    MemoryLimit,
    /// It nested its calls deeper than its stack.
    StackOverflow,
    /// It asked for more elements of tables than it may have.
    TableLimit,
    /// It consists of more instances, memories or tables than it may.
    InstanceLimit,
    /// It held more handles than it may.
    HandleLimit,
    /// It handed over more data in one call than it may.
    TransferLimit,
    /// It wrote more output than it may.
    OutputLimit,
    /// It ended its process in the middle of a call.
    Exited,
    /// A call returned something else than was expected.
    Mismatch,
    /// A call trapped with another message than was expected.
    WrongTrap,
    /// A call returned where a trap was expected.
    NoTrap,
    /// A call returned no handle for the variable that was to have it.
    NoHandle,
    /// It called a function of the host that no case answers for.
    HostCall,
    /// It called a function of the host with arguments that no rule for it expects.
    HostArgument,
    /// It called a function of the host more often than the rules say.
    HostTooOften,
    /// It called a function of the host before or after its turn.
    HostOrder,
    /// It called a function of the host that the case forbids.
    HostForbidden,
    /// It did not call a function of the host that it must call.
    HostMissing,
    /// It is to be run as a command, and is none.
    NotACommand,
    /// It is to be sent a request, and is no handler.
    NotAHandler,
    /// It gave no answer to a request, or not all of it.
    NoAnswer,
    /// It did not make a request that it must make.
    NotAsked,
    /// A folder that it is granted cannot be opened.
    Folder,
    /// The second run of a case went another way than the first.
    Nondeterministic,
    /// Code that it was given is not as it was written. The first note is the index of the piece.
    BadCode,
    /// The mock of the case failed, which is no fault of the plugin.
    Mock,
    /// What it was given is of a compiler that does not take the rest, or is not wanted here.
    OtherCompiler,
}
