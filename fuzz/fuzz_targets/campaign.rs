//! Campaign files and their place lists: parsed, or rejected with errors that name existing lines.
#![no_main]

use jornada_domain::{Campaign, FormData};
use libfuzzer_sys::fuzz_target;

/// Separates the campaign file from the place list in the input.
const SEPARATOR: &str = "\n#### list\n";

fuzz_target!(|text: &str| {
    let (file, list) = text.split_once(SEPARATOR).unwrap_or((text, ""));
    match Campaign::parse(file, |_| Ok(list.to_owned())) {
        Ok(campaign) => check_invariants(&campaign),
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "a rejection has errors");
            for mistake in mistakes {
                let last = 1 + file.matches('\n').count();
                assert!((1..=last).contains(&mistake.line), "{mistake}");
                assert!(!mistake.message.trim().is_empty(), "{mistake}");
            }
        }
    }
});

/// Asserts what the rest of the program relies on.
fn check_invariants(campaign: &Campaign) {
    assert!(campaign.opens_at < campaign.closes_at);
    assert!(!campaign.fields.is_empty());
    assert!(campaign.field(&campaign.tally_field().name).is_some());
    assert!(
        campaign
            .fields
            .iter()
            .filter(|field| field.is_photo())
            .count()
            <= 1
    );
    assert!(campaign.fields.iter().filter(|field| field.tally).count() == 1);
    assert!(campaign.staff_tally().is_some() && campaign.public_tallies().next().is_some());
    for index in campaign.counted_fields() {
        let field = &campaign.fields[index];
        assert!(field.is_counted && !field.personal && !field.is_photo());
    }
    let refused = campaign.validate(&FormData::default());
    let required = campaign.fields.iter().any(|field| field.required);
    assert!(refused.is_err() || !(required || campaign.consent.is_some()));
}
