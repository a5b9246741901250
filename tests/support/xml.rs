//! XML as far as test reports need it, and the part of XML Schema that their schema uses. It shares
//! nothing with the crate that writes the reports.

use std::collections::BTreeMap;

/// An element.
#[derive(Debug, Default)]
pub struct Element {
    pub name: String,
    pub attributes: BTreeMap<String, String>,
    pub children: Vec<Element>,
    /// All the text in it, decoded.
    pub text: String,
}

impl Element {
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }

    /// This element and all below it.
    pub fn all(&self) -> Vec<&Element> {
        let below = self.children.iter().flat_map(Element::all);
        std::iter::once(self).chain(below).collect()
    }
}

/// Parses a document; whatever is not well-formed is an error.
pub fn parse(text: &str) -> Result<Element, String> {
    if let Some(c) = text.chars().find(|c| !is_char(*c)) {
        return Err(format!("{c:?} is no character of XML"));
    }
    let mut rest = text;
    let mut open: Vec<Element> = Vec::new();
    loop {
        let (before, after) = rest.split_once('<').ok_or("the document is not complete")?;
        match open.last_mut() {
            Some(element) => {
                if before.contains("]]>") {
                    return Err("]]> in text".to_owned());
                }
                element.text.push_str(&decode(before)?);
            }
            None if before.trim().is_empty() => {}
            None => return Err(format!("text before the root: {before}")),
        }
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->").ok_or("a comment has no end")?.1;
            continue;
        }
        let (tag, after) = split_tag(after)?;
        rest = after;
        if tag.starts_with('?') && open.is_empty() {
            continue;
        }
        let done = if let Some(name) = tag.strip_prefix('/') {
            let element = open.pop().ok_or("an end without a start")?;
            if element.name != name.trim_end() {
                return Err(format!("</{name}> ends <{}>", element.name));
            }
            element
        } else {
            let empty = tag.ends_with('/');
            let element = start(tag.trim_end_matches('/'))?;
            if !empty {
                open.push(element);
                continue;
            }
            element
        };
        match open.last_mut() {
            Some(parent) => parent.children.push(done),
            None if rest.trim().is_empty() => return Ok(done),
            None => return Err("something follows the root".to_owned()),
        }
    }
}

fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// A tag ends at the first `>` that is in no quotes.
fn split_tag(text: &str) -> Result<(&str, &str), String> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '>') => return Ok((&text[..at], &text[at + 1..])),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (_, '<') => return Err("< in a tag".to_owned()),
            _ => {}
        }
    }
    Err("a tag has no end".to_owned())
}

fn start(tag: &str) -> Result<Element, String> {
    let (name, mut rest) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
    let name_of = |c: char| c.is_ascii_alphanumeric() || "-_:".contains(c);
    if name.is_empty() || !name.chars().all(name_of) {
        return Err(format!("`{name}` is no name"));
    }
    let mut element = Element { name: name.to_owned(), ..Element::default() };
    while !rest.trim().is_empty() {
        let (key, after) = rest.split_once('=').ok_or("an attribute has no value")?;
        let quote = after.chars().next().filter(|c| "\"'".contains(*c)).ok_or("no quote")?;
        let (value, after) = after[1..].split_once(quote).ok_or("no second quote")?;
        if element.attributes.insert(key.trim().to_owned(), decode(value)?).is_some() {
            return Err(format!("two attributes {key}"));
        }
        rest = after;
    }
    Ok(element)
}

fn decode(text: &str) -> Result<String, String> {
    let mut parts = text.split('&');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once(';').ok_or(format!("& stands alone in {text}"))?;
        let number = name.strip_prefix('#').map(|number| match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        });
        out.push(match (name, number) {
            ("amp", _) => '&',
            ("lt", _) => '<',
            ("gt", _) => '>',
            ("quot", _) => '"',
            ("apos", _) => '\'',
            (_, Some(Ok(code))) => {
                char::from_u32(code).filter(|c| is_char(*c)).ok_or(format!("&{name};"))?
            }
            _ => return Err(format!("&{name}; is not known")),
        });
        out.push_str(rest);
    }
    Ok(out)
}

/// Complaints about a document by a schema whose elements are all global, of type `xs:string` or of a
/// complex type with a sequence of references and attributes of any text.
pub fn complaints(document: &Element, schema: &Element) -> Vec<String> {
    let mut complaints = Vec::new();
    check(document, schema, &mut complaints);
    complaints
}

fn check(element: &Element, schema: &Element, complaints: &mut Vec<String>) {
    let name = &element.name;
    let declared = schema.children.iter().find(|declared| declared.attribute("name") == name);
    let Some(declared) = declared else {
        return complaints.push(format!("<{name}> is not known"));
    };
    let nothing = Element::default();
    let (mixed, kind) = match declared.children.first() {
        None => {
            assert_eq!(declared.attribute("type"), "xs:string");
            (true, &nothing)
        }
        Some(kind) => (kind.attribute("mixed") == "true", kind),
    };
    if !mixed && !element.text.trim().is_empty() {
        complaints.push(format!("<{name}> has text"));
    }
    let attributes: Vec<&Element> =
        kind.children.iter().filter(|child| child.name == "xs:attribute").collect();
    for key in element.attributes.keys() {
        if !attributes.iter().any(|attribute| attribute.attribute("name") == key) {
            complaints.push(format!("<{name}> may not have {key}"));
        }
    }
    for attribute in attributes {
        let key = attribute.attribute("name");
        if attribute.attribute("use") == "required" && !element.attributes.contains_key(key) {
            complaints.push(format!("<{name}> must have {key}"));
        }
    }
    let sequence = kind.children.iter().find(|child| child.name == "xs:sequence");
    let mut children = element.children.iter().peekable();
    for particle in sequence.map_or([].as_slice(), |sequence| &sequence.children) {
        assert_eq!(particle.name, "xs:element");
        let least = if particle.attribute("minOccurs") == "0" { 0 } else { 1 };
        let most = match particle.attribute("maxOccurs") {
            "unbounded" => usize::MAX,
            _ => 1,
        };
        let mut count = 0;
        while children.next_if(|child| child.name == particle.attribute("ref")).is_some() {
            count += 1;
        }
        if !(least..=most).contains(&count) {
            complaints.push(format!("<{name}> has {count} of {}", particle.attribute("ref")));
        }
    }
    if let Some(child) = children.next() {
        complaints.push(format!("<{}> has no place there in <{name}>", child.name));
    }
    for child in &element.children {
        check(child, schema, complaints);
    }
}
