//! The keys of a smoke file as they are written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::baseline::BaselineTable;
use crate::config::command::CommandKeys;
use crate::config::host::{self, HostKeys};
use crate::config::http::{self, ExpectTable, HttpKeys, RequestTable};
use crate::config::schema::apart;

/// Calls that a plugin must answer, a command that it runs, or a request that it answers: one case a file,
/// or several as `[[case]]`.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("dependencies" = apart(&[
    ("stdin-file", &["stdin"]),
    ("stdout-file", &["stdout"]),
    ("stderr-file", &["stderr"]),
])))]
pub struct CaseTable {
    /// Its name in reports; the name of the file where a file of one case has none.
    pub name: Option<String>,
    /// The plugins that it is for: ids or patterns; every plugin where it is left out.
    pub plugins: Vec<String>,
    /// Calls that are made one after the other in one fresh instance.
    #[schemars(with = "Vec<StepTable>")]
    pub steps: Vec<Spanned<StepTable>>,
    /// The most fuel that all of it may use: about one a wasm instruction.
    #[schemars(with = "Option<u64>")]
    pub max_fuel: Option<Spanned<u64>>,
    /// What it used when that was recorded, which `--record` writes. A plugin that takes more is a finding.
    #[schemars(with = "Option<BaselineTable>")]
    pub baseline: Option<Spanned<BaselineTable>>,
    /// Whether it runs twice, and must do the same both times.
    pub twice: Option<bool>,

    // The host's side: see `HostKeys`.
    /// What the host's own functions answer meanwhile; the first rule that fits answers. A call without a
    /// rule is a finding.
    #[schemars(with = "Vec<host::RuleTable>")]
    pub host: Vec<Spanned<host::RuleTable>>,
    /// Whether the case's own rules answer in the order in which they stand.
    #[schemars(with = "Option<bool>")]
    pub host_in_order: Option<Spanned<bool>>,
    /// Whether a function without a rule answers with zero, empty, none, ok or a new handle.
    #[schemars(with = "Option<bool>")]
    pub host_defaults: Option<Spanned<bool>>,
    /// What `wasi:config/store` has: values by their keys.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub config: Option<Spanned<BTreeMap<String, String>>>,
    /// What the stores of `wasi:keyvalue` have at first: values by their keys, by the names of the stores.
    #[schemars(with = "Option<BTreeMap<String, BTreeMap<String, String>>>")]
    pub keyvalue: Option<Spanned<BTreeMap<String, BTreeMap<String, String>>>>,
    /// A component beside this file that answers what no rule does: it exports interfaces of the host.
    #[schemars(with = "Option<String>")]
    pub mock: Option<Spanned<String>>,
    /// A trace that was written before, beside this file: what the host answers, call by call, in its order.
    #[schemars(with = "Option<String>")]
    pub replay: Option<Spanned<String>>,

    // Those of a command: see `CommandKeys`.
    /// The arguments of a command, without its name.
    #[schemars(with = "Option<Vec<String>>")]
    pub args: Option<Spanned<Vec<String>>>,
    /// The environment of a command; nothing else is in it.
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    pub env: Option<Spanned<BTreeMap<String, String>>>,
    /// Folders that a command may read, and what they are called in it: `HOST::GUEST`.
    #[schemars(with = "Option<Vec<String>>", inner(regex(pattern = "^.+::.+$")))]
    pub dirs: Option<Spanned<Vec<Spanned<String>>>>,
    /// The standard input of a command.
    #[schemars(with = "Option<String>")]
    pub stdin: Option<Spanned<String>>,
    /// The file, beside this one, that is the standard input of a command.
    #[schemars(with = "Option<String>")]
    pub stdin_file: Option<Spanned<String>>,
    /// What a command must write to standard output; anything where it is left out.
    #[schemars(with = "Option<String>")]
    pub stdout: Option<Spanned<String>>,
    /// The file, beside this one, with what a command must write to standard output.
    #[schemars(with = "Option<String>")]
    pub stdout_file: Option<Spanned<String>>,
    /// What a command must write to standard error; anything where it is left out.
    #[schemars(with = "Option<String>")]
    pub stderr: Option<Spanned<String>>,
    /// The file, beside this one, with what a command must write to standard error.
    #[schemars(with = "Option<String>")]
    pub stderr_file: Option<Spanned<String>>,
    /// The code that a command must exit with; 0 where it is left out.
    #[schemars(with = "Option<u8>")]
    pub exit_code: Option<Spanned<u8>>,

    // Those about HTTP: see `HttpKeys`.
    /// A request that is sent to a handler.
    #[schemars(with = "Option<RequestTable>")]
    pub request: Option<Spanned<RequestTable>>,
    /// What the answer to the request must be.
    #[schemars(with = "Option<ExpectTable>")]
    pub expect: Option<Spanned<ExpectTable>>,
    /// What answers the requests that the plugin itself makes; none ever leaves the machine.
    #[schemars(with = "Vec<http::RuleTable>")]
    pub http: Vec<Spanned<http::RuleTable>>,
    /// The hosts that the plugin may talk to: `example.com`, `example.com:8080`, `*.example.com`, or `*`;
    /// none where it is left out.
    #[schemars(with = "Option<Vec<String>>")]
    pub allowed_hosts: Option<Vec<Spanned<String>>>,

    /// Cases, where they are several. Keys above them are for all of them.
    #[schemars(with = "Vec<CaseTable>")]
    pub case: Vec<Spanned<CaseTable>>,
}

impl CaseTable {
    /// Takes the keys of the host's side out.
    pub fn host(&mut self) -> HostKeys {
        HostKeys {
            rules: std::mem::take(&mut self.host),
            in_order: self.host_in_order.take(),
            defaults: self.host_defaults.take(),
            config: self.config.take(),
            keyvalue: self.keyvalue.take(),
            mock: self.mock.take(),
            replay: self.replay.take(),
        }
    }

    /// Takes the keys of a command out.
    pub fn command(&mut self) -> CommandKeys {
        CommandKeys {
            args: self.args.take(),
            env: self.env.take(),
            dirs: self.dirs.take(),
            stdin: self.stdin.take(),
            stdin_file: self.stdin_file.take(),
            stdout: self.stdout.take(),
            stdout_file: self.stdout_file.take(),
            stderr: self.stderr.take(),
            stderr_file: self.stderr_file.take(),
            exit_code: self.exit_code.take(),
            inline: false,
        }
    }

    /// Takes the keys about HTTP out.
    pub fn http(&mut self) -> HttpKeys {
        HttpKeys {
            request: self.request.take(),
            expect: self.expect.take(),
            http: std::mem::take(&mut self.http),
            allowed_hosts: self.allowed_hosts.take(),
        }
    }
}

/// One call, with what it must come to; anything but a trap where nothing is said.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(rename = "Step", extend("dependencies" = apart(&[("expect-trap", &["expect"])])))]
pub struct StepTable {
    /// The call, in WAVE: `my:pkg/api#add(1, 2)`, `add(1, 2)`; `@notes.txt` in it is what is in that file,
    /// beside this one. `let s = session("x")` names a handle, `s.feed([1])` calls a method of it.
    #[schemars(with = "String")]
    pub invoke: Spanned<String>,
    /// What it must return, in WAVE: `_` is anything, and `..` further fields of a record or values of a
    /// list.
    #[schemars(with = "Option<String>")]
    pub expect: Option<Spanned<String>>,
    /// What must be in the message of its trap. Nothing can be called after it.
    #[schemars(with = "Option<String>")]
    pub expect_trap: Option<Spanned<String>>,
}
