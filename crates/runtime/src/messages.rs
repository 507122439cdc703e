//! Texts of the user interface. They are in `i18n/<language>/jornada.ftl`, in the syntax of Fluent.

use std::collections::HashMap;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use fluent_syntax::ast::Entry;
#[doc(hidden)]
pub use i18n_embed_fl::fl;

const SPANISH: &str = include_str!("../../../i18n/es/jornada.ftl");
const ENGLISH: &str = include_str!("../../../i18n/en/jornada.ftl");

/// Returns a message: `text!(lang, "common-print")` is a `&'static str`, and with arguments, as in
/// `text!(lang, "watch-down", result = words)`, a `String`. Checks id and arguments at compile time.
#[macro_export]
macro_rules! text {
    ($lang:expr, $($message:tt)+) => {
        $crate::messages::fl!($crate::messages::for_language($lang.tag()), $($message)+)
    };
}

/// Returns the messages of a language, Spanish if there are none.
pub fn for_language(language: &str) -> &'static Messages {
    static ES: LazyLock<Messages> = LazyLock::new(|| Messages::load("es", &[SPANISH]));
    static EN: LazyLock<Messages> = LazyLock::new(|| Messages::load("en", &[SPANISH, ENGLISH]));
    match language {
        "en" => &EN,
        _ => &ES,
    }
}

/// All messages of a language. [`text!`] calls the methods through `fl!`, which prescribes their names.
pub struct Messages {
    bundle: FluentBundle<FluentResource>,
    /// Messages without arguments, formatted once because a page shows dozens of them.
    plain: HashMap<String, String>,
}

impl Messages {
    /// Reads files in ascending priority.
    fn load(language: &str, files: &[&str]) -> Self {
        let mut messages = Self {
            bundle: FluentBundle::new_concurrent(language.parse().into_iter().collect()),
            plain: HashMap::new(),
        };
        messages.bundle.set_use_isolating(false);
        let mut ids = Vec::new();
        for file in files {
            // Leaves out a message with a syntax error, which a test would find.
            let resource = FluentResource::try_new((*file).to_owned());
            let resource = resource.unwrap_or_else(|(valid, _)| valid);
            ids.extend(resource.entries().filter_map(|entry| match entry {
                Entry::Message(message) => Some(message.id.name.to_owned()),
                _ => None,
            }));
            messages.bundle.add_resource_overriding(resource);
        }
        for id in ids {
            if let Some(text) = messages.format(&id, None) {
                messages.plain.insert(id, text);
            }
        }
        messages
    }

    /// Returns a message without arguments.
    pub fn get(&self, id: &str) -> &str {
        self.plain.get(id).map_or("", String::as_str)
    }

    /// Returns a message with its arguments.
    pub fn get_args_concrete<'a>(
        &self,
        id: &str,
        args: HashMap<&'a str, FluentValue<'a>>,
    ) -> String {
        let args = args.into_iter().collect();
        self.format(id, Some(&args)).unwrap_or_default()
    }

    /// Returns `None` if the message or an argument is missing.
    fn format(&self, id: &str, args: Option<&FluentArgs<'_>>) -> Option<String> {
        let pattern = self.bundle.get_message(id)?.value()?;
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, args, &mut errors);
        errors.is_empty().then(|| text.into_owned())
    }
}
