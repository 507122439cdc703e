//! Checks which crate may use which, and that no modules depend on each other in a cycle.
//!
//! Cargo rejects a cycle of crates and a use of a crate that is not declared. [`CRATES`] says what may be declared;
//! `deny.toml` says the same for crates of others.
//!
//! # Cycles
//!
//! A module is a file. It uses another if its code, unit tests aside, names an item *defined* there: a path through
//! `use` lines is followed to the file that defines the item. So a parent neither uses a child by declaring it, nor by
//! passing its items on, and a child does not use its parent by `super::Thing` where the parent only imports `Thing`. A
//! parent that calls a child whose code needs an item defined in the parent makes a cycle: the item belongs in a file of
//! its own, below both. Method calls and the output of macros of other crates are not seen.
//!
//! The same rule applies to the first-level modules of a crate, each with everything below it.

#![expect(clippy::unwrap_used, reason = "a test fails at once")]

mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use source::{Module, Source};

/// The crate at the root, which may use all others.
const ROOT: &str = "jornada";

/// For each crate, without the prefix `jornada-`, the crates of this workspace that it may use.
const CRATES: [(&str, &[&str]); 11] = [
    ("photo", &[]),
    ("domain", &["photo"]),
    ("proto", &[]),
    ("runtime", &[]),
    ("store", &["domain", "photo", "runtime"]),
    ("objects", &["domain", "photo", "runtime"]),
    ("queue", &["domain", "runtime"]),
    (
        "service",
        &["domain", "objects", "photo", "queue", "runtime", "store"],
    ),
    ("http", &["domain", "photo"]),
    ("watch", &["domain", "http", "runtime"]),
    ("testkit", &["domain", "http"]),
];

/// Items of `photo` that `domain` may use: the format, but not the inspection.
const DOMAIN_MAY_USE: [&str; 2] = ["PhotoFormat", "MAX_PHOTO_BYTES"];

type Edges = BTreeMap<Module, BTreeSet<Module>>;

struct Project(BTreeMap<Module, Source>);

impl Project {
    fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = BTreeMap::new();
        read_folder(&root.join("src"), &[ROOT.to_owned()], &mut files);
        let crates = fs::read_dir(root.join("crates")).into_iter().flatten();
        for folder in crates.map(|entry| entry.unwrap().path()) {
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            if name != "testkit" {
                read_folder(&folder.join("src"), &[name], &mut files);
            }
        }
        Self(files)
    }

    /// Resolves a path written in `from` to a file and the rest of the path. `None` for items of other crates.
    fn find(&self, from: &Module, path: &[String]) -> Option<(Module, Vec<String>)> {
        let mut whole = match path[0].as_str() {
            "crate" => vec![from[0].clone()],
            "self" => from.clone(),
            "super" => {
                let levels = path.iter().take_while(|part| *part == "super").count();
                from[..from.len().saturating_sub(levels).max(1)].to_vec()
            }
            first
                if self
                    .0
                    .contains_key(&[&from[..], &[first.to_owned()]].concat()) =>
            {
                from.clone()
            }
            first => {
                let outer = first.strip_prefix("jornada_").unwrap_or(first);
                let is_ours =
                    first.starts_with(ROOT) && self.0.contains_key(&vec![outer.to_owned()]);
                let named = is_ours.then(|| vec![outer.to_owned()]);
                return named.map(|outer| self.split(&[&outer[..], &path[1..]].concat()));
            }
        };
        let parts = path
            .iter()
            .skip_while(|part| matches!(part.as_str(), "crate" | "self" | "super"));
        whole.extend(parts.cloned());
        Some(self.split(&whole))
    }

    fn split(&self, whole: &[String]) -> (Module, Vec<String>) {
        let file = (1..=whole.len())
            .rev()
            .find(|end| self.0.contains_key(&whole[..*end]));
        let (file, rest) = whole.split_at(file.unwrap_or(1));
        (file.to_vec(), rest.to_vec())
    }

    /// Returns the file that defines the item of a path; follows `use` lines.
    fn defined(&self, from: &Module, path: &[String]) -> Option<(Module, Vec<String>)> {
        let mut found = self.find(from, path)?;
        for _ in 0..8 {
            let (file, rest) = &found;
            let Some(name) = rest.first() else { break };
            let imported = &self.0.get(file)?.imported;
            let Some((_, path)) = imported.iter().find(|(known, _)| known == name) else {
                break;
            };
            match self.find(file, path) {
                Some((next, mut inner)) if (&next, &inner) != (file, rest) => {
                    inner.extend_from_slice(&rest[1..]);
                    let whole = [next, inner].concat();
                    found = self.split(&whole);
                }
                _ => break,
            }
        }
        Some(found)
    }

    fn uses(&self) -> Edges {
        let mut edges = Edges::new();
        for (file, source) in &self.0 {
            let is_test = file.last().is_some_and(|name| name == "tests");
            for path in source.used.iter().filter(|_| !is_test) {
                let local = source.imported.iter().find(|(name, _)| *name == path[0]);
                let path = match local {
                    Some((_, behind)) if path.len() > 1 => [behind, &path[1..]].concat(),
                    _ => path.clone(),
                };
                match self.defined(file, &path) {
                    Some((used, rest)) if used != *file && !rest.is_empty() => {
                        edges.entry(file.clone()).or_default().insert(used);
                    }
                    _ => {}
                }
            }
        }
        edges
    }
}

fn read_folder(folder: &Path, above: &[String], files: &mut BTreeMap<Module, Source>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let module = [above, std::slice::from_ref(&name)].concat();
        if path.is_dir() {
            read_folder(&path, &module, files);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let module = match name.as_str() {
                "lib" | "mod" => above.to_vec(),
                _ => module,
            };
            files.insert(module, Source::parse(&fs::read_to_string(&path).unwrap()));
        }
    }
}

/// Modules that depend on themselves through others, each with its dependencies that are part of a cycle.
fn cycles(edges: &Edges) -> Edges {
    let reach = |start: &Module| {
        let mut reached = BTreeSet::new();
        let mut next = vec![start];
        while let Some(module) = next.pop() {
            let used = edges.get(module).into_iter().flatten();
            next.extend(used.filter(|used| reached.insert((*used).clone())));
        }
        reached
    };
    let reached: BTreeMap<_, _> = edges
        .keys()
        .map(|module| (module.clone(), reach(module)))
        .collect();
    let in_cycle =
        |user: &Module, used: &Module| reached.get(used).is_some_and(|back| back.contains(user));
    let mut found = Edges::new();
    for (user, all) in edges {
        let bad: BTreeSet<_> = all
            .iter()
            .filter(|used| in_cycle(user, used))
            .cloned()
            .collect();
        if !bad.is_empty() {
            found.insert(user.clone(), bad);
        }
    }
    found
}

fn listed(edges: &Edges) -> BTreeSet<String> {
    let lines = edges.iter().flat_map(|(user, all)| {
        all.iter()
            .map(move |used| format!("{} -> {}", user.join("/"), used.join("/")))
    });
    lines.collect()
}

/// Dependencies between the first-level modules of each crate, including everything below them.
fn by_folder(edges: &Edges) -> Edges {
    let folder = |module: &Module| -> Module {
        let mut folder = vec![module[0].clone()];
        folder.extend(module.get(1).cloned());
        folder
    };
    let mut folders = Edges::new();
    for (user, all) in edges {
        let used = all.iter().map(folder).filter(|used| *used != folder(user));
        folders.entry(folder(user)).or_default().extend(used);
    }
    folders
}

/// Returns the crates of this workspace that a manifest declares outside of `[dev-dependencies]`.
fn declared(manifest: &str) -> BTreeSet<&str> {
    let end = manifest.find("[dev-dependencies]");
    let lines = manifest[..end.unwrap_or(manifest.len())].lines();
    let ours = lines.filter_map(|line| line.strip_prefix("jornada-"));
    ours.filter_map(|line| Some(line.split_once('.')?.0))
        .collect()
}

#[test]
fn crates_declare_only_what_they_may_use() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates");
    let folders = fs::read_dir(&crates).unwrap();
    let found: BTreeSet<_> = folders
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let known: BTreeSet<_> = CRATES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, known);
    for (name, may_use) in CRATES {
        let manifest = fs::read_to_string(crates.join(name).join("Cargo.toml")).unwrap();
        let may_use: BTreeSet<_> = may_use.iter().copied().collect();
        assert_eq!(declared(&manifest), may_use, "crates/{name}/Cargo.toml");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "crates/{name}/Cargo.toml does not inherit the lints"
        );
    }
}

#[test]
fn rules_do_not_inspect_photos() {
    let project = Project::read();
    for (file, source) in project.0.iter().filter(|(file, _)| file[0] == "domain") {
        for path in source.used.iter().filter(|path| path[0] == "jornada_photo") {
            assert!(
                DOMAIN_MAY_USE.contains(&path[1].as_str()),
                "{file:?}: {path:?}"
            );
        }
    }
}

#[test]
fn no_modules_use_each_other() {
    let uses = Project::read().uses();
    let found: BTreeSet<_> = [listed(&cycles(&uses)), listed(&cycles(&by_folder(&uses)))]
        .into_iter()
        .flatten()
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}
