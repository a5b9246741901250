//! The system calls that a worker may make, and a few that it makes here because no safe function
//! does. Everything else is answered as by a kernel that does not know it, which the C library and the
//! engine are used to: a list of what is allowed stays tight when kernels learn new calls.

use std::collections::BTreeMap;
use std::ffi::c_long;
use std::io;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, apply_filter,
};

/// `ENOSYS`, of Linux on every architecture.
const NOT_THERE: u32 = 38;

/// Which number of a pair is this architecture's; nothing where numbers are not known.
const COLUMN: Option<usize> = if cfg!(target_arch = "x86_64") {
    Some(0)
} else if cfg!(target_arch = "aarch64") {
    Some(1)
} else {
    None
};

/// A system call: its number on x86-64 and on 64-bit Arm, from the kernel's own tables; none where the
/// architecture does not have it.
type Number = [Option<i64>; 2];

const fn on(x86_64: i64, aarch64: i64) -> Number {
    [Some(x86_64), Some(aarch64)]
}

/// Calls that are harmless whatever their arguments are: on open descriptors, on the process's own
/// memory, on its own threads, on clocks.
const PLAIN: &[(&str, Number)] = &[
    ("read", on(0, 63)),
    ("write", on(1, 64)),
    ("readv", on(19, 65)),
    ("writev", on(20, 66)),
    ("pread64", on(17, 67)),
    ("pwrite64", on(18, 68)),
    ("close", on(3, 57)),
    ("lseek", on(8, 62)),
    ("fstat", on(5, 80)),
    ("ftruncate", on(77, 46)),
    ("mmap", on(9, 222)),
    ("mprotect", on(10, 226)),
    ("munmap", on(11, 215)),
    ("mremap", on(25, 216)),
    ("madvise", on(28, 233)),
    ("brk", on(12, 214)),
    ("memfd_create", on(319, 279)),
    ("rt_sigaction", on(13, 134)),
    ("rt_sigprocmask", on(14, 135)),
    ("rt_sigreturn", on(15, 139)),
    ("sigaltstack", on(131, 132)),
    ("futex", on(202, 98)),
    ("sched_yield", on(24, 124)),
    ("sched_getaffinity", on(204, 123)),
    ("set_robust_list", on(273, 99)),
    ("rseq", on(334, 293)),
    ("membarrier", on(324, 283)),
    ("gettid", on(186, 178)),
    ("getpid", on(39, 172)),
    ("exit", on(60, 93)),
    ("exit_group", on(231, 94)),
    ("restart_syscall", on(219, 128)),
    ("clock_gettime", on(228, 113)),
    ("clock_getres", on(229, 114)),
    ("clock_nanosleep", on(230, 115)),
    ("nanosleep", on(35, 101)),
    ("gettimeofday", on(96, 169)),
    ("getrandom", on(318, 278)),
    ("poll", [Some(7), None]),
    ("ppoll", on(271, 73)),
    ("epoll_create1", on(291, 20)),
    ("epoll_ctl", on(233, 21)),
    ("epoll_wait", [Some(232), None]),
    ("epoll_pwait", on(281, 22)),
    ("eventfd2", on(290, 19)),
];

/// Calls that look at files and change them, for jobs that were granted some. Landlock decides which.
const FILES: &[(&str, Number)] = &[
    ("openat", on(257, 56)),
    ("openat2", on(437, 437)),
    ("newfstatat", on(262, 79)),
    ("statx", on(332, 291)),
    ("getdents64", on(217, 61)),
    ("readlinkat", on(267, 78)),
    ("faccessat", on(269, 48)),
    ("faccessat2", on(439, 439)),
    ("mkdirat", on(258, 34)),
    ("unlinkat", on(263, 35)),
    ("renameat", on(264, 38)),
    ("renameat2", on(316, 276)),
    ("linkat", on(265, 37)),
    ("symlinkat", on(266, 36)),
    ("utimensat", on(280, 88)),
    ("fsync", on(74, 82)),
    ("fdatasync", on(75, 83)),
    ("fallocate", on(285, 47)),
    ("fadvise64", on(221, 223)),
    ("fstatfs", on(138, 44)),
    ("preadv", on(295, 69)),
    ("pwritev", on(296, 70)),
    // What the C library still uses where it is there.
    ("rename", [Some(82), None]),
    ("mkdir", [Some(83), None]),
    ("rmdir", [Some(84), None]),
    ("unlink", [Some(87), None]),
    ("readlink", [Some(89), None]),
];

const CLONE: Number = on(56, 220);
const TGKILL: Number = on(234, 131);
const PRCTL: Number = on(157, 167);
const PRLIMIT: Number = on(302, 261);
const FCNTL: Number = on(72, 25);
const CLOSE_RANGE: Number = on(436, 436);

/// Calls that a confined process must not get through with, for [`super::probe`]: harmless with
/// arguments that are all zero, were they let through.
pub const REFUSED: &[(&str, Number)] = &[
    ("socket", on(41, 198)),
    ("connect", on(42, 203)),
    ("bind", on(49, 200)),
    ("execve", on(59, 221)),
    ("execveat", on(322, 281)),
    ("clone3", on(435, 435)),
    ("unshare", on(272, 97)),
    ("setns", on(308, 268)),
    ("kill", on(62, 129)),
    ("pidfd_open", on(434, 434)),
    ("pidfd_send_signal", on(424, 424)),
    ("process_vm_readv", on(310, 270)),
    ("process_vm_writev", on(311, 271)),
    ("io_uring_setup", on(425, 425)),
    ("mount", on(165, 40)),
    ("umount2", on(166, 39)),
    ("pivot_root", on(155, 41)),
    ("bpf", on(321, 280)),
    ("perf_event_open", on(298, 241)),
    ("keyctl", on(250, 219)),
    ("add_key", on(248, 217)),
    ("userfaultfd", on(323, 282)),
    ("init_module", on(175, 105)),
    ("ioctl", on(16, 29)),
    ("fchmodat", on(268, 53)),
    ("ptrace", on(101, 117)),
];

fn number(call: Number) -> Option<i64> {
    COLUMN.and_then(|column| call[column])
}

/// Lets through only what is allowed from now on, in this thread and in those that it will start.
/// `files` is whether files were granted.
pub fn filter(files: bool) -> Result<(), String> {
    let say = |error: seccompiler::BackendError| error.to_string();
    if COLUMN.is_none() {
        return Err(format!("its calls on {} are not known", std::env::consts::ARCH));
    }
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let of_files = if files { FILES } else { &[] };
    for (_, call) in PLAIN.iter().chain(of_files) {
        rules.extend(number(*call).map(|call| (call, Vec::new())));
    }
    for (call, allowed) in restricted().map_err(say)? {
        rules.extend(number(call).map(|call| (call, allowed)));
    }
    let architecture = std::env::consts::ARCH.try_into().map_err(say)?;
    let refuse = SeccompAction::Errno(NOT_THERE);
    let filter = SeccompFilter::new(rules, refuse, SeccompAction::Allow, architecture);
    let program: BpfProgram = filter.and_then(TryInto::try_into).map_err(say)?;
    apply_filter(&program).map_err(|error| error.to_string())
}

/// Calls that are harmless with some arguments only.
fn restricted() -> Result<Vec<(Number, Vec<SeccompRule>)>, seccompiler::BackendError> {
    use SeccompCmpArgLen::{Dword, Qword};
    use SeccompCmpOp::{Eq, MaskedEq};
    /// `CLONE_THREAD` and every flag for a namespace of its own.
    const THREAD: u64 = 0x1_0000;
    const NAMESPACES: u64 = 0x7e02_0080;
    /// `PR_SET_NAME`: threads have names.
    const SET_NAME: u64 = 15;
    /// `F_DUPFD`, `F_GETFD`, `F_SETFD`, `F_GETFL`, `F_SETFL`, `F_DUPFD_CLOEXEC`, `F_ADD_SEALS`,
    /// `F_GET_SEALS`; not `F_SETOWN`, which could signal another process.
    const ON_DESCRIPTORS: [u64; 8] = [0, 1, 2, 3, 4, 1030, 1033, 1034];
    let argument =
        |index, length, operator, value| SeccompCondition::new(index, length, operator, value);
    let own = u64::from(std::process::id());
    let on_descriptors = ON_DESCRIPTORS
        .iter()
        .map(|command| SeccompRule::new(vec![argument(1, Dword, Eq, *command)?]));
    Ok(vec![
        (
            CLONE,
            vec![SeccompRule::new(vec![argument(
                0,
                Qword,
                MaskedEq(THREAD | NAMESPACES),
                THREAD,
            )?])?],
        ),
        // `abort` signals its own process this way.
        (TGKILL, vec![SeccompRule::new(vec![argument(0, Dword, Eq, own)?])?]),
        (PRCTL, vec![SeccompRule::new(vec![argument(0, Dword, Eq, SET_NAME)?])?]),
        // Reading its own limits, which tells a thread its stack.
        (
            PRLIMIT,
            vec![SeccompRule::new(vec![argument(0, Dword, Eq, 0)?, argument(2, Qword, Eq, 0)?])?],
        ),
        (FCNTL, on_descriptors.collect::<Result<_, _>>()?),
    ])
}

#[allow(unsafe_code, reason = "system calls for which there is no safe function")]
mod raw {
    use super::c_long;

    unsafe extern "C" {
        /// Of the C library. Sets `errno` and returns -1 where the kernel refuses.
        fn syscall(number: c_long, ...) -> c_long;
    }

    /// A system call that takes no pointers, or takes null for them.
    pub fn call(number: c_long, arguments: [c_long; 3]) -> c_long {
        let [first, second, third] = arguments;
        let zero: c_long = 0;
        // SAFETY: every argument is a number, and the callers pass only calls that touch no memory of
        // this process with such arguments: `close_range` on descriptors that nothing here owns yet,
        // `fcntl` to ask about one, and calls of `REFUSED` with nulls, which the kernel refuses to follow.
        unsafe { syscall(number, first, second, third, zero, zero, zero) }
    }
}

/// Closes every descriptor but the three standard ones. Rust's library opens its own not to be
/// inherited; those that another program left open for its children end here.
pub fn close_inherited() -> io::Result<()> {
    let Some(number) = number(CLOSE_RANGE) else { return no_inherited() };
    match raw::call(number, [3, c_long::from(i32::MAX), 0]) {
        0 => Ok(()),
        // Older kernels do not have it.
        _ => no_inherited(),
    }
}

/// The lowest descriptor beside the standard three that is open.
pub fn open_descriptor() -> Option<c_long> {
    /// `F_GETFD`, which only asks.
    const ASK: c_long = 1;
    let number = number(FCNTL)?;
    (3..1024).find(|descriptor| raw::call(number, [*descriptor, ASK, 0]) != -1)
}

/// Whether there are none, where they cannot be closed.
fn no_inherited() -> io::Result<()> {
    let mut descriptors = 0;
    for entry in std::fs::read_dir("/proc/self/fd")? {
        entry?;
        descriptors += 1;
    }
    // Standard input, output and error, and the folder that was just read.
    if descriptors <= 4 {
        return Ok(());
    }
    Err(io::Error::other("some are open, and the kernel cannot close them all"))
}

/// Tries a call of [`REFUSED`]. Whether it was answered as one that is not there; nothing where this
/// architecture does not have it.
pub fn is_refused(call: Number) -> Option<bool> {
    let returned = raw::call(number(call)?, [0, 0, 0]);
    let error = io::Error::last_os_error().raw_os_error();
    Some(returned == -1 && error == i32::try_from(NOT_THERE).ok())
}

/// Tries to become two processes; the second one, should there be one, ends at once.
pub fn is_fork_refused() -> bool {
    /// `SIGCHLD`, as `fork` asks for.
    const CHILD: c_long = 17;
    let Some(number) = number(CLONE) else { return false };
    match raw::call(number, [CHILD, 0, 0]) {
        0 => std::process::abort(),
        returned => returned == -1,
    }
}
