//! An adapter: plugged with a my:cli/plugin@0.1.0 plugin, it makes a my:cli/plugin@0.2.0 one of it.

wit_bindgen::generate!({
    path: ["../../../compositions/cli-host/wit/v0.2", "wit"],
    world: "my:cli-adapters/v1-to-v2",
});

struct Adapter;

impl Guest for Adapter {
    fn commands() -> Vec<Command> {
        vec![Command {
            name: "run".into(),
            summary: "Runs the plugin".into(),
        }]
    }

    fn run(cmd: String, args: Vec<String>) -> Result<Output, Error> {
        if cmd != "run" {
            return Err(Error::UnknownCommand(cmd));
        }
        Ok(match run(&args) {
            Ok(stdout) => Output {
                stdout,
                stderr: String::new(),
                exit_code: 0,
            },
            Err(stderr) => Output {
                stdout: String::new(),
                stderr,
                exit_code: 1,
            },
        })
    }
}

export!(Adapter);
