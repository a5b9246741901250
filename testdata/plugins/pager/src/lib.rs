//! A plugin that waits for its host: functions of the host that are `async`, one after the other and at
//! once, and a resource whose methods are.

wit_bindgen::generate!({
    path: ["../../../wit/wasi-0.3/clocks.wit", "wit"],
    world: "my:pager/plugin",
    generate_all,
});

use std::future::{Future, poll_fn};
use std::task::Poll;

use exports::my::pager::api::Guest;
use my::pager::desk::{self, Line};
use wasi::clocks::monotonic_clock::now;

struct Pager;

impl Guest for Pager {
    async fn ask(whom: String, question: String) -> Result<String, String> {
        desk::note(&format!("asking {whom}"));
        desk::ask(whom, question).await
    }

    async fn ask_all(whom: Vec<String>, question: String) -> Vec<String> {
        let ask = |whom: String| {
            let question = question.clone();
            Box::pin(async move {
                match desk::ask(whom.clone(), question).await {
                    Ok(answer) => format!("{whom}: {answer}"),
                    Err(error) => format!("{whom} does not answer: {error}"),
                }
            })
        };
        let (mut waiting, mut answers): (Vec<_>, _) = (whom.into_iter().map(ask).collect(), vec![]);
        poll_fn(|cx| {
            waiting.retain_mut(|one| match one.as_mut().poll(cx) {
                Poll::Ready(answer) => {
                    answers.push(answer);
                    false
                }
                Poll::Pending => true,
            });
            if waiting.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        answers
    }

    async fn call(to: String, text: String) -> u32 {
        let line = Line::open(to).await;
        line.say(text).await
    }

    async fn wait(whom: String) -> u32 {
        let start = now();
        let _ = desk::ask(whom, String::new()).await;
        u32::try_from((now() - start) / 1_000_000).unwrap_or(u32::MAX)
    }
}

export!(Pager);
