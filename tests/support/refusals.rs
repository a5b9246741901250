//! Components that are valid, and whether the engine compiles them: each a title, what the engine
//! does, and the component. What plugtool says without compiling must be the same.

/// Whether the engine compiles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Compiles,
    Refuses,
}

use Engine::{Compiles, Refuses};

/// A lifted function `$own`, to have one that is no import.
const OWN: &str = r#"
    (core module $m (func (export "f")))
    (core instance $i (instantiate $m))
    (func $own (canon lift (core func $i "f")))"#;

/// The rows. `OWN` in a component stands for a function of its own.
pub fn rows() -> Vec<(&'static str, Engine, String)> {
    let rows: &[(&str, Engine, &str)] = &[
        ("nothing at all", Compiles, "(component)"),
        ("a function of its own", Compiles, r#"(component OWN (export "f" (func $own)))"#),
        (
            "an imported function, exported",
            Refuses,
            r#"(component (import "f" (func $f)) (export "g" (func $f)))"#,
        ),
        ("an imported function, not exported", Compiles, r#"(component (import "f" (func $f)))"#),
        (
            "an imported instance with a function, exported",
            Refuses,
            r#"(component
                (import "a:b/c" (instance $i (export "f" (func))))
                (export "d" (instance $i)))"#,
        ),
        (
            "an imported instance of types, exported",
            Compiles,
            r#"(component
                (type $t u32)
                (import "a:b/c" (instance $i (export "t" (type (eq $t)))))
                (export "d" (instance $i)))"#,
        ),
        (
            "a function out of an imported instance, exported",
            Refuses,
            r#"(component
                (import "a:b/c" (instance $i (export "f" (func))))
                (alias export $i "f" (func $f))
                (export "g" (func $f)))"#,
        ),
        (
            "an imported function in an instance that is put together, exported",
            Refuses,
            r#"(component
                (import "f" (func $f)) OWN
                (instance $i (export "own" (func $own)) (export "other" (func $f)))
                (export "d" (instance $i)))"#,
        ),
        (
            "the same, with what is of its own taken out",
            Compiles,
            r#"(component
                (import "f" (func $f)) OWN
                (instance $i (export "own" (func $own)) (export "other" (func $f)))
                (alias export $i "own" (func $g))
                (export "d" (func $g)))"#,
        ),
        (
            "an imported function through a nested component",
            Refuses,
            r#"(component
                (import "f" (func $f))
                (component $c (import "x" (func $x)) (export "y" (func $x)))
                (instance $i (instantiate $c (with "x" (func $f))))
                (alias export $i "y" (func $g))
                (export "g" (func $g)))"#,
        ),
        (
            "a function of its own through a nested component",
            Compiles,
            r#"(component
                (import "f" (func $f)) OWN
                (component $c (import "x" (func $x)) (export "y" (func $x)))
                (instance $i (instantiate $c (with "x" (func $own))))
                (alias export $i "y" (func $g))
                (export "g" (func $g)))"#,
        ),
        (
            "both through the same nested component, and only its own exported",
            Compiles,
            r#"(component
                (import "f" (func $f)) OWN
                (component $c (import "x" (func $x)) (export "y" (func $x)))
                (instance $i (instantiate $c (with "x" (func $f))))
                (instance $j (instantiate $c (with "x" (func $own))))
                (alias export $j "y" (func $g))
                (export "g" (func $g)))"#,
        ),
        (
            "both through the same nested component, and the import exported",
            Refuses,
            r#"(component
                (import "f" (func $f)) OWN
                (component $c (import "x" (func $x)) (export "y" (func $x)))
                (instance $j (instantiate $c (with "x" (func $own))))
                (instance $i (instantiate $c (with "x" (func $f))))
                (alias export $i "y" (func $g))
                (export "g" (func $g)))"#,
        ),
        (
            "an imported function through a component that is an argument",
            Refuses,
            r#"(component
                (import "f" (func $f))
                (component $c (import "x" (func $x)) (export "y" (func $x)))
                (component $d
                    (import "c" (component $c (import "x" (func)) (export "y" (func))))
                    (import "f" (func $f))
                    (instance $i (instantiate $c (with "x" (func $f))))
                    (alias export $i "y" (func $y))
                    (export "z" (func $y)))
                (instance $i (instantiate $d (with "c" (component $c)) (with "f" (func $f))))
                (alias export $i "z" (func $g))
                (export "g" (func $g)))"#,
        ),
        (
            "an imported function through a component of the scope outside",
            Refuses,
            r#"(component
                (import "f" (func $f))
                (component $unused)
                (component $c (import "x" (func $x)) (export "y" (func $x)))
                (component $d
                    (import "f" (func $f))
                    (component $e
                        (alias outer 2 $c (component $again))
                        (import "f" (func $f))
                        (instance $i (instantiate $again (with "x" (func $f))))
                        (alias export $i "y" (func $y))
                        (export "z" (func $y)))
                    (instance $i (instantiate $e (with "f" (func $f))))
                    (alias export $i "z" (func $z))
                    (export "z" (func $z)))
                (instance $i (instantiate $d (with "f" (func $f))))
                (alias export $i "z" (func $g))
                (export "g" (func $g)))"#,
        ),
        (
            "the index of an export is another one of the same function",
            Refuses,
            r#"(component
                (import "f" (func $f)) OWN
                (export $first "a" (func $own))
                (export $second "b" (func $first))
                (export "c" (func $f)))"#,
        ),
        (
            "what is exported by the index of an export",
            Compiles,
            r#"(component
                (import "f" (func $f)) OWN
                (export $first "a" (func $own))
                (export $second "b" (func $first)))"#,
        ),
        ("a component is imported", Refuses, r#"(component (import "c" (component)))"#),
        (
            "a component is imported and instantiated",
            Refuses,
            r#"(component
                (import "c" (component $c (export "f" (func))))
                (instance $i (instantiate $c))
                (alias export $i "f" (func $f)))"#,
        ),
        (
            "a component inside an imported instance",
            Compiles,
            r#"(component (import "a:b/c" (instance (export "c" (component)))))"#,
        ),
        (
            "a component out of an imported instance",
            Refuses,
            r#"(component
                (import "a:b/c" (instance $i (export "c" (component))))
                (alias export $i "c" (component $c)))"#,
        ),
        (
            "a component is exported",
            Refuses,
            r#"(component (component $c) (export "c" (component $c)))"#,
        ),
        (
            "a component is exported in an instance",
            Refuses,
            r#"(component
                (component $c)
                (instance $i (export "c" (component $c)))
                (export "i" (instance $i)))"#,
        ),
        (
            "a component is exported by a nested component, and stays inside",
            Compiles,
            r#"(component
                (component $c (component $d) (export "d" (component $d)))
                (instance $i (instantiate $c)))"#,
        ),
        (
            "a module is imported",
            Compiles,
            r#"(component (import "m" (core module (export "f" (func)))))"#,
        ),
        (
            "a module is imported and exported",
            Compiles,
            r#"(component (import "m" (core module $m)) (export "n" (core module $m)))"#,
        ),
        (
            "a module of its own is exported",
            Compiles,
            r#"(component
                (core module $m (table (export "t") 1 funcref)) (export "m" (core module $m)))"#,
        ),
        (
            "a module whose table refers to its types is imported",
            Refuses,
            r#"(component
                (import "m" (core module
                    (type (func)) (export "t" (table 1 (ref null 0))))))"#,
        ),
        (
            "a module whose global refers to its types is exported",
            Refuses,
            r#"(component
                (core module $m
                    (type $t (func))
                    (global (export "g") (ref null $t) (ref.null $t)))
                (export "m" (core module $m)))"#,
        ),
        (
            "a module whose table refers to its types stays inside",
            Compiles,
            r#"(component
                (core module $m
                    (type $t (func))
                    (table (export "t") 1 (ref null $t)))
                (core instance (instantiate $m)))"#,
        ),
        (
            "a module whose function refers to its types is exported",
            Compiles,
            r#"(component
                (core module $m
                    (type $t (func))
                    (func (export "f") (param (ref null $t))))
                (export "m" (core module $m)))"#,
        ),
        (
            "the type of a function is exported",
            Compiles,
            r#"(component OWN (type $t (func)) (export "t" (type $t)) (export "f" (func $own)))"#,
        ),
        (
            "the type of a function is imported",
            Refuses,
            r#"(component (type $t (func)) (import "t" (type (eq $t))))"#,
        ),
        (
            "the type of an instance is imported",
            Refuses,
            r#"(component (type $t (instance)) (import "t" (type (eq $t))))"#,
        ),
        (
            "the type of a function is exported in an instance",
            Refuses,
            r#"(component
                (type $t (func))
                (instance $i (export "t" (type $t)))
                (export "i" (instance $i)))"#,
        ),
        (
            "the type of a function in an instance that stays inside",
            Refuses,
            r#"(component (type $t (func)) (instance $i (export "t" (type $t))))"#,
        ),
        (
            "the same in a nested component that is never instantiated",
            Compiles,
            r#"(component
                (component $c (type $t (func)) (instance $i (export "t" (type $t)))))"#,
        ),
        (
            "the same in a nested component that is instantiated",
            Refuses,
            r#"(component
                (component $c (type $t (func)) (instance $i (export "t" (type $t))))
                (instance (instantiate $c)))"#,
        ),
        (
            "the type of a function, exported by a nested component",
            Refuses,
            r#"(component
                (component $c (type $t (func)) (export "t" (type $t)))
                (instance (instantiate $c)))"#,
        ),
        (
            "the type of an instance with the type of a function, exported",
            Refuses,
            r#"(component
                (type $t (instance (type $f (func)) (export "f" (type (eq $f)))))
                (export "t" (type $t)))"#,
        ),
        (
            "a value type and a resource are exported",
            Compiles,
            r#"(component
                OWN
                (export "f" (func $own))
                (type $t (record (field "a" u32))) (export "t" (type $t))
                (type $r (resource (rep i32))) (export "r" (type $r)))"#,
        ),
        (
            "a section whose meaning was never settled, in a module",
            Refuses,
            r#"(component (core module (@custom "webidl-bindings" "x")))"#,
        ),
        (
            "such a section in a component",
            Compiles,
            r#"(component (@custom "webidl-bindings" "x"))"#,
        ),
    ];
    rows.iter().map(|(title, engine, text)| (*title, *engine, text.replace("OWN", OWN))).collect()
}
