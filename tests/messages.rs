//! Checks the messages in `i18n`: every language has the same ids and arguments, and each message is used.

#![expect(clippy::unwrap_used, reason = "a test fails at once")]

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use fluent_syntax::ast::Entry;
use fluent_syntax::parser;
use jornada::web::error::Error;
use jornada_domain::staff::audit::AuditAction;
use jornada_domain::{DeadLetterReason, RejectionReason};
use strum::{VariantArray, VariantNames};

/// For each message, the names of its arguments.
type Messages = BTreeMap<String, BTreeSet<String>>;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn file(language: &str) -> PathBuf {
    root().join("i18n").join(language).join("jornada.ftl")
}

fn read(language: &str) -> Messages {
    let path = file(language);
    let text = fs::read_to_string(&path).unwrap();
    let resource = parser::parse(text.as_str()).unwrap_or_else(|(_, errors)| {
        let begins_at = text[..errors[0].pos.start].matches('\n').count() + 1;
        panic!("{}:{begins_at}: {}", path.display(), errors[0])
    });
    let mut messages = Messages::new();
    for entry in resource.body {
        if let Entry::Message(message) = entry {
            let id = message.id.name.to_owned();
            let arguments = arguments(&format!("{:?}", message.value));
            let known = messages.insert(id.clone(), arguments);
            assert!(known.is_none(), "{}: {id} occurs twice", path.display());
        }
    }
    messages
}

/// Returns the arguments in the debug output of a pattern.
fn arguments(pattern: &str) -> BTreeSet<String> {
    let found = pattern.split("VariableReference { id: Identifier { name: \"");
    let names = found.skip(1).filter_map(|rest| rest.split('"').next());
    names.map(str::to_owned).collect()
}

fn languages() -> Vec<String> {
    let folders = fs::read_dir(root().join("i18n")).unwrap();
    folders
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn read_sources(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_sources(&path, text);
        } else {
            text.push_str(&fs::read_to_string(&path).unwrap_or_default());
        }
    }
}

fn sources() -> String {
    let mut text = String::new();
    for folder in ["src", "crates", "templates"] {
        read_sources(&root().join(folder), &mut text);
    }
    text
}

#[test]
fn all_languages_have_the_same_messages() {
    let spanish = read("es");
    for language in languages() {
        let messages = read(&language);
        let path = file(&language);
        let path = path.display();
        for (id, arguments) in &spanish {
            let Some(own) = messages.get(id) else {
                panic!("{path} lacks {id}: translate it from i18n/es");
            };
            assert_eq!(
                own, arguments,
                "{path}: {id} must have the arguments of i18n/es"
            );
        }
        let unknown = messages.keys().find(|id| !spanish.contains_key(*id));
        assert_eq!(
            unknown, None,
            "{path}: add this message to i18n/es, or delete it"
        );
    }
}

/// Pages of the staff area with the notices that they show after a redirect.
const NOTICES: [&str; 20] = [
    "dead-letters-replayed",
    "dead-letters-dropped",
    "account-password",
    "account-session",
    "account-second",
    "account-second-off",
    "account-detail-role",
    "account-detail-sessions",
    "account-detail-closed",
    "closure-closed",
    "closure-reopened",
    "registration-corrected",
    "registration-same",
    "tokens-revoked",
    "search-deleted",
    "search-lifted",
    "reviews-decided",
    "login-out",
    "login-everywhere",
    "login-password",
];

/// Returns the ids that are built from the name of an error, action, reason or notice, which the compiler cannot check.
fn built_ids() -> BTreeSet<String> {
    let errors = Error::VARIANTS.iter().flat_map(|name| {
        // The text of a photo has its own ids.
        let detail = (*name != "invalid-photo").then(|| format!("error-{name}-detail"));
        [format!("error-{name}")].into_iter().chain(detail)
    });
    let actions = AuditAction::VARIANTS.iter();
    let actions = actions.map(|action| format!("staff-action-{action}"));
    let reasons = RejectionReason::VARIANTS.iter();
    let reasons = reasons.map(|reason| format!("staff-rejection-{}", <&str>::from(reason)));
    let notices = NOTICES.iter().map(|name| format!("staff-notice-{name}"));
    let letters = DeadLetterReason::VARIANTS.iter();
    let letters = letters.map(|reason| {
        let name = reason.to_string().replace('_', "-");
        format!("staff-dead-letter-reason-{name}")
    });
    let built = errors.chain(actions).chain(reasons).chain(notices);
    let built = built.chain(letters);
    built.collect()
}

#[test]
fn every_built_id_has_a_message() {
    let spanish = read("es");
    let missing: Vec<_> = built_ids()
        .into_iter()
        .filter(|id| !spanish.contains_key(id))
        .collect();
    assert!(missing.is_empty(), "add these messages: {missing:#?}");
}

#[test]
fn every_message_is_used() {
    let built = built_ids();
    let sources = sources();
    let quoted: HashSet<_> = sources.split('"').collect();
    let spanish = read("es");
    let unused: Vec<_> = spanish
        .keys()
        .filter(|id| !quoted.contains(id.as_str()) && !built.contains(*id))
        .collect();
    assert!(
        unused.is_empty(),
        "delete these messages in each language: {unused:#?}"
    );
}

/// The macro does not find this mistake.
#[test]
fn no_message_lacks_all_its_arguments() {
    let sources: String = sources().split_whitespace().collect();
    let spanish = read("es").into_iter();
    for (id, arguments) in spanish.filter(|(_, arguments)| !arguments.is_empty()) {
        assert!(
            !sources.contains(&format!(",\"{id}\")")),
            "text!(…, \"{id}\") needs the arguments {arguments:?}"
        );
    }
}
