//! Fixtures: a campaign and its registrations.

use std::sync::Arc;

use jiff::Timestamp;
use jornada_domain::registration::{PhotoRef, UniqueKey};
use jornada_domain::{
    Campaign, FormData, Lang, Registration, RegistrationId, RegistrationSelection,
};
use jornada_photo::PhotoFormat;
use jornada_service::csv_guard::Separator;
use jornada_service::reports::ReportSpec;

const CAMPAIGN: &str = r#"
id = "vacunacion"
opens_at = 2026-11-01T06:00:00-05:00
closes_at = 2027-11-30T18:00:00-05:00
time_zone = "America/Bogota"
title = { es = "Vacunación", en = "Vaccination" }

[[fields]]
name = "nombre"
kind = "text"
label = { es = "Nombre", en = "Name" }
required = true
personal = true
min = 1
max = 120

[[fields]]
name = "documento"
kind = "document"
label = { es = "Documento", en = "Document" }
unique = true
personal = true

[[fields]]
name = "ciudad"
kind = "place"
list = "lista.csv"
others = true
label = { es = "Ciudad", en = "City" }
required = true
tally = true

[[fields]]
name = "foto"
kind = "photo"
label = { es = "Foto", en = "Photo" }
required = true
personal = true
"#;

pub const FIRST: &str = "2026-11-21T13:03:04.567Z";

pub fn campaign() -> Arc<Campaign> {
    let list = |_: &str| Ok("name,region\nBogotá,Bogotá D.C.\nMedellín,Antioquia\n".to_owned());
    Arc::new(Campaign::parse(CAMPAIGN, list).unwrap())
}

/// Returns the specification of a report: one city, or all.
pub fn report_spec(value: Option<&str>, lang: Lang) -> ReportSpec {
    ReportSpec {
        campaign: campaign(),
        selection: value.map_or_else(RegistrationSelection::all, RegistrationSelection::for_value),
        lang,
        separator: Separator::for_lang(lang),
        requested_at: "2026-11-22T01:02:03Z".parse().unwrap(),
        base_url: "https://jornada.example".to_owned(),
        totals: None,
    }
}

/// Returns registration `number`, received one second after the previous one.
pub fn person(campaign: &Campaign, number: i64, name: &str, city: &str) -> Registration {
    let document = (10_000_000 + number).to_string();
    let form = FormData {
        parts: vec![
            ("nombre".to_owned(), name.to_owned()),
            ("documento".to_owned(), document.clone()),
            ("ciudad".to_owned(), city.to_owned()),
        ],
        has_photo: true,
    };
    let answers = campaign.validate(&form).unwrap();
    let key = UniqueKey::Answer(document);
    let first: Timestamp = FIRST.parse().unwrap();
    Registration {
        id: RegistrationId::derive(&[7; 32], &campaign.id, &key),
        campaign: campaign.id.clone(),
        tally_value: campaign.tally_value(&answers),
        digest: answers.digest(campaign, Some(&[1; 32])),
        answers,
        photo: Some(PhotoRef {
            sha256: [1; 32],
            format: PhotoFormat::Jpeg,
            bytes: 50_000,
        }),
        received_at: first + jiff::SignedDuration::from_secs(number),
    }
}

/// Returns registrations of one city, one per name.
pub fn people(names: &[&str], city: &str) -> Vec<Registration> {
    let campaign = campaign();
    (0..)
        .zip(names)
        .map(|(number, name)| person(&campaign, number, name, city))
        .collect()
}
