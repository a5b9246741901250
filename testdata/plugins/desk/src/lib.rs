//! No plugin, but the desk that the pager asks in smoke cases: it takes its time, and counts what it notes.

use std::cell::Cell;

use exports::my::pager::desk::{Guest, GuestLine, Line};
use wasi::clocks::monotonic_clock::wait_for;

wit_bindgen::generate!({
    path: ["../../../wit/wasi-0.3/clocks.wit", "wit/pager.wit", "wit/world.wit"],
    world: "my:pager-desk/desk",
    generate_all,
});

struct Desk;

const MILLI: u64 = 1_000_000;

thread_local! {
    static NOTED: Cell<u32> = const { Cell::new(0) };
}

impl Guest for Desk {
    type Line = Open;

    async fn ask(whom: String, question: String) -> Result<String, String> {
        match whom.as_str() {
            "eve" => wait_for(30 * MILLI).await,
            "bob" => wait_for(20 * MILLI).await,
            "mallory" => panic!("she is not to be asked"),
            _ => {}
        }
        if question.is_empty() {
            return Err("no question".to_owned());
        }
        Ok(format!("{question} {}", NOTED.get()))
    }

    fn note(_: String) {
        NOTED.set(NOTED.get() + 1);
    }
}

/// A line that is open, with what was said over it.
struct Open(Cell<u32>);

impl GuestLine for Open {
    async fn open(to: String) -> Line {
        wait_for(5 * MILLI).await;
        Line::new(Open(Cell::new(u32::try_from(to.len()).unwrap_or(u32::MAX))))
    }

    async fn say(&self, text: String) -> u32 {
        self.0.set(self.0.get() + u32::try_from(text.len()).unwrap_or(u32::MAX));
        self.0.get()
    }
}

export!(Desk);
