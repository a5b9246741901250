//! A plugin of the first contract in Rust: joins its arguments and reverses the text by characters.

wit_bindgen::generate!({
    path: "../../../compositions/cli-host/wit/v0.1",
    world: "plugin",
});

struct Reverse;

impl Guest for Reverse {
    fn run(args: Vec<String>) -> Result<String, String> {
        if args.is_empty() {
            return Err("reverse TEXT...".into());
        }
        Ok(args.join(" ").chars().rev().collect())
    }
}

export!(Reverse);
