//! Pairs of a host and a plugin that are easy to get wrong, each with what plugtool says and with what
//! every witness says: where they differ, the row shows which of them decides.

/// One pair.
pub struct Row {
    pub title: &'static str,
    /// WIT with a world `host`.
    pub host: &'static str,
    /// WIT with a world `plugin`, of which a dummy is made; or a component as text.
    pub plugin: &'static str,
    /// Empty where the plugin fits; else what is said, a part of each finding in order.
    pub says: &'static [&'static str],
    /// What each witness says, `+` for yes: (a) `targets`, (b) the engine links it, (c) the imports
    /// have the host's types, (d) the engine compiles it.
    pub witnesses: &'static str,
}

const FIT: &[&str] = &[];
const ALL: &str = "a+ b+ c+ d+";

pub const ROWS: &[Row] = &[
    Row {
        title: "an export uses the resource that the host gives",
        host: "package a:b;
            interface types { resource r; }
            interface api { use types.{r}; f: func(x: borrow<r>) -> r; }
            world host { import types; export api; }",
        plugin: "package a:b;
            interface types { resource r; }
            interface api { use types.{r}; f: func(x: borrow<r>) -> r; }
            world plugin { import types; export api; }",
        says: FIT,
        witnesses: ALL,
    },
    Row {
        title: "an export defines its own resource where the world demands the imported one",
        host: "package a:b;
            interface types { resource r; }
            interface api { use types.{r}; f: func(x: borrow<r>) -> r; }
            world host { import types; export api; }",
        plugin: "package a:b;
            interface api { resource r; f: func(x: borrow<r>) -> r; }
            world plugin { export api; }",
        says: &[
            "export a:b/api / resource r: the host expects resource r of a:b/types, the plugin has a \
             resource r that a:b/api defines",
        ],
        witnesses: "a- b+ c+ d+",
    },
    Row {
        title: "an export gives an imported resource where the world demands a new one",
        host: "package a:b;
            interface types { resource r; }
            interface api { resource s; f: func(x: borrow<s>) -> s; }
            world host { import types; export api; }",
        plugin: "package a:b;
            interface types { resource r; }
            interface api { use types.{r as s}; f: func(x: borrow<s>) -> s; }
            world plugin { import types; export api; }",
        says: FIT,
        witnesses: ALL,
    },
    Row {
        title: "one resource is given for two",
        host: "package a:b;
            interface one { resource r; f: func() -> r; }
            interface two { resource r; g: func(x: r); }
            world host { export one; export two; }",
        plugin: "package a:b;
            interface one { resource r; f: func() -> r; }
            interface two { use one.{r}; g: func(x: r); }
            world plugin { export one; export two; }",
        says: FIT,
        witnesses: ALL,
    },
    Row {
        title: "two resources are given for one",
        host: "package a:b;
            interface one { resource r; f: func() -> r; }
            interface two { use one.{r}; g: func(x: r); }
            world host { export one; export two; }",
        plugin: "package a:b;
            interface one { resource r; f: func() -> r; }
            interface two { resource r; g: func(x: r); }
            world plugin { export one; export two; }",
        says: &[
            "export a:b/two / resource r: the host expects a resource r that a:b/one defines, the \
             plugin has a resource r that a:b/two defines",
        ],
        witnesses: "a- b+ c+ d+",
    },
    Row {
        title: "two interfaces of the host have two resources, the plugin takes them for one",
        host: "package a:b;
            interface one { resource r; f: func() -> r; }
            interface two { resource r; g: func(x: r); }
            world host { import one; import two; }",
        plugin: "package a:b;
            interface one { resource r; f: func() -> r; }
            interface two { use one.{r}; g: func(x: r); }
            world plugin { import one; import two; }",
        says: &[
            "import a:b/two / resource r: the host expects resource r of a:b/two, the plugin has \
             resource r of a:b/one",
        ],
        witnesses: "a- b- c+ d+",
    },
    Row {
        title: "two interfaces of the host have one resource, the plugin takes it for two",
        host: "package a:b;
            interface one { resource r; f: func() -> r; }
            interface two { use one.{r}; g: func(x: r); }
            world host { import one; import two; }",
        plugin: "package a:b;
            interface one { resource r; f: func() -> r; }
            interface two { resource r; g: func(x: r); }
            world plugin { import one; import two; }",
        says: FIT,
        witnesses: ALL,
    },
    Row {
        title: "what the plugin takes for two resources comes back as one",
        host: "package a:b;
            interface one { resource r; f: func() -> r; }
            interface two { use one.{r}; g: func(x: r); }
            interface api { use two.{r}; h: func(x: r, y: borrow<r>) -> r; }
            world host { import one; import two; export api; }",
        plugin: "package a:b;
            interface one { resource r; f: func() -> r; }
            interface two { resource r; g: func(x: r); }
            interface api { use one.{r as q}; use two.{r}; h: func(x: q, y: borrow<r>) -> r; }
            world plugin { import one; import two; export api; }",
        says: FIT,
        witnesses: ALL,
    },
    Row {
        title: "a chain of uses, in which each interface has its own name for it",
        host: "package a:b;
            interface one { resource r; record t { x: u8 } }
            interface two { use one.{r as s, t as u}; f: func(x: s) -> u; }
            interface three { use two.{s as q, u as v}; g: func(x: borrow<q>, y: v); }
            world host { import two; export three; }",
        plugin: "package a:b;
            interface one { resource r; record t { x: u8 } }
            interface two { use one.{r as s, t as u}; f: func(x: s) -> u; }
            interface three { use one.{r as q, t as v}; g: func(x: borrow<q>, y: v); }
            world plugin { import two; export three; }",
        says: FIT,
        witnesses: ALL,
    },
    Row {
        title: "an interface is imported and exported, and exports use what is exported",
        host: "package a:b;
            interface types { resource r; }
            interface api { use types.{r}; f: func(x: borrow<r>); }
            world host { import types; import api; export types; export api; }",
        plugin: "package a:b;
            interface types { resource r; }
            interface api { use types.{r}; f: func(x: borrow<r>); }
            world plugin { import types; import api; export types; export api; }",
        says: FIT,
        witnesses: ALL,
    },
    Row {
        title: "the plugin does not export the types, and so uses those that it imports",
        host: "package a:b;
            interface types { resource r; }
            interface api { use types.{r}; f: func(x: borrow<r>); }
            world host { import types; export types; export api; }",
        plugin: "package a:b;
            interface types { resource r; }
            interface api { use types.{r}; f: func(x: borrow<r>); }
            world plugin { import types; export api; }",
        says: &["export a:b/types: the host demands 1 type, the plugin has no such export"],
        witnesses: "a- b+ c+ d+",
    },
    Row {
        title: "a resource that the host does not have is missed once, with all that belongs to it",
        host: "package a:b;
            interface types { f: func(); }
            world host { import types; }",
        plugin: "package a:b;
            interface types {
                resource r { constructor(); get: func() -> u8; make: static func() -> r; }
                f: func();
                g: func(x: borrow<r>);
            }
            world plugin { import types; }",
        says: &["import a:b/types / resource r:", "import a:b/types / func g:"],
        witnesses: "a- b- c+ d+",
    },
    Row {
        title: "a method becomes a static function",
        host: "package a:b;
            interface types { resource r { get: func() -> u8; } }
            world host { import types; }",
        plugin: "package a:b;
            interface types { resource r { get: static func() -> u8; } }
            world plugin { import types; }",
        says: &["import a:b/types / static r.get:"],
        witnesses: "a- b- c+ d+",
    },
    Row {
        title: "a borrowed handle where an owned one is expected",
        host: "package a:b;
            interface types { resource r; }
            interface api { use types.{r}; f: func(x: r); }
            world host { import types; export api; }",
        plugin: "package a:b;
            interface types { resource r; }
            interface api { use types.{r}; f: func(x: borrow<r>); }
            world plugin { import types; export api; }",
        says: &["export a:b/api / func f / param x: the host expects r, the plugin has borrow<r>"],
        witnesses: "a- b+ c+ d+",
    },
    Row {
        title: "parameters of other names, which the engine ignores and composition does not",
        host: "package a:b; world host { import f: func(x: u8); }",
        plugin: "package a:b; world plugin { import f: func(y: u8); }",
        says: &["import f / param x:", "import f / param y:"],
        witnesses: "a- b+ c+ d+",
    },
    Row {
        title: "a parameter of another type, which the engine would find out at the first call",
        host: "package a:b; world host { import f: func(x: u8); }",
        plugin: "package a:b; world plugin { import f: func(x: u16); }",
        says: &["import f / param x: the host expects u8, the plugin has u16"],
        witnesses: "a- b+ c- d+",
    },
    Row {
        title: "an async function where a plain one is offered",
        host: "package a:b; world host { import f: func(); }",
        plugin: "package a:b; world plugin { import f: async func(); }",
        says: &["import f: the host expects a func, the plugin has an async func"],
        witnesses: "a- b- c+ d+",
    },
    Row {
        title: "an interface of plain types that the host does not have",
        host: "package a:b;
            interface api { f: func() -> tuple<u8>; }
            world host { export api; }",
        plugin: "package a:b;
            interface types { record unused { x: u8 } type t = tuple<u8>; }
            interface api { use types.{t}; f: func() -> t; }
            world plugin { export api; }",
        says: FIT,
        witnesses: "a- b+ c+ d+",
    },
    Row {
        title: "a type in an imported interface that the host does not name",
        host: "package a:b; interface api { f: func() -> list<u8>; } world host { import api; }",
        plugin: "package a:b;
            interface api { type t = list<u8>; f: func() -> t; }
            world plugin { import api; }",
        says: FIT,
        witnesses: "a- b+ c+ d+",
    },
    Row {
        title: "a type in an exported interface that the host does name",
        host: "package a:b;
            interface api { type t = list<u8>; f: func() -> t; }
            world host { export api; }",
        plugin: "package a:b; interface api { f: func() -> list<u8>; } world plugin { export api; }",
        says: &["export a:b/api / type t: the host demands list<u8>, the plugin has no such item"],
        witnesses: "a- b+ c+ d+",
    },
    Row {
        title: "a type of the world that no function uses, with another definition",
        host: "package a:b; world host { record t { x: u8 } export f: func(); }",
        plugin: r#"(component
            (type $t' (record (field "x" u16)))
            (import "t" (type $t (eq $t')))
            (core module $m (func (export "f")))
            (core instance $i (instantiate $m))
            (func (export "f") (canon lift (core func $i "f"))))"#,
        says: &["import t / field x: the host expects u8, the plugin has u16"],
        witnesses: "a- b+ c+ d+",
    },
    Row {
        title: "another name for a resource, in an interface that the host does not have",
        host: "package a:b; interface types { resource r; } world host { import types; }",
        plugin: r#"(component
            (import "a:b/types" (instance $types (export "r" (type (sub resource)))))
            (alias export $types "r" (type $r))
            (import "a:b/others" (instance (export "r" (type (eq $r))))))"#,
        says: FIT,
        witnesses: "a- b+ c+ d+",
    },
    Row {
        title: "an instance that asks for nothing, where the host has a function",
        host: "package a:b; world host { import x: func(); }",
        plugin: r#"(component
            (type $t u32)
            (import "x" (instance (export "t" (type (eq $t))))))"#,
        says: &["import x: the host expects func(), the plugin has an interface"],
        witnesses: "a- b- c+ d+",
    },
    Row {
        title: "an interface is exported where a function is demanded",
        host: "package a:b; world host { export x: func(); }",
        plugin: "package a:b; world plugin { export x: interface { f: func(); } }",
        says: &["export x: the host expects func(), the plugin has an interface"],
        witnesses: "a- b+ c+ d+",
    },
    Row {
        title: "more exports than are demanded, and an exported interface with more in it",
        host: "package a:b; interface api { f: func(); } world host { export api; }",
        plugin: "package a:b;
            interface api { record t { x: u8 } f: func(); g: func() -> t; }
            interface more { h: func(); }
            world plugin { export api; export more; export i: func(); }",
        says: FIT,
        witnesses: ALL,
    },
    Row {
        title: "an older patch, of which less is used than there is",
        host: "package a:b@0.2.9; interface api { f: func(); g: func(); } world host { import api; }",
        plugin: "package a:b@0.2.3; interface api { f: func(); } world plugin { import api; }",
        says: FIT,
        witnesses: ALL,
    },
    Row {
        title: "a newer patch, of which all that is used is there",
        host: "package a:b@1.2.0; interface api { f: func(); } world host { import api; }",
        plugin: "package a:b@1.4.3; interface api { f: func(); } world plugin { import api; }",
        says: FIT,
        witnesses: ALL,
    },
    Row {
        title: "a newer patch, of which something is used that is not there",
        host: "package a:b@1.2.0; interface api { f: func(); } world host { import api; }",
        plugin: "package a:b@1.4.3; interface api { f: func(); g: func(); } world plugin { import api; }",
        says: &["import a:b/api@1.4.3 / func g:"],
        witnesses: "a- b- c+ d+",
    },
    Row {
        title: "a resource is the same at two versions of one track",
        host: "package a:b@0.2.9;
            interface types { resource r; }
            interface api { use types.{r}; f: func() -> r; }
            world host { import types; export api; }",
        plugin: "package a:b@0.2.3;
            interface types { resource r; }
            interface api { use types.{r}; f: func() -> r; }
            world plugin { import types; export api; }",
        says: FIT,
        witnesses: ALL,
    },
    Row {
        title: "another track",
        host: "package a:b@0.2.9; interface api { f: func(); } world host { import api; }",
        plugin: "package a:b@0.3.0; interface api { f: func(); } world plugin { import api; }",
        says: &["import a:b/api@0.3.0:"],
        witnesses: "a- b- c+ d+",
    },
    Row {
        title: "below 0.1 no two versions are on one track",
        host: "package a:b@0.0.1; interface api { f: func(); } world host { export api; }",
        plugin: "package a:b@0.0.2; interface api { f: func(); } world plugin { export api; }",
        says: &["export a:b/api@0.0.1:"],
        witnesses: "a- b+ c+ d+",
    },
    Row {
        title: "a prerelease is on no track",
        host: "package a:b@0.2.0; interface api { f: func(); } world host { import api; }",
        plugin: "package a:b@0.2.0-rc.1; interface api { f: func(); } world plugin { import api; }",
        says: &["import a:b/api@0.2.0-rc.1:"],
        witnesses: "a- b- c+ d+",
    },
    Row {
        title: "two versions on one track: the exact one counts, and is not the highest",
        host: "package m:n;
            world host { import a:b/api@0.2.1; import a:b/api@0.2.5; }
            package a:b@0.2.1 { interface api { f: func(x: u8); } }
            package a:b@0.2.5 { interface api { f: func(x: u8); g: func(); } }",
        plugin: "package a:b@0.2.1;
            interface api { f: func(x: u8); g: func(); }
            world plugin { import api; }",
        says: &["import a:b/api@0.2.1 / func g:"],
        witnesses: "a+ b- c+ d+",
    },
    Row {
        title: "two versions on one track: the highest counts where none is exact",
        host: "package m:n;
            world host { import a:b/api@0.2.1; import a:b/api@0.2.5; }
            package a:b@0.2.1 { interface api { f: func(x: u8); } }
            package a:b@0.2.5 { interface api { f: func(x: u8); g: func(); } }",
        plugin: "package a:b@0.2.3;
            interface api { f: func(x: u8); g: func(); }
            world plugin { import api; }",
        says: FIT,
        witnesses: ALL,
    },
    Row {
        title: "two versions on one track have two resources",
        host: "package m:n;
            world host { import a:b/one@0.2.1; import a:b/one@0.2.5; import a:b/two@0.2.5; }
            package a:b@0.2.1 { interface one { resource r; } }
            package a:b@0.2.5 {
                interface one { resource r; }
                interface two { use one.{r}; f: func() -> r; }
            }",
        plugin: "package a:b@0.2.1;
            interface one { resource r; }
            interface two { use one.{r}; f: func() -> r; }
            world plugin { import one; import two; }",
        says: &[
            "import a:b/two@0.2.1 / resource r: the host expects resource r of a:b/one@0.2.5, the \
             plugin has resource r of a:b/one@0.2.1",
        ],
        witnesses: "a+ b- c+ d+",
    },
    Row {
        title: "a module is imported, which no WIT can offer",
        host: "package a:b; world host { import f: func(); }",
        plugin: r#"(component (import "m" (core module)))"#,
        says: &[
            "import m: the plugin imports it (core module), the host offers nothing of that name",
        ],
        witnesses: "a- b- c+ d+",
    },
    Row {
        title: "types are exported by the component itself, which WIT cannot say",
        host: "package a:b; world host { export f: func(); }",
        plugin: r#"(component
            (type $t u32)
            (export "t" (type $t))
            (core module $m (func (export "f")))
            (core instance $i (instantiate $m))
            (func (export "f") (canon lift (core func $i "f"))))"#,
        says: FIT,
        witnesses: "a- b+ c+ d+",
    },
    Row {
        title: "an imported function is exported as it is, which the engine refuses",
        host: "package a:b; world host { import f: func(); export g: func(); }",
        plugin: r#"(component (import "f" (func $f)) (export "g" (func $f)))"#,
        says: &[
            "export g: the engine refuses it: an imported function cannot be exported as it is",
        ],
        witnesses: "a+ b+ c+ d-",
    },
    Row {
        title: "two mistakes in one type, one of them in an interface that uses it",
        host: "package a:b;
            interface types { record t { x: u8, y: string } }
            interface api { use types.{t}; f: func(p: t, q: u8) -> t; }
            world host { import types; import api; export api; }",
        plugin: "package a:b;
            interface types { record t { x: u8, z: string } }
            interface api { use types.{t}; f: func(p: t, q: u16) -> t; }
            world plugin { import types; import api; export api; }",
        says: &[
            "import a:b/types / type t / field y: the host expects string, the plugin has no such field",
            "import a:b/types / type t / field z: the host expects no such field, the plugin has string",
            "import a:b/api / func f / param q: the host expects u8, the plugin has u16",
            "export a:b/api / func f / param q: the host expects u8, the plugin has u16",
        ],
        witnesses: "a- b+ c- d+",
    },
];
