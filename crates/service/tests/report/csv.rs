//! CSV reports, compared as bytes and parsed as records.

use jornada_domain::Lang;
use jornada_service::reports::csv::CsvWriter;

use crate::people::{people, report_spec};

fn write_csv(names: &[&str]) -> String {
    let mut bytes = Vec::new();
    let mut csv = CsvWriter::new(&report_spec(Some("Bogotá"), Lang::Es), &mut bytes).unwrap();
    let rows = people(names, "Bogotá");
    for row in &rows {
        csv.write(row).unwrap();
    }
    assert_eq!(csv.rows(), rows.len() as u64);
    csv.finish().unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn it_has_a_mark_a_header_and_nothing_but_registrations() {
    let text = write_csv(&["José, \"Ñandú\"", "李"]);
    let rows = people(&["a", "b"], "Bogotá");
    let [first, second] = [&rows[0], &rows[1]].map(|row| (row.id.receipt(), row.id));
    let page = "https://jornada.example/staff/c/vacunacion/registrations";
    let expected = [
        "\u{FEFF}Recibo;Recibido (hora local);Recibido (UTC);Nombre;Documento;Ciudad;Foto"
            .to_owned(),
        format!(
            "{};2026-11-21 08:03:04;2026-11-21T13:03:04.567Z;\"José, \"\"Ñandú\"\"\";10000000;Bogotá;{page}/{}/photo",
            first.0, first.1
        ),
        format!(
            "{};2026-11-21 08:03:05;2026-11-21T13:03:05.567Z;李;10000001;Bogotá;{page}/{}/photo",
            second.0, second.1
        ),
        String::new(),
    ];
    assert_eq!(text, expected.join("\r\n"));
}

#[test]
fn a_spreadsheet_runs_none_of_it() {
    let names = [
        "=HYPERLINK(\"http://x\")",
        "+57",
        "-1",
        "@x",
        "O'Brien",
        "Ana;=cmd|'/C calc'!A0;",
    ];
    let text = write_csv(&names);
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(b';')
        .from_reader(text.as_bytes());
    let found: Vec<_> = reader
        .records()
        .map(|row| row.unwrap()[3].to_owned())
        .collect();
    assert_eq!(
        found,
        [
            "'=HYPERLINK(\"http://x\")",
            "'+57",
            "'-1",
            "'@x",
            "O'Brien",
            "Ana;'=cmd|'/C calc'!A0;"
        ]
    );
}

#[test]
fn an_empty_city_is_its_header() {
    assert_eq!(write_csv(&[]).lines().count(), 1);
}
