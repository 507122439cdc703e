//! Reads the paths that a source file uses.

use std::collections::BTreeSet;

/// A module: the crate and the path of its file within it, such as `jornada`, `store`, `mongo`.
pub type Module = Vec<String>;

/// Paths in one file.
#[derive(Debug, Default)]
pub struct Source {
    /// Imported names with their paths, to resolve `super::Name` in a child module.
    pub imported: Vec<(String, Vec<String>)>,
    /// Paths that the code uses, a glob as `*`.
    pub used: BTreeSet<Vec<String>>,
}

impl Source {
    /// Reads a file.
    pub fn parse(text: &str) -> Self {
        let tokens = tokens(text);
        let mut source = Self::default();
        paths(&without_tests(&tokens), &mut source);
        source
    }
}

/// Splits into identifiers, `::` and other characters, without comments, strings and lifetimes.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_alphabetic() || first == '_' {
            let end = |c: char| !(c.is_alphanumeric() || c == '_');
            let end = rest.find(end).unwrap_or(rest.len());
            match &rest[end..] {
                // r"…", r#"…"#, b"…", b'…'
                after if is_prefix(&rest[..end]) && after.starts_with(['"', '\'', '#']) => {
                    end + text_length(after, rest[..end].contains('r'))
                }
                _ => {
                    tokens.push(&rest[..end]);
                    end
                }
            }
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if first == '"' || first == '\'' {
            text_length(rest, false)
        } else {
            let length = if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            if !first.is_whitespace() {
                tokens.push(&rest[..length]);
            }
            length
        };
        rest = &rest[length..];
    }
    tokens
}

fn is_prefix(word: &str) -> bool {
    matches!(word, "r" | "b" | "br" | "c" | "cr")
}

/// Returns the length of a string or character literal, or 1 for the `'` of a lifetime.
fn text_length(text: &str, is_raw: bool) -> usize {
    let hashes = text.len() - text.trim_start_matches('#').len();
    if is_raw {
        let end = format!("\"{}", "#".repeat(hashes));
        let start = hashes + 1;
        return text[start..]
            .find(&end)
            .map_or(text.len(), |at| start + at + end.len());
    }
    let quote = text.chars().next().unwrap_or('"');
    let second = text[1..].chars().next().unwrap_or(quote);
    if quote == '\'' && second != '\\' && !text[1 + second.len_utf8()..].starts_with('\'') {
        return 1;
    }
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Removes every item under `#[cfg(test)]`.
fn without_tests<'t>(tokens: &[&'t str]) -> Vec<&'t str> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..].starts_with(&MARK) {
            kept.push(tokens[at]);
            at += 1;
            continue;
        }
        let mut depth = 0_usize;
        for token in &tokens[at..] {
            at += 1;
            match *token {
                "{" => depth += 1,
                "}" if depth == 1 => break,
                "}" => depth -= 1,
                ";" if depth == 0 => break,
                _ => {}
            }
        }
    }
    kept
}

fn paths(tokens: &[&str], source: &mut Source) {
    let (mut at, mut depth, mut inline) = (0, 0_usize, Vec::new());
    while at < tokens.len() {
        match tokens[at] {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                inline.pop_if(|opened| *opened == depth);
            }
            "mod" if tokens.get(at + 2) == Some(&"{") => inline.push(depth),
            "use" => {
                let end = tokens[at..].iter().position(|token| *token == ";");
                let end = end.map_or(tokens.len(), |end| at + end);
                let is_public = at > 0 && matches!(tokens[at - 1], "pub" | ")");
                let path = above_inline(&tokens[at + 1..end], inline.len());
                tree(&path, &[], is_public, source);
                at = end;
            }
            name if is_name(name) && tokens.get(at + 1) == Some(&"::") => {
                let start = at;
                while tokens.get(at + 1) == Some(&"::")
                    && tokens.get(at + 2).is_some_and(|next| is_name(next))
                {
                    at += 2;
                }
                let path = above_inline(&tokens[start..=at], inline.len());
                let names = path.iter().filter(|token| **token != "::");
                source.used.insert(names.map(ToString::to_string).collect());
            }
            _ => {}
        }
        at += 1;
    }
}

/// Replaces `super` by `self` inside an inline module, where it means the file.
fn above_inline<'t>(path: &[&'t str], depth: usize) -> Vec<&'t str> {
    let mut path = path.to_vec();
    if depth > 0 && path.first() == Some(&"super") {
        path[0] = "self";
    }
    path
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Reads a `use` tree.
fn tree(tokens: &[&str], above: &[String], is_public: bool, source: &mut Source) {
    let mut path = above.to_vec();
    for (at, token) in tokens.iter().enumerate() {
        match *token {
            "{" => {
                let inside = &tokens[at + 1..tokens.len() - 1];
                for part in split(inside) {
                    tree(part, &path, is_public, source);
                }
                return;
            }
            "::" => {}
            "as" => {
                let name = tokens[at + 1].to_owned();
                return insert(path, name, is_public, source);
            }
            "self" if at > 0 || !above.is_empty() => {}
            name => path.push(name.to_owned()),
        }
    }
    if let Some(name) = path.last().cloned() {
        insert(path, name, is_public, source);
    }
}

fn insert(path: Vec<String>, name: String, is_public: bool, source: &mut Source) {
    source.imported.push((name, path.clone()));
    // A re-export is no use.
    if !is_public {
        source.used.insert(path);
    }
}

/// Splits at the commas outside of braces.
fn split<'s, 't>(tokens: &'s [&'t str]) -> Vec<&'s [&'t str]> {
    let mut depth = 0_i32;
    let mut parts = tokens.split(move |token| {
        depth += i32::from(*token == "{") - i32::from(*token == "}");
        *token == "," && depth == 0
    });
    parts.by_ref().filter(|part| !part.is_empty()).collect()
}
