//! A component that has a world and does nothing: what a host folder can start with.

use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{ManglingAndAbi, WorldId};

use super::wit::{Wit, WitError};

impl Wit {
    /// The full name of the world that is meant, and a component that targets it: it imports all that
    /// the world imports, and every function that it exports traps.
    ///
    /// # Errors
    ///
    /// There is no such world, or it has something that cannot be encoded yet.
    pub fn example(&self, wanted: Option<&str>) -> Result<(String, Vec<u8>), WitError> {
        let (name, id) = self.select(wanted)?;
        let bytes = self.component_of(id).map_err(|error| WitError::Unsupported {
            world: name.to_owned(),
            text: format!("{error:#}"),
        })?;
        Ok((name.to_owned(), bytes))
    }

    fn component_of(&self, world: WorldId) -> anyhow::Result<Vec<u8>> {
        let mut module = dummy_module(&self.resolve, world, ManglingAndAbi::Standard32);
        embed_component_metadata(&mut module, &self.resolve, world, StringEncoding::UTF8)?;
        ComponentEncoder::default().module(&module)?.validate(true).encode()
    }
}
