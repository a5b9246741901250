//! A plugin of the first contract that uses WASI preview 1, through the reactor adapter: it reads
//! the environment and logs to stderr.

wit_bindgen::generate!({
    path: "../../../compositions/cli-host/wit/v0.1",
    world: "plugin",
});

struct WordCount;

impl Guest for WordCount {
    /// Counts its arguments as lines of a text, or, as `-e NAME`, shows an environment variable.
    fn run(args: Vec<String>) -> Result<String, String> {
        match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => Err("wordcount TEXT...".into()),
            ["-e", name] => match std::env::var(name) {
                Ok(value) => Ok(format!("{name}={value}\n")),
                Err(why) => Err(format!("{name}: {why}")),
            },
            ref lines => {
                eprintln!("wordcount: counting {} lines", lines.len());
                let words: usize = lines
                    .iter()
                    .map(|line| line.split_whitespace().count())
                    .sum();
                let bytes: usize = lines.iter().map(|line| line.len()).sum();
                Ok(format!(
                    "lines {}, words {words}, bytes {bytes}\n",
                    lines.len()
                ))
            }
        }
    }
}

export!(WordCount);
