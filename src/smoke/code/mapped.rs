//! Code that is mapped from a file, and not copied: this is where loading tens of megabytes takes its time. The
//! engine's own functions for it ask the system about the file, which a confined process cannot.

use std::fs::File;
use std::ptr::NonNull;
use std::sync::Arc;

use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap, mprotect};
use wasmtime::CustomCodeMemory;

/// Maps the beginning of a file, to be read, for as long as this process lives: it has one job. None where
/// that cannot be done.
#[allow(unsafe_code, reason = "memory is mapped")]
pub fn map(file: &File, size: usize) -> Option<NonNull<[u8]>> {
    let (anywhere, flags) = (std::ptr::null_mut(), MapFlags::PRIVATE);
    // SAFETY: a new mapping takes nobody's place, and this one is never written to or taken away again.
    let start = unsafe { mmap(anywhere, size, ProtFlags::READ, flags, file, 0).ok()? };
    Some(NonNull::slice_from_raw_parts(NonNull::new(start.cast())?, size))
}

/// Makes code executable that the engine did not map itself.
pub fn executable() -> Option<Arc<dyn CustomCodeMemory>> {
    Some(Arc::new(Executable))
}

struct Executable;

impl CustomCodeMemory for Executable {
    fn required_alignment(&self) -> usize {
        // That of the smallest pages; the engine lays its files out for the largest.
        4096
    }

    #[allow(unsafe_code, reason = "code is to be executed")]
    fn publish_executable(&self, start: *const u8, size: usize) -> wasmtime::Result<()> {
        let flags = MprotectFlags::READ | MprotectFlags::EXEC;
        // SAFETY: the engine asks for the code that it was just given to believe, whole pages of it, which
        // nobody writes to from here on.
        unsafe { mprotect(start.cast_mut().cast(), size, flags)? };
        Ok(())
    }

    /// The process ends with it.
    fn unpublish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
        Ok(())
    }
}
