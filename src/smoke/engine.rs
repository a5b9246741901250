//! The engine's settings, and which of its compilers does a job.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;

use wasmtime::component::{Component, Linker};
use wasmtime::{
    Config, CustomCodeMemory, Engine, Module, OperatorCost, OptLevel, Strategy,
    VariableOperatorCost,
};

use super::store::State;
use super::wasi;

use crate::config::{Compiler, Limits};
use crate::diagnostic::CompiledBy;

/// A component as one compiler made it, with the engine that it belongs to.
pub struct Compiled {
    pub engine: Engine,
    pub component: Component,
    /// Core modules that it imports, by name; none where it has all of its own.
    pub modules: Vec<(String, Module)>,
    pub by: CompiledBy,
}

impl Compiled {
    /// A linker with what WASI it imports, and its modules.
    pub fn linker(&self) -> wasmtime::Result<Linker<State>> {
        let mut linker = Linker::new(&self.engine);
        wasi::link(&mut linker, &self.engine, &self.component)?;
        for (name, module) in &self.modules {
            linker.root().module(name, module)?;
        }
        Ok(linker)
    }
}

/// The engine as plugins meet it here. What it accepts with Cranelift is `component::FEATURES`; Winch
/// accepts less of it.
///
/// Fuel is nearly the same whichever compiler counts it: Winch charges bulk instructions nothing for their
/// bytes and elements, so neither does Cranelift (a guest that makes much of that runs into the clock).
/// It is not quite the same: behind a trap, Winch has counted up to it and Cranelift up to the last call
/// before, and elsewhere they have been seen two units apart. So a baseline says who compiled.
///
/// `size` is how many bytes are to be compiled.
pub fn engine(limits: &Limits, by: CompiledBy, size: usize) -> wasmtime::Result<Engine> {
    Engine::new(&config(limits, by, size)?)
}

/// The engine for code that is kept, and made executable by `memory`.
pub fn for_kept(
    limits: &Limits,
    by: CompiledBy,
    memory: Option<Arc<dyn CustomCodeMemory>>,
) -> wasmtime::Result<Engine> {
    Engine::new(config(limits, by, 0)?.with_custom_code_memory(memory))
}

fn config(limits: &Limits, by: CompiledBy, size: usize) -> wasmtime::Result<Config> {
    /// From so many bytes on, threads are worth starting: a worker lives for one plugin, and a gate runs as
    /// many workers as there are processors.
    const LARGE: usize = 128 << 10;
    /// What functions of the host may need on the same stack, in bytes.
    const HOST_STACK: usize = 1536 << 10;
    let stack = usize::try_from(limits.stack)?;
    let mut config = Config::new();
    config.parallel_compilation(size >= LARGE);
    config.strategy(match by {
        CompiledBy::Winch => Strategy::Winch,
        CompiledBy::Cranelift => Strategy::Cranelift,
    });
    if by == CompiledBy::Winch {
        // What is left for Cranelift then is trampolines, which nothing makes faster.
        config.cranelift_opt_level(OptLevel::None);
    }
    config.consume_fuel(true);
    config.operator_cost(flat());
    // Winch has this setting too.
    config.cranelift_nan_canonicalization(true);
    config.relaxed_simd_deterministic(true);
    config.max_wasm_stack(stack);
    config.async_stack_size(stack + HOST_STACK);
    Ok(config)
}

/// What instructions cost: as the engine has it, and nothing for each byte or element.
fn flat() -> OperatorCost {
    let mut cost = OperatorCost::new();
    let VariableOperatorCost {
        memory_copy_per_byte,
        memory_fill_per_byte,
        memory_init_per_byte,
        memory_grow_per_page,
        table_copy_per_element,
        table_fill_per_element,
        table_init_per_element,
        table_grow_per_element,
        ..
    } = &mut cost.variable;
    // What is left is of garbage collection, which only Cranelift compiles.
    for each in [
        memory_copy_per_byte,
        memory_fill_per_byte,
        memory_init_per_byte,
        memory_grow_per_page,
        table_copy_per_element,
        table_fill_per_element,
        table_init_per_element,
        table_grow_per_element,
    ] {
        *each = 0;
    }
    cost
}

/// Compiles with the compiler that is wanted; where none is named, with Winch, which takes a quarter of
/// the time, and with Cranelift what Winch does not know. What Cranelift says is what counts then.
pub fn compile(bytes: &[u8], limits: &Limits, wanted: Compiler) -> wasmtime::Result<Compiled> {
    if wanted != Compiler::Cranelift {
        let done = panic::catch_unwind(AssertUnwindSafe(|| with(bytes, limits, CompiledBy::Winch)));
        match done {
            Ok(Ok(compiled)) => return Ok(compiled),
            Ok(Err(error)) if wanted == Compiler::Winch => {
                return Err(error.context("Winch cannot compile it"));
            }
            Err(_) if wanted == Compiler::Winch => {
                return Err(wasmtime::Error::msg("Winch panicked over it"));
            }
            _ => {}
        }
    }
    with(bytes, limits, CompiledBy::Cranelift)
}

fn with(bytes: &[u8], limits: &Limits, by: CompiledBy) -> wasmtime::Result<Compiled> {
    let engine = engine(limits, by, bytes.len())?;
    let component = Component::from_binary(&engine, bytes)?;
    Ok(Compiled { engine, component, modules: Vec::new(), by })
}
