//! Answers: validated without a panic. Validated answers pass again unchanged and have the same tally value.
#![no_main]

use std::sync::LazyLock;

use jornada_domain::answers::CONSENT;
use jornada_domain::{Answers, Campaign, FormData};
use libfuzzer_sys::fuzz_target;

static CAMPAIGNS: LazyLock<[Campaign; 2]> = LazyLock::new(|| {
    let cities = include_str!("../../campaigns/ciudades-colombia.csv");
    let read = |file| Campaign::parse(file, |_| Ok(cities.to_owned())).expect("as shipped");
    [
        read(include_str!("../../campaigns/vacunacion.toml")),
        read(include_str!("../../campaigns/mejor-disco.toml")),
    ]
});

fuzz_target!(|text: &str| {
    // One answer per line, in the order of the fields; a prefix `name=` selects another field.
    for campaign in &*CAMPAIGNS {
        check(campaign, &form(campaign, text));
    }
});

fn form(campaign: &Campaign, text: &str) -> FormData {
    let texts = campaign.fields.iter().filter(|field| !field.is_photo());
    let names = texts.map(|field| field.name.as_str()).chain([CONSENT]);
    let parts = text.split('\n').zip(names.chain(std::iter::repeat("more")));
    let part = |(line, name): (&str, &str)| match line.split_once('=') {
        Some((other, value)) => (other.to_owned(), value.to_owned()),
        None => (name.to_owned(), line.to_owned()),
    };
    FormData {
        parts: parts.map(part).collect(),
        has_photo: true,
    }
}

fn check(campaign: &Campaign, form: &FormData) {
    match campaign.validate(form) {
        Ok(answers) => check_stable(campaign, &answers),
        Err(refusals) => assert!(!refusals.is_empty()),
    }
}

/// Asserts that validated answers are clean, and that sending them again makes the same registration.
fn check_stable(campaign: &Campaign, answers: &Answers) {
    let mut form = FormData {
        has_photo: true,
        ..FormData::default()
    };
    for (name, value) in answers.named(campaign) {
        assert!(
            !value.chars().any(|c| c.is_control() && c != '\n'),
            "{value:?}"
        );
        assert_eq!(value.trim(), value);
        form.parts.push((name.to_owned(), value.to_owned()));
    }
    form.parts.push((CONSENT.to_owned(), "true".to_owned()));
    if campaign.consent.is_none() {
        form.parts.pop();
    }
    let again = campaign
        .validate(&form)
        .expect("validated answers are valid");
    assert_eq!(&again, answers);
    assert_eq!(again.digest(campaign, None), answers.digest(campaign, None));
    assert_eq!(campaign.tally_value(&again), campaign.tally_value(answers));
}
