//! A plugin that does everything right: two commands of my:cli/plugin@0.2.0, no imports, no WASI.

wit_bindgen::generate!({
    path: "../../../compositions/cli-host/wit/v0.2",
    world: "plugin",
});

struct Greet;

impl Guest for Greet {
    fn commands() -> Vec<Command> {
        [
            ("greet", "Greets each name"),
            ("shout", "Greets each name, loudly"),
        ]
        .map(|(name, summary)| Command {
            name: name.into(),
            summary: summary.into(),
        })
        .into()
    }

    fn run(cmd: String, names: Vec<String>) -> Result<Output, Error> {
        let loudly = match cmd.as_str() {
            "greet" => false,
            "shout" => true,
            _ => return Err(Error::UnknownCommand(cmd)),
        };
        if names.is_empty() {
            return Err(Error::Usage(cmd + " NAME..."));
        }
        let mut stdout: String = names.iter().map(|name| format!("hello {name}\n")).collect();
        if loudly {
            stdout = stdout.to_uppercase();
        }
        Ok(Output {
            stdout,
            stderr: String::new(),
            exit_code: 0,
        })
    }
}

export!(Greet);
