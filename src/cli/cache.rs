//! `--cache-dir` and `--no-cache`: where what was found out before is kept.

use std::env;
use std::io::Write;
use std::path::PathBuf;

use clap::Args;

use super::Common;
use crate::judge::code::CodeCache;
use crate::render::clean;

/// The variable that names the folder for caches (XDG Base Directory Specification).
const XDG_CACHE_HOME: &str = "XDG_CACHE_HOME";

/// Where things are kept from one call to the next.
#[derive(Args)]
pub(super) struct CacheArguments {
    /// Keep what was found out in this folder, and use what is known from before. Whoever can write to
    /// it decides verdicts [default: plugtool in $XDG_CACHE_HOME, or in ~/.cache]
    #[arg(long, value_name = "DIR", conflicts_with = "no_cache")]
    cache_dir: Option<PathBuf>,
    /// Find everything out anew, and keep nothing
    #[arg(long)]
    no_cache: bool,
}

impl CacheArguments {
    /// The folder; none where nothing is to be kept, and where there is no home to keep it in.
    pub(super) fn folder(&self) -> Option<PathBuf> {
        if self.no_cache {
            return None;
        }
        if let Some(folder) = &self.cache_dir {
            return Some(folder.clone());
        }
        // A relative path is to be taken as if it were not there, by that specification.
        let absolute =
            |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let caches = absolute(XDG_CACHE_HOME).or_else(|| Some(absolute("HOME")?.join(".cache")));
        Some(caches?.join("plugtool"))
    }

    /// Compiled code, in a folder of its own.
    pub(super) fn code(&self) -> Option<CodeCache> {
        Some(CodeCache::new(self.folder()?.join("code")))
    }
}

/// Says what was odd about kept code, and was made good.
pub(super) fn tell(code: &CodeCache, common: &Common) {
    for remark in code.remarks().iter().filter(|_| !common.quiet) {
        let _ = writeln!(anstream::stderr(), "code cache: {}", clean(remark));
    }
}
