//! Source lines under an error, cut to what fits beside the caret.

/// Columns that an excerpt may take.
const WIDTH: usize = 96;

/// Cuts long source lines out of a rendered error: in each pair of lines `1 | source` and `  | ^`,
/// what is far from the caret gives way to `...`, on both lines alike.
pub fn fit(rendered: &str) -> String {
    let lines: Vec<&str> = rendered.split('\n').collect();
    let mut out = Vec::with_capacity(lines.len());
    let mut index = 0;
    while let Some(&line) = lines.get(index) {
        index += 1;
        if let Some(&marks) = lines.get(index)
            && let Some((line, marks)) = cut(line, marks)
        {
            out.extend([line, marks]);
            index += 1;
        } else {
            out.push(line.to_owned());
        }
    }
    out.join("\n")
}

fn cut(line: &str, marks: &str) -> Option<(String, String)> {
    let source: Vec<char> = line.chars().collect();
    let marks: Vec<char> = marks.chars().collect();
    let caret = marks.iter().position(|&c| c == '^')?;
    let gutter = source.windows(3).position(|three| three == [' ', '|', ' '])? + 3;
    if source.len() <= WIDTH || marks.get(gutter - 2) != Some(&'|') || caret < gutter {
        return None;
    }
    let room = WIDTH - gutter - 2 * "...".len();
    let from = if caret - gutter > room / 2 { caret - room / 2 } else { gutter };
    let to = source.len().min(from + room);
    let part = |chars: &[char]| {
        let end = to.min(chars.len());
        chars.get(from..end).unwrap_or_default().iter().collect::<String>()
    };
    let start: String = source[..gutter].iter().collect();
    let under: String = marks[..gutter].iter().collect();
    let (before, space) = if from > gutter { ("...", "   ") } else { ("", "") };
    let after = if to < source.len() { "..." } else { "" };
    Some((
        format!("{start}{before}{}{after}", part(&source)),
        format!("{under}{space}{}", part(&marks)),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_keeps_its_place() {
        let source = format!("{}HERE{}", "a".repeat(300), "b".repeat(300));
        let marks = format!("{}^^^^", " ".repeat(300));
        let text = fit(&format!("it:1:301: wrong\n  |\n1 | {source}\n  | {marks}\nmore"));
        let lines: Vec<&str> = text.split('\n').collect();
        assert_eq!(lines.len(), 5);
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{text}");
        assert_eq!(lines[2].find("HERE"), lines[3].find("^^^^"), "{text}");
        assert!(lines[2].starts_with("1 | ...aaa") && lines[2].ends_with("bbb..."), "{text}");
    }

    #[test]
    fn what_fits_stays_as_it_is() {
        let text = "it:1:3: wrong\n  |\n1 | a = b\n  |   ^\n";
        assert_eq!(fit(text), text);
        let plain = format!("{}\n^", "a".repeat(500));
        assert_eq!(fit(&plain), plain);
    }
}
