//! The texts between quotes in the sources: they stay the same when Rust items are renamed or files move.

use std::collections::BTreeSet;
use std::path::Path;

/// Every string literal of the program, without unit tests, and every Lua script, as the sources spell them.
pub fn literals() -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["src", "crates"] {
        walk(&root().join(folder), &mut |path, text| match path
            .extension()
            .and_then(|extension| extension.to_str())
        {
            Some("rs") => found.extend(strings(text)),
            Some("lua") => found.push(text.to_owned()),
            _ => {}
        });
    }
    found
}

/// Words of shell scripts and Compose files that match.
pub fn words_of_scripts(is_word: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut read = |_: &Path, text: &str| {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        found.extend(words.filter(|word| is_word(word)).map(str::to_owned));
    };
    for name in ["init.sh", "docker-compose.yml"] {
        let path = root().join(name);
        read(&path, &std::fs::read_to_string(&path).unwrap());
    }
    walk(&root().join("ops"), &mut read);
    found
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn walk(folder: &Path, read: &mut impl FnMut(&Path, &str)) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("tests") {
                walk(&path, read);
            }
        } else if !path.ends_with("tests.rs")
            && let Ok(text) = std::fs::read_to_string(&path)
        {
            read(&path, &text);
        }
    }
}

/// The string literals of a Rust file before its unit tests, which stand at the end.
fn strings(text: &str) -> Vec<String> {
    let opens = |(at, mark): &(usize, &str)| {
        let item = text[at + mark.len()..].lines().next();
        item.is_some_and(|line| line.contains("mod ") && line.ends_with('{'))
    };
    let end = text.match_indices("#[cfg(test)]\n").find(opens);
    let mut rest = &text[..end.map_or(text.len(), |(at, _)| at)];
    let mut found = Vec::new();
    while let Some(start) = rest.find(['"', '\'', '/']) {
        let (before, from) = rest.split_at(start);
        rest = if from.starts_with("//") {
            from.split_once('\n').map_or("", |(_, after)| after)
        } else if from.starts_with("'\"'") || from.starts_with("'\\") {
            &from[3..]
        } else if let Some(from) = from.strip_prefix('"') {
            let hashes = before.len() - before.trim_end_matches('#').len();
            let is_raw = before.trim_end_matches('#').ends_with('r');
            let length = if is_raw {
                from.find(&format!("\"{}", "#".repeat(hashes)))
            } else {
                plain_end(from)
            };
            let length = length.unwrap_or(from.len());
            found.push(from[..length].to_owned());
            from.get(length + 1..).unwrap_or_default()
        } else {
            &from[1..]
        };
    }
    found
}

/// Where the first quote stands that no backslash escapes.
fn plain_end(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

#[test]
fn literals_are_found_between_comments_and_characters() {
    let text = "// \"no\"\nlet a = \"one \\\" two\"; let q = '\"'; let r = r#\"th\"ree\"#;\n#[cfg(test)]\nmod tests {\n\"no\" }";
    assert_eq!(strings(text), ["one \\\" two", "th\"ree"]);
}
