//! The items of one interface, or of a world, as WIT: merged by name, then written as lines.

use indexmap::IndexMap;
use indexmap::map::Entry;

use super::text::escape;

/// What stands behind a name in an interface or a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// `use FROM.{NAME as ...};`
    Use { from: String, name: String },
    /// A type: its whole definition.
    Type(String),
    /// A resource: its functions, by the names that they have in the component.
    Resource(IndexMap<String, String>),
    /// A function.
    Func(String),
}

/// The items of one interface or world, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Block(pub(super) IndexMap<String, Form>);

impl Block {
    /// Adds what another block of the same interface has. Returns the names on which they differ.
    pub(super) fn merge(&mut self, other: Block) -> Vec<String> {
        let mut differ = Vec::new();
        for (name, form) in other.0 {
            match self.0.entry(name) {
                Entry::Vacant(slot) => {
                    slot.insert(form);
                }
                Entry::Occupied(mut slot) => match (slot.get_mut(), form) {
                    (Form::Resource(ours), Form::Resource(theirs)) => {
                        for (func, text) in theirs {
                            let known = ours.entry(func.clone()).or_insert_with(|| text.clone());
                            if *known != text {
                                differ.push(func);
                            }
                        }
                    }
                    (ours, theirs) => {
                        if *ours != theirs {
                            differ.push(slot.key().clone());
                        }
                    }
                },
            }
        }
        differ
    }

    /// How many names there are, those of the functions of resources too.
    pub(super) fn len(&self) -> usize {
        let funcs = |form: &Form| match form {
            Form::Resource(funcs) => funcs.len(),
            _ => 0,
        };
        self.0.len() + self.0.values().map(funcs).sum::<usize>()
    }

    /// As lines, with this indentation: what is used, then types, then functions, which get this
    /// keyword before them, with an empty line between.
    pub(super) fn write(&self, out: &mut String, indent: &str, keyword: &str) {
        let mut uses: IndexMap<&str, Vec<String>> = IndexMap::new();
        let (mut types, mut funcs) = (Vec::new(), Vec::new());
        for (name, form) in &self.0 {
            match form {
                Form::Use { from, name: there } => {
                    let (here, there) = (escape(name), escape(there));
                    let used = if here == there { here } else { format!("{there} as {here}") };
                    uses.entry(from).or_default().push(used);
                }
                Form::Type(text) => types.extend(text.lines().map(str::to_owned)),
                Form::Resource(funcs) if funcs.is_empty() => {
                    types.push(format!("resource {};", escape(name)));
                }
                Form::Resource(funcs) => {
                    types.push(format!("resource {} {{", escape(name)));
                    types.extend(funcs.values().map(|func| format!("  {func}")));
                    types.push("}".to_owned());
                }
                Form::Func(text) => funcs.push(format!("{keyword}{text}")),
            }
        }
        let uses = uses.iter().map(|(from, names)| format!("use {from}.{{{}}};", names.join(", ")));
        let groups = [uses.collect(), types, funcs];
        for (i, lines) in groups.iter().filter(|lines: &&Vec<String>| !lines.is_empty()).enumerate()
        {
            if i > 0 {
                out.push('\n');
            }
            lines.iter().for_each(|line| out.push_str(&format!("{indent}{line}\n")));
        }
    }
}

/// How an interface is named from a package: bare inside its own, in full from another.
pub(super) fn path(from: &str, package: &str, name: &str) -> String {
    if from == package {
        return escape(name);
    }
    let (package, version) = match package.split_once('@') {
        Some((package, version)) => (package, format!("@{version}")),
        None => (package, String::new()),
    };
    format!("{}/{}{version}", escape_package(package), escape(name))
}

/// `ns:pkg`, or `ns:pkg@version`, with keywords escaped.
pub(super) fn escape_package(package: &str) -> String {
    let (base, version) = match package.split_once('@') {
        Some((base, version)) => (base, format!("@{version}")),
        None => (package, String::new()),
    };
    match base.split_once(':') {
        Some((namespace, name)) => format!("{}:{}{version}", escape(namespace), escape(name)),
        None => package.to_owned(),
    }
}
