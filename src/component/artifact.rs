//! Object files, told apart by their headers. Nothing of what they hold is loaded or deserialized.

/// An ELF object, as far as its headers say what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artifact {
    /// Whether it is code that Wasmtime compiled in advance: by its section `.wasmtime.engine`, or by
    /// the operating system that its header names.
    pub wasmtime: bool,
    /// The version that compiled it, where it says so.
    pub version: Option<String>,
    /// What was compiled: `component` or `core module`.
    pub compiled: Option<&'static str>,
}

impl Artifact {
    /// What it is: `a component that Wasmtime 48.0.8 compiled in advance`.
    pub fn words(&self) -> String {
        if !self.wasmtime {
            return "an ELF object, perhaps what another engine compiled in advance".to_owned();
        }
        let what = self.compiled.map_or("something".to_owned(), |what| format!("a {what}"));
        let version = self.version.as_ref().map_or(String::new(), |version| format!(" {version}"));
        format!("{what} that Wasmtime{version} compiled in advance")
    }
}

/// What Wasmtime puts where an ELF header names the operating system, and its flags for what was
/// compiled (wasmtime-environ, `obj.rs`).
const OS_WASMTIME: u8 = 200;
const FLAG_MODULE: u32 = 1;
const FLAG_COMPONENT: u32 = 2;

/// Reads the headers of an ELF object. What they say is checked against the length of the file, and
/// what does not hold is left out.
pub fn artifact(bytes: &[u8]) -> Artifact {
    let Some(elf) = Elf::parse(bytes) else { return Artifact::default() };
    let section = elf.section(b".wasmtime.engine");
    let wasmtime = section.is_some() || elf.os == OS_WASMTIME;
    if !wasmtime {
        return Artifact::default();
    }
    // A byte for the layout, a byte for the length of the version, then the version
    // (wasmtime, `engine/serialization.rs`).
    let version = section.and_then(|section| match section {
        [0, length, rest @ ..] => rest.get(..usize::from(*length)),
        _ => None,
    });
    let version = version.and_then(|version| std::str::from_utf8(version).ok());
    let compiled = match elf.flags {
        flags if flags & FLAG_COMPONENT != 0 => Some("component"),
        flags if flags & FLAG_MODULE != 0 => Some("core module"),
        _ => None,
    };
    Artifact { wasmtime, version: version.map(str::to_owned), compiled }
}

/// The headers of an ELF file of 64 bits, as engines write them (System V ABI, "Object files").
struct Elf<'a> {
    bytes: &'a [u8],
    little_endian: bool,
    os: u8,
    flags: u32,
    /// Where the section headers begin, how long each is, and how many there are.
    sections: (u64, u64, u64),
    /// Which section holds the names of sections.
    names: u64,
}

impl<'a> Elf<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Elf<'a>> {
        let ident = bytes.get(..16)?;
        if !ident.starts_with(b"\x7fELF") || ident[4] != 2 {
            return None;
        }
        let mut elf = Elf {
            bytes,
            little_endian: ident[5] == 1,
            os: ident[7],
            flags: 0,
            sections: (0, 0, 0),
            names: 0,
        };
        elf.flags = u32::try_from(elf.number(0x30, 4)?).ok()?;
        elf.sections = (elf.number(0x28, 8)?, elf.number(0x3a, 2)?, elf.number(0x3c, 2)?);
        elf.names = elf.number(0x3e, 2)?;
        Some(elf)
    }

    /// An unsigned number of up to eight bytes at an offset.
    fn number(&self, at: u64, length: usize) -> Option<u64> {
        let bytes = self.slice(at, length as u64)?;
        let join = |sum: u64, byte: &u8| (sum << 8) | u64::from(*byte);
        Some(match self.little_endian {
            true => bytes.iter().rev().fold(0, join),
            false => bytes.iter().fold(0, join),
        })
    }

    fn slice(&self, at: u64, length: u64) -> Option<&'a [u8]> {
        let start = usize::try_from(at).ok()?;
        let end = usize::try_from(at.checked_add(length)?).ok()?;
        self.bytes.get(start..end)
    }

    /// Where a section's header is.
    fn header(&self, index: u64) -> Option<u64> {
        let (start, size, _) = self.sections;
        start.checked_add(index.checked_mul(size)?)
    }

    fn contents(&self, header: u64) -> Option<&'a [u8]> {
        let at = self.number(header.checked_add(0x18)?, 8)?;
        self.slice(at, self.number(header.checked_add(0x20)?, 8)?)
    }

    /// The contents of the section of this name.
    fn section(&self, wanted: &[u8]) -> Option<&'a [u8]> {
        let names = self.contents(self.header(self.names)?)?;
        (0..self.sections.2).find_map(|index| {
            let header = self.header(index)?;
            let at = usize::try_from(self.number(header, 4)?).ok()?;
            let name = names.get(at..)?;
            let found = name.starts_with(wanted) && name.get(wanted.len()) == Some(&0);
            if found { self.contents(header) } else { None }
        })
    }
}
