//! A plugin that targets my:cli/plugin@0.2.0 and lists its command, but traps when it is run.

wit_bindgen::generate!({
    path: "../../../compositions/cli-host/wit/v0.2",
    world: "plugin",
});

struct Trap;

impl Guest for Trap {
    fn commands() -> Vec<Command> {
        vec![Command {
            name: "boom".into(),
            summary: "Panics".into(),
        }]
    }

    fn run(_: String, _: Vec<String>) -> Result<Output, Error> {
        panic!("boom")
    }
}

export!(Trap);
