//! Generated registrations: inserted into MongoDB, and written by the workbook library alone, which is the baseline
//! of a report.

use jiff::{SignedDuration, Timestamp};
use jornada_domain::registration::{PhotoRef, UniqueKey};
use jornada_domain::{Campaign, FormData, Registration, RegistrationId};
use jornada_photo::PhotoFormat;
use mongodb::bson::spec::BinarySubtype;
use mongodb::bson::{Binary, DateTime, Document, doc};
use rust_xlsxwriter::{Formula, Workbook};

/// City of all registrations.
pub const CITY: &str = "Bogotá";
/// Rows per batch.
pub const BATCH: usize = 1_000;
/// Different rows in memory: more than the window of any compressor.
pub const POOL: usize = 20_000;
const NAMES: [&str; 8] = [
    "Ana",
    "Luz Marina",
    "José",
    "Ñusta",
    "Carlos",
    "李",
    "Sofía",
    "Andrés Felipe",
];
const SURNAMES: [&str; 7] = [
    "Pérez",
    "Ñandú",
    "Gómez Ríos",
    "Castro",
    "O'Brien",
    "Quiñones",
    "Díaz",
];

/// Returns a registration, the same for the same number.
pub fn person(campaign: &Campaign, number: usize) -> Registration {
    let surname = SURNAMES[number % 7];
    let document = (1_000_000_000 + number * 37).to_string();
    let parts = [
        (
            "nombre",
            format!(
                "{} {surname} {}",
                NAMES[number % 8],
                SURNAMES[number / 7 % 7]
            ),
        ),
        ("documento", document.clone()),
        ("ciudad", CITY.to_owned()),
    ];
    let form = FormData {
        parts: parts.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        has_photo: true,
    };
    let answers = campaign.validate(&form).expect("the form is whole");
    let id = RegistrationId::derive(&[7; 32], &campaign.id, &UniqueKey::Answer(document));
    let first: Timestamp = "2026-11-21T13:00:00Z".parse().expect("a time");
    let later = SignedDuration::from_millis(i64::try_from(number * 61).expect("a small number"));
    Registration {
        id,
        campaign: campaign.id.clone(),
        tally_value: campaign.tally_value(&answers),
        digest: answers.digest(campaign, None),
        answers,
        photo: Some(PhotoRef {
            sha256: [1; 32],
            format: PhotoFormat::Jpeg,
            bytes: 50_000,
        }),
        received_at: first + later,
    }
}

/// Writes the same cells by the library alone, from prepared texts and numbers. Returns the length of the file.
pub fn library(pool: &[Registration], rows: usize, level: u8) -> u64 {
    let ready: Vec<_> = pool.iter().map(cells).collect();
    let mut workbook = Workbook::new();
    workbook.set_zip_compression_level(level);
    let sheet = workbook
        .add_worksheet_with_constant_memory()
        .expect("a sheet");
    for (row, (texts, times, formula)) in (0..).zip(ready.iter().cycle().take(rows)) {
        sheet.write_string(row, 0, &texts[0]).expect("a cell");
        sheet.write_number(row, 1, times[0]).expect("a cell");
        sheet.write_number(row, 2, times[1]).expect("a cell");
        for (col, text) in (3..).zip(&texts[1..]) {
            sheet.write_string(row, col, text).expect("a cell");
        }
        sheet
            .write_formula(row, 6, Formula::new(formula).set_result("Ver foto"))
            .expect("a cell");
    }
    let mut file = tempfile::tempfile().expect("a file");
    workbook.save_to_writer(&mut file).expect("a workbook");
    file.metadata().expect("a length").len()
}

fn cells(person: &Registration) -> (Vec<String>, [f64; 2], String) {
    let answer = |place| person.answers.get(place).unwrap_or_default().to_owned();
    let texts = vec![
        person.id.receipt().to_string(),
        answer(0),
        answer(1),
        answer(2),
    ];
    let days = person.received_at.as_duration().as_secs_f64() / 86_400.0 + 25_569.0;
    let page = format!(
        "https://jornada.example/staff/c/vacunacion/registrations/{}/photo",
        person.id
    );
    (
        texts,
        [days - 5.0 / 24.0, days],
        format!("HYPERLINK(\"{page}\",\"Ver foto\")"),
    )
}

/// Inserts `rows` registrations if the database is empty.
pub async fn fill(campaign: &Campaign, rows: usize, uri: &str) -> mongodb::error::Result<()> {
    let client = mongodb::Client::with_uri_str(uri).await?;
    let database = client
        .default_database()
        .expect("the address names a database");
    let registrations = database.collection::<Document>("registrations");
    if registrations.estimated_document_count().await? > 0 {
        return Ok(());
    }
    for first in (0..rows).step_by(BATCH) {
        let numbers = first..rows.min(first + BATCH);
        let documents = numbers.map(|number| document(campaign, &person(campaign, number)));
        registrations.insert_many(documents).await?;
    }
    Ok(())
}

fn document(campaign: &Campaign, person: &Registration) -> Document {
    let binary = |bytes: &[u8]| Binary {
        subtype: BinarySubtype::Generic,
        bytes: bytes.to_vec(),
    };
    let answers: Document = person
        .answers
        .named(campaign)
        .map(|(name, text)| (name.to_owned(), text.into()))
        .collect();
    let name = campaign.searched_name(&person.answers);
    doc! {
        "_id": binary(person.id.as_bytes()),
        "campaign": campaign.id.as_str(),
        "value": &person.tally_value,
        "answers": answers,
        "name": name.folded,
        "words": name.words,
        "photo": { "sha256": binary(&[1; 32]), "extension": "jpg", "bytes": 50_000_i64 },
        "digest": binary(&person.digest),
        "received_at": DateTime::from_millis(person.received_at.as_millisecond()),
    }
}
