//! Checks that no module imports from a higher layer, and that no modules depend on each other in a cycle.
//!
//! # Input
//!
//! The `use` lines and paths in `src` and `crates/*/src`. Method calls and the output of macros of other crates are not
//! seen.
//!
//! # Upward imports
//!
//! [`CRATES`] lists which crate may use which. Until a crate has its own folder, it consists of the listed modules of `src`.
//! Unit tests count, since they move with their module. Paths are checked as written: importing a type through a
//! re-export of a higher layer counts as using that layer.
//!
//! # Cycles
//!
//! A module is a file. It uses another if its code, unit tests aside, names an item *defined* there: a path through
//! `use` lines is followed to the file that defines the item. So a parent neither uses a child by declaring it, nor by
//! passing its items on, and a child does not use its parent by `super::Thing` where the parent only imports `Thing`. A
//! parent that calls a child whose code needs an item defined in the parent makes a cycle: the item belongs in a file of
//! its own, below both.
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

/// For each crate: name without `jornada-`, modules while they are in `src`, and the crates that it may use.
const CRATES: [(&str, &[&str], &[&str]); 8] = [
    ("photo", &["photo/inspect", "photo/format"], &[]),
    ("domain", &["domain"], &["photo"]),
    (
        "runtime",
        &[
            "telemetry",
            "cache",
            "low_priority",
            "messages",
            "blocking",
            "background",
        ],
        &[],
    ),
    ("store", &["store"], &["domain", "runtime"]),
    (
        "objects",
        &[
            "photo/aead",
            "photo/encryption",
            "photo/object_store",
            "photo/key",
            "photo/s3",
            "photo/disk",
            "photo/error",
            "photo/setting",
        ],
        &["photo", "domain", "runtime"],
    ),
    (
        "service",
        &[
            "admission",
            "intake",
            "retention",
            "tally",
            "report",
            "staff",
            "campaigns",
            "key",
            "csv_guard",
        ],
        &["photo", "domain", "runtime", "store", "objects"],
    ),
    (
        "http",
        &[
            "web/page",
            "web/lang",
            "web/headers",
            "web/assets",
            "web/upload",
            "web/budget",
            "web/healthz",
            "web/metrics",
        ],
        &["photo", "domain", "runtime"],
    ),
    ("watch", &["watch"], &["domain", "runtime", "http"]),
];

/// Items of `photo` that `domain` may use: the format, but not the inspection.
const DOMAIN_MAY_USE: [&str; 2] = ["PhotoFormat", "MAX_PHOTO_BYTES"];

/// Module that only re-exports items of two crates.
const FACADE: &str = "photo";

/// Upward imports and cycles that remain, as `user -> used`. The list may only shrink.
const EXCEPTIONS: [&str; 0] = [];

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

/// Returns the crate of a module, now or after the split.
fn crate_of(module: &Module) -> &str {
    if module[0] != ROOT {
        return &module[0];
    }
    let path = module[1..].join("/");
    let holds = |prefix: &&str| path == **prefix || path.starts_with(&format!("{prefix}/"));
    let longest = |modules: &[&str]| {
        modules
            .iter()
            .filter(|prefix| holds(prefix))
            .map(|prefix| prefix.len())
            .max()
    };
    let known = CRATES
        .iter()
        .filter_map(|(name, modules, _)| Some((longest(modules)?, *name)));
    known.max().map_or(ROOT, |(_, name)| name)
}

fn may_use(user: &str, target: &str) -> bool {
    let known = CRATES.iter().find(|(name, ..)| *name == user);
    user == target || known.is_none_or(|(.., below)| below.contains(&target))
}

fn edge(user: &Module, target: &Module) -> String {
    format!("{} -> {}", user.join("/"), target.join("/"))
}

fn is_facade(module: &Module) -> bool {
    module[..] == [ROOT, FACADE].map(str::to_owned)
}

fn is_inspection(user: &str, target: &str, item: &[String]) -> bool {
    let is_format = |name: &String| DOMAIN_MAY_USE.contains(&name.as_str());
    (user, target) == ("domain", "photo") && !item.first().is_some_and(is_format)
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
    let lines = edges
        .iter()
        .flat_map(|(user, all)| all.iter().map(move |used| edge(user, used)));
    lines.collect()
}

/// Dependencies between the first-level modules of each crate, including everything below them.
fn by_folder(edges: &Edges) -> Edges {
    let folder = |module: &Module| -> Module {
        let mut folder = vec![crate_of(module).to_owned()];
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

fn check(found: &BTreeSet<String>) {
    let known: BTreeSet<_> = EXCEPTIONS.into_iter().map(str::to_owned).collect();
    let new: Vec<_> = found.difference(&known).collect();
    assert!(new.is_empty(), "{new:#?}");
}

fn upward(project: &Project) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (file, source) in &project.0 {
        let user = crate_of(file);
        if user == ROOT || is_facade(file) {
            continue;
        }
        for path in &source.with_tests {
            let Some((mut target, mut rest)) = project.find(file, path) else {
                continue;
            };
            if is_facade(&target) {
                let Some(defined) = project.defined(file, path) else {
                    continue;
                };
                (target, rest) = defined;
            }
            // `pub(in crate::photo)`
            let is_place = target[..] == [ROOT.to_owned()] || is_facade(&target);
            let below = crate_of(&target);
            if !is_place && (!may_use(user, below) || is_inspection(user, below, &rest)) {
                found.insert(edge(file, &target));
            }
        }
    }
    found
}

#[test]
fn no_module_uses_one_above_it() {
    check(&upward(&Project::read()));
}

#[test]
fn no_modules_use_each_other() {
    let uses = Project::read().uses();
    check(&listed(&cycles(&uses)));
    check(&listed(&cycles(&by_folder(&uses))));
}

#[test]
fn every_exception_is_still_needed() {
    let project = Project::read();
    let uses = project.uses();
    let mut found = upward(&project);
    found.extend(listed(&cycles(&uses)));
    found.extend(listed(&cycles(&by_folder(&uses))));
    for exception in EXCEPTIONS {
        assert!(
            found.contains(exception),
            "{exception} no longer occurs: delete it from the list"
        );
    }
}
