//! What a plugin asked of its host, below the call that made it ask.

use super::{DIM, WIDTH, line, thousands};
use crate::diagnostic::{CaseReport, HostCall};
use crate::render::clean;

/// The most calls of one step that are shown.
const MAX_SHOWN: usize = 8;

/// What was asked during a step; see [`HostCall::step`].
pub(super) fn during(out: &mut String, case: &CaseReport, step: usize) {
    let of_step: Vec<&HostCall> = case.host_calls.iter().filter(|call| call.step == step).collect();
    for call in of_step.iter().take(MAX_SHOWN) {
        let room = WIDTH - 10;
        let text = clean(&shown(call).chars().take(room + 1).collect::<String>());
        let text = match text.char_indices().nth(room) {
            Some(_) => format!("{}...", text.chars().take(room - 3).collect::<String>()),
            None => text,
        };
        line(out, format!("          {DIM}{text}{DIM:#}"));
    }
    if of_step.len() > MAX_SHOWN {
        let more = of_step.len() - MAX_SHOWN;
        line(out, format!("          {DIM}asks {more} times more{DIM:#}"));
    }
}

fn shown(call: &HostCall) -> String {
    let on = call.on.as_ref().map(|on| format!(" on {on}")).unwrap_or_default();
    let answer = match (&call.returned, &call.trapped) {
        (_, Some(message)) => format!(" traps: {message}"),
        (Some(value), _) if value.is_empty() => String::new(),
        (Some(value), _) => format!(" = {value}"),
        (None, None) => " is not answered".to_owned(),
    };
    format!("asks {}{}{on}{answer}", call.call, call.args)
}

/// How many more calls there were than are kept.
pub(super) fn left_out(out: &mut String, case: &CaseReport) {
    if case.host_calls_left_out > 0 {
        let more = thousands(case.host_calls_left_out);
        let text = format!("its host was asked {more} times more, which is not kept");
        line(out, format!("        {DIM}{text}{DIM:#}"));
    }
}
