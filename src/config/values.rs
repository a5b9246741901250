//! Values with units, and the limits of one run.

use std::ops::RangeInclusive;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::schema::{Size, Time};

/// What one run of one plugin may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Linear memory of all instances together, in bytes.
    pub memory: u64,
    /// Fuel for compilation's result to come to life: instantiation and start functions. The unit
    /// is the engine's, about one a wasm instruction.
    pub init_fuel: u64,
    /// Fuel for each call.
    pub fuel: u64,
    /// Wall clock for everything after compilation, for each smoke case.
    pub timeout: Duration,
    /// Wall clock for compilation.
    pub compile_timeout: Duration,
    /// What may be written to standard output, and as much again to standard error, in bytes.
    pub output: u64,
    /// Elements of all tables together.
    pub table_elements: u64,
    /// Core instances of the whole component.
    pub instances: u64,
    /// Handles of resources that are held at a time.
    pub handles: u64,
    /// What one call may hand over to the host, in bytes as the host holds them.
    pub transfer: u64,
    /// The stack of the plugin's code, in bytes.
    pub stack: u64,
    /// Which of the engine's compilers compiles it.
    #[serde(default)]
    pub compiler: Compiler,
}

/// Which of the engine's compilers compiles a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compiler {
    /// For calls Winch, which is quick, where it knows all that the plugin uses and the sandbox is
    /// complete; Cranelift otherwise, and for commands.
    #[default]
    Auto,
    /// Winch or nothing.
    Winch,
    /// Cranelift: slow to compile, and what it makes is quick.
    Cranelift,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            memory: 256 << 20,
            // A loop without an end must run out of fuel and not of time, or its finding would
            // depend on the machine: this much is about a second of work, and there are ten.
            init_fuel: 1_000_000_000,
            fuel: 1_000_000_000,
            timeout: Duration::from_secs(10),
            compile_timeout: Duration::from_secs(60),
            output: 64 << 10,
            table_elements: 1 << 20,
            instances: 10_000,
            handles: 100_000,
            transfer: 128 << 20,
            stack: 512 << 10,
            compiler: Compiler::Auto,
        }
    }
}

#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct LimitsTable {
    /// Linear memory of all instances together.
    #[schemars(with = "Option<Size>")]
    memory: Option<String>,
    /// Fuel for instantiation and start functions: about one a wasm instruction.
    init_fuel: Option<u64>,
    /// Fuel for each call.
    fuel: Option<u64>,
    /// Wall clock for everything after compilation, for each smoke case.
    #[schemars(with = "Option<Time>")]
    timeout: Option<String>,
    /// Wall clock for compilation.
    #[schemars(with = "Option<Time>")]
    compile_timeout: Option<String>,
    /// What may be written to standard output, and as much again to standard error.
    #[schemars(with = "Option<Size>")]
    output: Option<String>,
    /// Elements of all tables together.
    table_elements: Option<u64>,
    /// Core instances of the whole component.
    instances: Option<u64>,
    /// Handles of resources that are held at a time.
    handles: Option<u64>,
    /// What one call may hand over to the host.
    #[schemars(with = "Option<Size>")]
    transfer: Option<String>,
    /// The stack of the plugin's code: 64KiB to 256MiB.
    #[schemars(with = "Option<Size>")]
    stack: Option<String>,
    /// Which of the engine's compilers compiles it; `auto` where nothing is said.
    #[schemars(with = "Option<Compiler>")]
    compiler: Option<String>,
}

/// What `stack` may be, in bytes: below, nothing runs; above, the engine would reserve that much again
/// for every plugin.
const STACK: RangeInclusive<u64> = 64 << 10..=256 << 20;

impl LimitsTable {
    /// The limits, with defaults for what is left out.
    pub fn settle(self) -> Result<Limits, String> {
        let named = |key: &str| {
            let key = key.to_owned();
            move |reason: String| format!("`{key}` under [limits]: {reason}")
        };
        let mut limits = Limits::default();
        if let Some(memory) = self.memory {
            limits.memory = parse_bytes(&memory).map_err(named("memory"))?;
        }
        if let Some(timeout) = self.timeout {
            limits.timeout = parse_duration(&timeout).map_err(named("timeout"))?;
        }
        if let Some(timeout) = self.compile_timeout {
            limits.compile_timeout = parse_duration(&timeout).map_err(named("compile-timeout"))?;
        }
        if let Some(output) = self.output {
            limits.output = parse_bytes(&output).map_err(named("output"))?;
        }
        if let Some(transfer) = self.transfer {
            limits.transfer = parse_bytes(&transfer).map_err(named("transfer"))?;
        }
        if let Some(stack) = self.stack {
            limits.stack = parse_bytes(&stack).map_err(named("stack"))?;
            if !STACK.contains(&limits.stack) {
                let reason = format!("`{stack}` is not between 64KiB and 256MiB");
                return Err(named("stack")(reason));
            }
        }
        if let Some(compiler) = self.compiler {
            limits.compiler = parse_compiler(&compiler).map_err(named("compiler"))?;
        }
        limits.init_fuel = self.init_fuel.unwrap_or(limits.init_fuel);
        limits.fuel = self.fuel.unwrap_or(limits.fuel);
        limits.table_elements = self.table_elements.unwrap_or(limits.table_elements);
        limits.instances = self.instances.unwrap_or(limits.instances);
        limits.handles = self.handles.unwrap_or(limits.handles);
        Ok(limits)
    }
}

/// A size: a number of bytes, with `KiB`, `MiB`, `GiB` or `pages` (64 KiB each) where wanted.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let factor = match unit {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "page" | "pages" => 64 << 10,
        _ => {
            return Err(format!("`{text}` is no size; write 256MiB, 64KiB or 5 pages"));
        }
    };
    let number: u64 =
        number.parse().map_err(|_| format!("`{text}` is no size; write 256MiB or 5 pages"))?;
    number.checked_mul(factor).ok_or_else(|| format!("`{text}` is too large"))
}

/// A length of time: `500ms`, `10s`, `2m`.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let number: u64 =
        number.parse().map_err(|_| format!("`{text}` is no duration; write 10s or 500ms"))?;
    match unit {
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => number
            .checked_mul(60)
            .map(Duration::from_secs)
            .ok_or_else(|| format!("`{text}` is too long")),
        _ => Err(format!("`{text}` is no duration; write 10s, 500ms or 2m")),
    }
}

/// The name of a compiler.
pub fn parse_compiler(text: &str) -> Result<Compiler, String> {
    match text {
        "auto" => Ok(Compiler::Auto),
        "winch" => Ok(Compiler::Winch),
        "cranelift" => Ok(Compiler::Cranelift),
        _ => Err(format!("`{text}` is no compiler; write auto, winch or cranelift")),
    }
}

fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_durations_carry_their_units() {
        assert_eq!(parse_bytes("256MiB"), Ok(256 << 20));
        assert_eq!(parse_bytes("5 pages"), Ok(5 * 65536));
        assert_eq!(parse_bytes("17"), Ok(17));
        assert!(parse_bytes("1 MB").is_err());
        assert!(parse_bytes("99999999999GiB").is_err());
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert!(parse_duration("10").is_err());
    }
}
