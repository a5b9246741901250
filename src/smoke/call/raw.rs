//! Typed functions whose types are known only at run time. The engine's own untyped functions take about 40
//! bytes for every byte of a list, and charge for them; its typed ones take `Vec<u8>` as what it is, but want
//! Rust types for all the rest. These are such types for any function: they lower and lift by the types that
//! the engine hands them.
//!
//! This is what `#[derive(ComponentType, Lower, Lift)]` expands to, written by hand, over the same hidden items
//! of the engine. They may change with it, which the compiler would notice, and `tests/bytes.rs`.

#![allow(unsafe_code, reason = "the traits of typed functions are unsafe to implement")]

use std::mem::MaybeUninit;

use wasmtime::component::__internal::wasmtime_environ::component::ComponentTypes;
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext,
};
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, Lower, ResourceAny};
use wasmtime::{Error, Result, ValRaw};

use super::lift;
use super::lower::Named;
use crate::wave::Value;

/// The most core values that parameters may be (`MAX_FLAT_PARAMS` of the canonical ABI).
const MOST: usize = 16;

/// The arguments of a call that are [`MOST`] core values together.
pub struct Arguments<'a> {
    pub values: &'a [Value],
    pub named: Named<'a>,
}

/// A result that is stored in the guest's memory, with the handles in it.
pub struct Stored(pub Option<Value>, pub Vec<ResourceAny>);

/// A result that is one core value or none, with the handles in it.
pub struct Flat(pub Option<Value>, pub Vec<ResourceAny>);

/// How many core values something is; none where there are too many for the ABI to count.
fn flat_count(ty: &InterfaceType, types: &InstanceType<'_>) -> Option<usize> {
    types.types.canonical_abi(ty).flat_count(usize::MAX)
}

fn not_of_this_shape<T>() -> Result<T> {
    Err(Error::msg("the function is of another shape"))
}

// SAFETY: `Lower` is a sequence of `ValRaw`. The size is not asked for: that is for parameters beyond
// `MOST`, and for those that are parts of others, which this never is.
unsafe impl ComponentType for Arguments<'_> {
    type Lower = [ValRaw; MOST];

    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::SCALAR1;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        match (ty, flat_count(ty, types)) {
            (InterfaceType::Tuple(_), Some(count)) if count <= MOST => Ok(()),
            _ => not_of_this_shape(),
        }
    }
}

// SAFETY: all core values are initialised, and those that the function has are of its own types: every
// value is held against its type while it is lowered.
unsafe impl Lower for Arguments<'_> {
    fn linear_lower_to_flat<T>(
        &self,
        cx: &mut LowerContext<'_, T>,
        ty: InterfaceType,
        dst: &mut MaybeUninit<[ValRaw; MOST]>,
    ) -> Result<()> {
        let InterfaceType::Tuple(index) = ty else { return not_of_this_shape() };
        let types = &cx.types[index].types;
        if types.len() != self.values.len() {
            return not_of_this_shape();
        }
        let mut lowered = Vec::with_capacity(MOST);
        for (value, ty) in self.values.iter().zip(types) {
            self.named.flat(cx, *ty, value, &mut lowered)?;
        }
        let mut all = [ValRaw::u64(0); MOST];
        match all.get_mut(..lowered.len()) {
            Some(own) => own.copy_from_slice(&lowered),
            None => return not_of_this_shape(),
        }
        dst.write(all);
        Ok(())
    }

    fn linear_lower_to_memory<T>(
        &self,
        _: &mut LowerContext<'_, T>,
        _: InterfaceType,
        _: usize,
    ) -> Result<()> {
        not_of_this_shape()
    }
}

// SAFETY: they are whole lists of parameters or results, and `typecheck` takes nothing else.
unsafe impl ComponentNamedList for Arguments<'_> {}
// SAFETY: as above.
unsafe impl ComponentNamedList for Stored {}
// SAFETY: as above.
unsafe impl ComponentNamedList for Flat {}

// SAFETY: `Lower` is a sequence of `ValRaw`, of more than one: so the engine takes the one core value that
// there is for a pointer, as the ABI has it for results of two core values and more, which `typecheck` is for.
// The size is the least that there can be: it is looked at anew where it is known.
unsafe impl ComponentType for Stored {
    type Lower = [ValRaw; 2];

    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::SCALAR1;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        match (ty, flat_count(ty, types)) {
            (InterfaceType::Tuple(_), None | Some(2..)) => Ok(()),
            _ => not_of_this_shape(),
        }
    }
}

// SAFETY: it reads within the guest's memory, and nothing but what slices give.
unsafe impl Lift for Stored {
    fn linear_lift_from_flat(
        _: &mut LiftContext<'_>,
        _: InterfaceType,
        _: &[ValRaw; 2],
    ) -> Result<Stored> {
        not_of_this_shape()
    }

    fn linear_lift_from_memory(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        bytes: &[u8],
    ) -> Result<Stored> {
        let InterfaceType::Tuple(index) = ty else { return not_of_this_shape() };
        let &[result] = &*cx.types[index].types else { return not_of_this_shape() };
        let memory = cx.memory();
        // They are a part of the memory, which says where.
        let at = bytes.as_ptr().addr().wrapping_sub(memory.as_ptr().addr());
        let align = cx.types.canonical_abi(&result).align32 as usize;
        if !at.is_multiple_of(align) {
            return Err(Error::msg("return pointer not aligned"));
        }
        let rest = memory.get(at..).unwrap_or_default();
        if rest.len() < cx.types.canonical_abi(&result).size32 as usize {
            return Err(Error::msg("pointer out of bounds of memory"));
        }
        let mut found = Vec::new();
        let value = lift::load(cx, result, rest, &mut found)?;
        Ok(Stored(Some(value), found))
    }
}

// SAFETY: `Lower` is a sequence of one `ValRaw`, which is looked at where the function has a result.
unsafe impl ComponentType for Flat {
    type Lower = [ValRaw; 1];

    const ABI: CanonicalAbiInfo = CanonicalAbiInfo::SCALAR1;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        match (ty, flat_count(ty, types)) {
            (InterfaceType::Tuple(_), Some(0 | 1)) => Ok(()),
            _ => not_of_this_shape(),
        }
    }
}

// SAFETY: the core value is lifted by the function's own type.
unsafe impl Lift for Flat {
    fn linear_lift_from_flat(
        cx: &mut LiftContext<'_>,
        ty: InterfaceType,
        src: &[ValRaw; 1],
    ) -> Result<Flat> {
        let InterfaceType::Tuple(index) = ty else { return not_of_this_shape() };
        let mut found = Vec::new();
        match &*cx.types[index].types {
            [] => Ok(Flat(None, found)),
            &[result] => {
                let value = lift::flat(cx, result, &src[0], &mut found)?;
                Ok(Flat(Some(value), found))
            }
            _ => not_of_this_shape(),
        }
    }

    fn linear_lift_from_memory(
        _: &mut LiftContext<'_>,
        _: InterfaceType,
        _: &[u8],
    ) -> Result<Flat> {
        not_of_this_shape()
    }
}

/// How many bytes say which case it is of a variant, an enum, an option or a result, and where what it
/// carries begins; none of what has no cases.
pub fn layout(types: &ComponentTypes, ty: InterfaceType) -> Option<(usize, usize)> {
    let info = match ty {
        InterfaceType::Variant(index) => &types[index].info,
        InterfaceType::Enum(index) => &types[index].info,
        InterfaceType::Option(index) => &types[index].info,
        InterfaceType::Result(index) => &types[index].info,
        _ => return None,
    };
    Some((usize::from(info.size), info.payload_offset32 as usize))
}

/// What a type of the engine's own lowers to.
pub fn core_values<L, const N: usize, T>(
    value: &L,
    cx: &mut LowerContext<'_, T>,
    ty: InterfaceType,
) -> Result<[ValRaw; N]>
where
    L: Lower + ?Sized,
{
    const { assert!(size_of::<L::Lower>() == size_of::<[ValRaw; N]>()) };
    let mut lowered = MaybeUninit::<L::Lower>::uninit();
    value.linear_lower_to_flat(cx, ty, &mut lowered)?;
    // SAFETY: it is initialised where lowering went well, and a sequence of `ValRaw`, of this many.
    Ok(unsafe { lowered.as_ptr().cast::<[ValRaw; N]>().read() })
}
