//! What decides of the host's side of a case, as text: see `Case::deciding`.

use super::{HostSide, Mock, Replay, Rule};
use crate::config::smoke::CaseFile;
use crate::input;

impl HostSide {
    /// All that decides what the host answers, and what reports say of it. Where there is a new key, the
    /// patterns here stop compiling.
    pub fn deciding(&self) -> String {
        let HostSide { rules, in_order, defaults, config, keyvalue, files, mock, replay } = self;
        let rule = |rule: &Rule| {
            let Rule { call, on, args, returns, traps, delay, times, forbid, shared, after, place } =
                rule;
            let args = args.as_ref().map(|(args, _)| &args.text);
            let returns: Vec<&String> = returns.iter().map(|(text, _)| &text.text).collect();
            let delay = delay.as_ref().map(|(time, _)| time);
            let answer = (returns, traps, delay, times, forbid);
            format!("{:?}", (&call.text, on, args, answer, shared, after, place))
        };
        let rules: Vec<String> = rules.iter().map(rule).collect();
        let file = |CaseFile { path, bytes }: &CaseFile| (path.clone(), input::digest(bytes));
        let files: Vec<_> = files.iter().map(file).collect();
        let mock = mock.as_ref().map(Mock::deciding);
        let replay = replay.as_ref().map(Replay::deciding);
        format!("{:?}", (rules, in_order, defaults, config, keyvalue, files, mock, replay))
    }

    /// The digests of the files that it names.
    pub fn written(&self) -> Vec<String> {
        // All else stands in the file of the case.
        let HostSide {
            rules: _,
            in_order: _,
            defaults: _,
            config: _,
            keyvalue: _,
            files,
            mock,
            replay,
        } = self;
        let files = files.iter().map(|file| input::digest(&file.bytes));
        let mock = mock.as_ref().map(|mock| mock.sha256().to_owned());
        let replay = replay.as_ref().map(|trace| trace.sha256().to_owned());
        files.chain(mock).chain(replay).collect()
    }
}
