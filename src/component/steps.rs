//! What a component does with functions, instances and components when it is instantiated, step by
//! step: as much of it as says where a function comes from. Read in the same pass that validates.

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentEntityType, ComponentInstanceTypeId,
};
use wasmparser::{
    BinaryReaderError, CanonicalFunction, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentOuterAliasKind, Payload, Validator,
};

/// An item by its index space and its index there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Index {
    Func(u32),
    Instance(u32),
    Component(u32),
    Module,
    Type(ComponentAnyTypeId),
}

/// One step of an instantiation. What it makes goes to the end of its index space.
#[derive(Clone, Debug)]
pub(super) enum Step<'a> {
    Import {
        name: &'a str,
        ty: ComponentEntityType,
    },
    /// A core function is lifted.
    Lift,
    /// An export of an instance.
    Alias {
        instance: u32,
        name: &'a str,
    },
    /// A component that is there already, here or in a scope further out.
    Outer(Source),
    /// A nested component, by its number among all.
    Component(usize),
    Instantiate {
        component: u32,
        args: Vec<(&'a str, Index)>,
        ty: ComponentInstanceTypeId,
    },
    /// An instance put together from items.
    Bundle {
        items: Vec<(&'a str, Index)>,
        ty: ComponentInstanceTypeId,
    },
    /// An export, which has an index of its own.
    Export(Index),
}

/// Where a component sees another one.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source {
    /// Among its own.
    Here(u32),
    /// Among those that it takes with it from the scope that it is defined in.
    Taken(usize),
}

/// The steps of one component.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps<'a> {
    /// What it takes with it, as the scope that it is defined in sees it.
    pub(super) takes: Vec<Source>,
    pub(super) steps: Vec<Step<'a>>,
    pub(super) exports: Vec<(&'a str, Index)>,
}

/// What is being read: a component with its steps, or a core module.
enum Scope<'a> {
    Component(Steps<'a>),
    Module,
}

/// Reads steps out of the payloads of a component, in the order of the file.
#[derive(Default)]
pub(super) struct Reader<'a> {
    scopes: Vec<Scope<'a>>,
    done: Vec<Steps<'a>>,
    /// Custom sections of core modules that the engine refuses.
    refused_sections: Vec<&'a str>,
}

impl<'a> Reader<'a> {
    /// Takes a payload that the validator has accepted.
    pub(super) fn payload(
        &mut self,
        payload: &Payload<'a>,
        validator: &Validator,
    ) -> Result<(), BinaryReaderError> {
        match payload {
            Payload::Version { encoding, .. } => {
                self.scopes.push(match encoding {
                    wasmparser::Encoding::Component => Scope::Component(Steps::default()),
                    wasmparser::Encoding::Module => Scope::Module,
                });
                return Ok(());
            }
            Payload::End(_) => {
                if let Some(Scope::Component(steps)) = self.scopes.pop() {
                    self.done.push(steps);
                    if let Some(Scope::Component(outer)) = self.scopes.last_mut() {
                        outer.steps.push(Step::Component(self.done.len() - 1));
                    }
                }
                return Ok(());
            }
            _ => {}
        }
        if let Payload::ComponentAliasSection(section) = payload {
            for alias in section.clone() {
                self.alias(alias?);
            }
            return Ok(());
        }
        let steps = match self.scopes.last_mut() {
            Some(Scope::Component(steps)) => steps,
            Some(Scope::Module) => {
                if let Payload::CustomSection(section) = payload
                    && matches!(section.name(), "webidl-bindings" | "wasm-interface-types")
                {
                    self.refused_sections.push(section.name());
                }
                return Ok(());
            }
            None => return Ok(()),
        };
        steps.section(payload, validator)
    }

    /// What is aliased from further out is handed down from scope to scope.
    fn alias(&mut self, alias: ComponentAlias<'a>) {
        let step = match alias {
            ComponentAlias::InstanceExport { instance_index, name, .. } => {
                Step::Alias { instance: instance_index, name }
            }
            ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
                let mut source = Source::Here(index);
                let inner = self.scopes.len().saturating_sub(count as usize);
                for scope in self.scopes.iter_mut().skip(inner) {
                    if let Scope::Component(steps) = scope {
                        steps.takes.push(source);
                        source = Source::Taken(steps.takes.len() - 1);
                    }
                }
                Step::Outer(source)
            }
            _ => return,
        };
        if let Some(Scope::Component(steps)) = self.scopes.last_mut() {
            steps.steps.push(step);
        }
    }

    /// The steps of all components, the outermost last.
    pub(super) fn finish(self) -> (Vec<Steps<'a>>, Vec<&'a str>) {
        (self.done, self.refused_sections)
    }
}

impl<'a> Steps<'a> {
    fn section(
        &mut self,
        payload: &Payload<'a>,
        validator: &Validator,
    ) -> Result<(), BinaryReaderError> {
        let Some(types) = validator.types(0) else { return Ok(()) };
        let index = |kind: ComponentExternalKind, index: u32| match kind {
            ComponentExternalKind::Func => Index::Func(index),
            ComponentExternalKind::Instance => Index::Instance(index),
            ComponentExternalKind::Component => Index::Component(index),
            ComponentExternalKind::Type => Index::Type(types.component_any_type_at(index)),
            ComponentExternalKind::Module | ComponentExternalKind::Value => Index::Module,
        };
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    let name = import?.name.name;
                    if let Some(item) = types.component_item_for_import(name) {
                        self.steps.push(Step::Import { name, ty: item.ty });
                    }
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for func in section.clone() {
                    if let CanonicalFunction::Lift { .. } = func? {
                        self.steps.push(Step::Lift);
                    }
                }
            }
            Payload::ComponentInstanceSection(section) => {
                // They are the last ones that there are.
                let first = types.component_instance_count() - section.count();
                for (at, instance) in (first..).zip(section.clone()) {
                    let ty = types.component_instance_at(at);
                    self.steps.push(match instance? {
                        ComponentInstance::Instantiate { component_index, args } => {
                            let args = args.iter().map(|a| (a.name, index(a.kind, a.index)));
                            Step::Instantiate {
                                component: component_index,
                                args: args.collect(),
                                ty,
                            }
                        }
                        ComponentInstance::FromExports(exports) => {
                            let items =
                                exports.iter().map(|e| (e.name.name, index(e.kind, e.index)));
                            Step::Bundle { items: items.collect(), ty }
                        }
                    });
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let export = export?;
                    let item = index(export.kind, export.index);
                    self.exports.push((export.name.name, item));
                    self.steps.push(Step::Export(item));
                }
            }
            _ => {}
        }
        Ok(())
    }
}
