//! Valid components that the engine refuses to compile: what Wasmtime 48 says of them, without
//! compiling anything. The rules are those of `wasmtime-environ`, `component/translate/inline.rs`
//! (`ComponentItemDef::from_import`, `Inliner::record_export`), `component/types_builder.rs`
//! (`convert_component_entity_type`) and `compile/module_environ.rs`.
//!
//! Where a function comes from is not part of its type, so the instantiation is followed as the
//! engine's inliner follows it, over where things come from instead of over code. The same component
//! with the same arguments is followed once.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentCoreModuleTypeId, ComponentEntityType, ComponentInstanceTypeId,
    ComponentTypeId,
};
use wasmparser::types::{EntityType, TypesRef};
use wasmparser::{RefType, ValType};

use super::steps::{Index, Source, Step, Steps};
use crate::diagnostic::{Code, Diagnostic, WitPath};

/// How many steps are followed. What takes more would keep the engine busy for longer than anybody
/// waits.
const MOST_STEPS: usize = 1_000_000;

/// How deep instantiations may be inside each other.
const DEEPEST: usize = 500;

/// How many findings are made of one component.
const MOST_FINDINGS: usize = 20;

/// Where an item comes from. Values are kept once each and go by their number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Value<'a> {
    /// A function that the host has to provide.
    ImportedFunc,
    /// A function that was lifted from a core module.
    LiftedFunc,
    /// An instance that the host has to provide.
    ImportedInstance(ComponentInstanceTypeId),
    /// An instance made of items.
    Instance(Rc<[(&'a str, Id)]>),
    /// A component, by its number among all, with what it takes with it.
    Component(usize, Rc<[Id]>),
    /// A component that the host would have to provide.
    ImportedComponent,
    /// A module or a type.
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Id(usize);

/// What was not followed to its end.
struct TooMuch;

/// The index spaces of one instantiation, as far as they matter.
#[derive(Default)]
struct Spaces {
    funcs: Vec<Id>,
    instances: Vec<Id>,
    components: Vec<Id>,
}

impl Spaces {
    fn find(&self, index: Index) -> Option<Id> {
        let (space, at) = match index {
            Index::Func(at) => (&self.funcs, at),
            Index::Instance(at) => (&self.instances, at),
            Index::Component(at) => (&self.components, at),
            Index::Module | Index::Type(_) => return None,
        };
        space.get(at as usize).copied()
    }
}

/// A component, and the arguments that it is instantiated with, by name.
type Call<'a> = (Id, Vec<(&'a str, Id)>);

struct Follow<'a> {
    types: TypesRef<'a>,
    components: &'a [Steps<'a>],
    values: Vec<Value<'a>>,
    ids: HashMap<Value<'a>, Id>,
    /// What instances have, by name.
    members: HashMap<(Id, &'a str), Id>,
    /// What came of instantiations.
    results: HashMap<Call<'a>, Id>,
    steps: usize,
    /// Types that were looked at.
    seen: HashSet<ComponentAnyTypeId>,
    findings: Vec<Diagnostic>,
}

/// Everything that the engine refuses about a valid component.
pub(super) fn refusals<'a>(
    types: TypesRef<'a>,
    components: &'a [Steps<'a>],
    sections: &[&str],
) -> Vec<Diagnostic> {
    let mut follow = Follow {
        types,
        components,
        values: Vec::new(),
        ids: HashMap::new(),
        members: HashMap::new(),
        results: HashMap::new(),
        steps: 0,
        seen: HashSet::new(),
        findings: Vec::new(),
    };
    if let Some(section) = sections.first() {
        follow.refuse(
            &WitPath::root("custom section", section),
            "the meaning of this section was never settled",
            "remove the section: `wasm-tools strip --all`",
        );
    }
    if follow.root().is_err() {
        follow.refuse(
            &WitPath::default(),
            "it instantiates nested components more often than the engine can follow",
            "compose it of fewer parts",
        );
    }
    follow.findings
}

impl<'a> Follow<'a> {
    fn refuse(&mut self, path: &WitPath, what: &str, help: &str) {
        if self.findings.len() < MOST_FINDINGS {
            let message = format!("the engine refuses it: {what}");
            let finding = Diagnostic::error(Code::InvalidComponent, message).help(help);
            let finding = finding.at(path.clone());
            if !self.findings.contains(&finding) {
                self.findings.push(finding);
            }
        }
    }

    fn keep(&mut self, value: Value<'a>) -> Id {
        if let Some(id) = self.ids.get(&value) {
            return *id;
        }
        let id = Id(self.values.len());
        if let Value::Instance(items) = &value {
            self.members.extend(items.iter().map(|(name, item)| ((id, *name), *item)));
        }
        self.values.push(value.clone());
        self.ids.insert(value, id);
        id
    }

    /// Counts what is done, so that it ends.
    fn spend(&mut self, steps: usize) -> Result<(), TooMuch> {
        self.steps = self.steps.saturating_add(steps);
        if self.steps > MOST_STEPS { Err(TooMuch) } else { Ok(()) }
    }

    /// The outermost component, whose arguments are what the host provides.
    fn root(&mut self) -> Result<(), TooMuch> {
        let (types, components) = (self.types, self.components);
        let Some(number) = components.len().checked_sub(1) else { return Ok(()) };
        let mut args = Vec::new();
        for step in &components[number].steps {
            let Step::Import { name, ty } = step else { continue };
            let path = WitPath::root("import", name);
            self.entity_type(&path, *ty);
            args.push((*name, self.imported(&path, *ty)));
        }
        let instance = self.instantiate(number, &[], &args, 0)?;
        let Value::Instance(exports) = self.values[instance.0].clone() else { return Ok(()) };
        let mut told = HashSet::new();
        for (name, item) in exports.iter() {
            let path = WitPath::root("export", name);
            self.export(&path, *item, &mut told, 0)?;
            if let Some(ComponentEntityType::Module(id)) =
                types.component_item_for_export(name).map(|item| item.ty)
            {
                self.module_type(&path, id);
            }
        }
        Ok(())
    }

    /// What the host provides (`ComponentItemDef::from_import`).
    fn imported(&mut self, path: &WitPath, ty: ComponentEntityType) -> Id {
        let value = match ty {
            ComponentEntityType::Func(_) => Value::ImportedFunc,
            ComponentEntityType::Instance(id) => Value::ImportedInstance(id),
            ComponentEntityType::Component(_) => {
                self.refuse(
                    path,
                    "a host cannot give it a component",
                    "compose that component in, or import what it exports",
                );
                Value::ImportedComponent
            }
            _ => Value::Other,
        };
        self.keep(value)
    }

    /// What the whole gives to the host (`Inliner::record_export`).
    fn export(
        &mut self,
        path: &WitPath,
        item: Id,
        told: &mut HashSet<Id>,
        depth: usize,
    ) -> Result<(), TooMuch> {
        self.spend(1)?;
        if depth > DEEPEST {
            return Err(TooMuch);
        }
        match self.values[item.0].clone() {
            Value::ImportedFunc => self.refuse(
                path,
                "an imported function cannot be exported as it is",
                "export a function of the component's own that calls the imported one",
            ),
            Value::Component(..) | Value::ImportedComponent => self.refuse(
                path,
                "a host cannot be given a component",
                "instantiate it inside, and export what it exports",
            ),
            Value::ImportedInstance(id) if told.insert(item) => {
                let types = self.types;
                for (name, export) in &types[id].exports {
                    let path = path.then("item", Some(name));
                    let item = self.imported(&path, export.ty);
                    self.export(&path, item, told, depth + 1)?;
                }
            }
            Value::Instance(items) if told.insert(item) => {
                for (name, item) in items.iter() {
                    self.export(&path.then("item", Some(name)), *item, told, depth + 1)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Follows an instantiation, and returns the instance that comes of it (`Inliner::initializer`).
    fn instantiate(
        &mut self,
        component: usize,
        taken: &[Id],
        args: &[(&'a str, Id)],
        depth: usize,
    ) -> Result<Id, TooMuch> {
        if depth > DEEPEST {
            return Err(TooMuch);
        }
        self.spend(args.len())?;
        let all = self.components;
        let args: HashMap<&str, Id> = args.iter().copied().collect();
        let other = self.keep(Value::Other);
        let mut here = Spaces::default();
        for step in &all[component].steps {
            self.spend(1)?;
            let item = match step {
                Step::Import { name, .. } => args.get(name).copied(),
                Step::Lift => Some(self.keep(Value::LiftedFunc)),
                Step::Alias { instance, name } => {
                    let instance = here.find(Index::Instance(*instance)).unwrap_or(other);
                    self.member(instance, name)
                }
                Step::Outer(source) => see(*source, &here, taken),
                Step::Component(number) => {
                    self.spend(all[*number].takes.len())?;
                    let takes = all[*number].takes.iter();
                    let takes = takes.map(|source| see(*source, &here, taken).unwrap_or(other));
                    let takes = takes.collect();
                    Some(self.keep(Value::Component(*number, takes)))
                }
                Step::Bundle { items, ty } => {
                    let items = self.items(items, &here, other)?;
                    self.instance_type(&WitPath::default(), *ty);
                    Some(self.keep(Value::Instance(items.into())))
                }
                Step::Instantiate { component, args, ty } => {
                    let component = here.find(Index::Component(*component)).unwrap_or(other);
                    let key = (component, self.items(args, &here, other)?);
                    let known = self.results.get(&key).copied();
                    let result = match (known, self.values[component.0].clone()) {
                        (Some(result), _) => result,
                        (None, Value::Component(number, taken)) => {
                            let result = self.instantiate(number, &taken, &key.1, depth + 1)?;
                            self.results.insert(key, result);
                            result
                        }
                        // Whatever it is, the host has it.
                        (None, _) => self.keep(Value::ImportedInstance(*ty)),
                    };
                    self.instance_type(&WitPath::default(), *ty);
                    Some(result)
                }
                Step::Export(index) => here.find(*index),
            };
            let Some(item) = item else { continue };
            match &self.values[item.0] {
                Value::ImportedFunc | Value::LiftedFunc => here.funcs.push(item),
                Value::ImportedInstance(_) | Value::Instance(_) => here.instances.push(item),
                Value::Component(..) | Value::ImportedComponent => here.components.push(item),
                Value::Other => {}
            }
        }
        let exports = self.items(&all[component].exports, &here, other)?;
        Ok(self.keep(Value::Instance(exports.into())))
    }

    /// An export of an instance.
    fn member(&mut self, instance: Id, name: &'a str) -> Option<Id> {
        match self.values[instance.0] {
            Value::ImportedInstance(id) => {
                let ty = self.types[id].exports.get(name)?.ty;
                Some(self.imported(&WitPath::root("import", name), ty))
            }
            _ => self.members.get(&(instance, name)).copied(),
        }
    }

    /// Named items: arguments, the parts of an instance, exports. Types among them are converted.
    fn items(
        &mut self,
        list: &[(&'a str, Index)],
        here: &Spaces,
        other: Id,
    ) -> Result<Vec<(&'a str, Id)>, TooMuch> {
        self.spend(list.len())?;
        for (name, index) in list {
            if let Index::Type(id) = index {
                self.any_type(&WitPath::root("type", name), *id);
            }
        }
        Ok(list.iter().map(|(name, index)| (*name, here.find(*index).unwrap_or(other))).collect())
    }

    /// The type of an import or of an export inside an instance (`convert_component_entity_type`).
    fn entity_type(&mut self, path: &WitPath, ty: ComponentEntityType) {
        match ty {
            ComponentEntityType::Module(id) => self.module_type(path, id),
            ComponentEntityType::Component(id) => self.component_type(path, id),
            ComponentEntityType::Instance(id) => self.instance_type(path, id),
            ComponentEntityType::Func(_) => {}
            ComponentEntityType::Type {
                created: ComponentAnyTypeId::Defined(_) | ComponentAnyTypeId::Resource(_),
                ..
            } => {}
            ComponentEntityType::Type { .. } | ComponentEntityType::Value(_) => self.refuse(
                path,
                "only value types and resources can be imported or exported as types",
                "leave the type out: it is not needed to link",
            ),
        }
    }

    fn any_type(&mut self, path: &WitPath, id: ComponentAnyTypeId) {
        match id {
            ComponentAnyTypeId::Instance(id) => self.instance_type(path, id),
            ComponentAnyTypeId::Component(id) => self.component_type(path, id),
            _ => {}
        }
    }

    fn instance_type(&mut self, path: &WitPath, id: ComponentInstanceTypeId) {
        if self.seen.insert(ComponentAnyTypeId::Instance(id)) {
            let types = self.types;
            for (name, item) in &types[id].exports {
                self.entity_type(&path.then("item", Some(name)), item.ty);
            }
        }
    }

    fn component_type(&mut self, path: &WitPath, id: ComponentTypeId) {
        if self.seen.insert(ComponentAnyTypeId::Component(id)) {
            let types = self.types;
            for (name, item) in types[id].imports.iter().chain(&types[id].exports) {
                self.entity_type(&path.then("item", Some(name)), item.ty);
            }
        }
    }

    /// The engine cannot say what a reference to a type means outside of the module that has the type
    /// (`TypeConvert for ComponentTypesBuilder`).
    fn module_type(&mut self, path: &WitPath, id: ComponentCoreModuleTypeId) {
        let concrete = |ty: RefType| ty.is_concrete_type_ref() || ty.is_exact_type_ref();
        let refers = |ty: &EntityType| match ty {
            EntityType::Table(ty) => concrete(ty.element_type),
            EntityType::Global(ty) => match ty.content_type {
                ValType::Ref(ty) => concrete(ty),
                _ => false,
            },
            _ => false,
        };
        let ty = &self.types[id];
        if ty.imports.values().chain(ty.exports.values()).any(refers) {
            self.refuse(
                path,
                "a core module's tables and globals cannot refer to types of its own",
                "keep such a module inside: neither import nor export it",
            );
        }
    }
}

/// A component as it is seen in a scope.
fn see(source: Source, here: &Spaces, taken: &[Id]) -> Option<Id> {
    match source {
        Source::Here(at) => here.find(Index::Component(at)),
        Source::Taken(at) => taken.get(at).copied(),
    }
}
