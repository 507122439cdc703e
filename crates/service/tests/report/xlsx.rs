//! Workbooks, parsed with calamine; what it does not expose is read from the ZIP entries.

use std::io::{Cursor, Read};

use calamine::{Data, Range, Reader, Xlsx as Workbook};
use jornada_domain::{FormData, Lang, Registration};
use jornada_service::reports::ReportSpec;
use jornada_service::reports::xlsx::{SHEET_ROWS, XlsxWriter};

use crate::people::{campaign, people, person, report_spec};

fn workbook(subject: ReportSpec, rows: &[Registration], sheet_rows: u32) -> Vec<u8> {
    let mut xlsx = XlsxWriter::new(subject, sheet_rows).unwrap();
    for row in rows {
        xlsx.write(row).unwrap();
    }
    assert_eq!(xlsx.rows(), rows.len() as u64);
    let mut bytes = Vec::new();
    xlsx.finish(&mut bytes).unwrap();
    bytes
}

fn open_workbook(bytes: &[u8]) -> Workbook<Cursor<&[u8]>> {
    Workbook::new(Cursor::new(bytes)).unwrap()
}

fn column_texts(sheet: &Range<Data>, column: usize) -> Vec<String> {
    sheet.rows().map(|row| row[column].to_string()).collect()
}

fn read_zip_entry(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    let mut file = archive.by_name(name).unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn names_of_every_script_are_found_as_sent() {
    let names = [
        "José Ñandú",
        "O'Brien",
        "李",
        "=HYPERLINK(\"http://x\")",
        "+57 <b>&amp;\"",
        "_x0041_",
        "नमस्ते",
        "😀",
    ];
    let bytes = workbook(
        report_spec(Some("Bogotá"), Lang::Es),
        &people(&names, "Bogotá"),
        SHEET_ROWS,
    );
    let mut book = open_workbook(&bytes);
    let sheet = book.worksheet_range("Bogotá").unwrap();
    assert_eq!(
        sheet.rows().next().unwrap(),
        [
            "Recibo",
            "Recibido (hora local)",
            "Recibido (UTC)",
            "Nombre",
            "Documento",
            "Ciudad",
            "Foto"
        ]
        .map(|label| Data::String(label.to_owned()))
    );
    let told: Vec<_> = sheet.rows().skip(1).take(names.len()).collect();
    for (row, name) in told.iter().zip(names) {
        assert_eq!(row[3], Data::String(name.to_owned()));
    }
    // The only formulas are the links to photos.
    let formulas = book.worksheet_formula("Bogotá").unwrap();
    let links = formulas.cells().filter(|(_, _, text)| !text.is_empty());
    let links: Vec<_> = links
        .map(|(_, column, text)| (column, text.clone()))
        .collect();
    let page = "https://jornada.example/staff/c/vacunacion/registrations";
    let expected = people(&names, "Bogotá").into_iter().map(|person| {
        let number = person.id.receipt();
        (
            0,
            format!("HYPERLINK(\"{page}/{number}/photo\",\"Ver foto\")"),
        )
    });
    assert_eq!(links, expected.collect::<Vec<_>>());
    assert!(
        told.iter()
            .all(|row| row[6] == Data::String("Ver foto".to_owned()))
    );
}

#[test]
fn an_empty_answer_leaves_the_others_in_their_columns() {
    let form = FormData {
        parts: [("nombre", "Ana"), ("ciudad", "Bogotá")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        has_photo: true,
    };
    let mut rows = people(&["Ana", "Luz"], "Bogotá");
    rows[0].answers = campaign().validate(&form).unwrap();
    rows[0].photo = None;
    let bytes = workbook(report_spec(Some("Bogotá"), Lang::Es), &rows, SHEET_ROWS);
    let sheet = open_workbook(&bytes).worksheet_range("Bogotá").unwrap();
    for (row, expected) in [
        (1, ["Ana", "", "Bogotá", ""]),
        (2, ["Luz", "10000001", "Bogotá", "Ver foto"]),
    ] {
        let cells = sheet.rows().nth(row).unwrap();
        assert_eq!(
            cells[3..]
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            expected
        );
    }
}

#[test]
fn times_are_dates_on_both_clocks() {
    let rows = people(&["Ana"], "Bogotá");
    let bytes = workbook(report_spec(Some("Bogotá"), Lang::Es), &rows, SHEET_ROWS);
    let sheet = open_workbook(&bytes).worksheet_range("Bogotá").unwrap();
    let date = |column| match sheet.get_value((1, column)).unwrap() {
        Data::DateTime(date) => date.to_ymd_hms_milli(),
        other => panic!("{other:?} is no date"),
    };
    assert_eq!(date(1), (2026, 11, 21, 8, 3, 4, 567));
    assert_eq!(date(2), (2026, 11, 21, 13, 3, 4, 567));
    assert_eq!(
        sheet.get_value((1, 0)).unwrap(),
        &Data::String(rows[0].id.receipt().to_string())
    );
}

#[test]
fn the_total_stands_apart_from_the_filter() {
    let rows = people(&["Ana", "Luz", "李"], "Medellín");
    let bytes = workbook(report_spec(Some("Medellín"), Lang::Es), &rows, SHEET_ROWS);
    let sheet = open_workbook(&bytes).worksheet_range("Medellín").unwrap();
    let last: Vec<_> = sheet.rows().skip(4).collect();
    assert!(last[0].iter().all(|cell| *cell == Data::Empty));
    assert_eq!(last[1][0], Data::String("Total".to_owned()));
    assert_eq!(last[1][1], Data::Float(3.0));
    let xml = read_zip_entry(&bytes, "xl/worksheets/sheet1.xml");
    assert!(xml.contains(r#"<autoFilter ref="A1:G4"/>"#));
    assert!(xml.contains(r#"state="frozen""#));
    let styles = read_zip_entry(&bytes, "xl/styles.xml");
    let (_, formats) = styles.split_once("<cellXfs ").unwrap();
    // In a cell of each kind: the format that it names.
    for (start, format) in [
        ("t=\"str\"><f>HYPERLINK", "fontId=\"2\""),
        ("><v>46347.", "numFmtId=\"164\""),
    ] {
        let (cell, _) = xml.split_once(start).unwrap();
        let style: usize = cell.rsplit('"').nth(1).unwrap().parse().unwrap();
        let named = formats.split("<xf ").nth(style + 1).unwrap();
        assert!(named.contains(format), "{named}");
    }
}

#[test]
fn an_empty_city_is_a_file_with_total_0() {
    let bytes = workbook(report_spec(Some("Bogotá"), Lang::En), &[], SHEET_ROWS);
    let sheet = open_workbook(&bytes).worksheet_range("Bogotá").unwrap();
    assert_eq!(column_texts(&sheet, 0), ["Receipt", "", "Total"]);
    assert_eq!(column_texts(&sheet, 1), ["Received (local time)", "", "0"]);
}

#[test]
fn a_long_list_goes_on_in_further_sheets() {
    let names = ["1", "2", "3", "4", "5", "6", "7", "8"];
    for (count, sheet_rows, lasts) in [(8, 5, 2), (7, 5, 3), (4, 5, 2), (2, 5, 1), (3, 5, 2)] {
        let rows = people(&names[..count], "Bogotá");
        let bytes = workbook(report_spec(Some("Bogotá"), Lang::Es), &rows, sheet_rows);
        let mut book = open_workbook(&bytes);
        let sheets = book.sheet_names();
        let mut found = Vec::new();
        for name in &sheets {
            let sheet = book.worksheet_range(name).unwrap();
            assert!(sheet.height() <= sheet_rows as usize);
            let column = column_texts(&sheet, 3);
            assert_eq!(column[0], "Nombre");
            let times = sheet.rows().skip(1).filter(|row| row[3] != Data::Empty);
            assert!(
                times
                    .into_iter()
                    .all(|row| matches!(row[2], Data::DateTime(_)))
            );
            found.extend(column.into_iter().skip(1).filter(|name| !name.is_empty()));
            let total = column_texts(&sheet, 0).iter().any(|cell| cell == "Total");
            assert_eq!(total, Some(name) == sheets.last());
        }
        assert_eq!(found, &names[..count]);
        for number in 1..=sheets.len() {
            let xml = read_zip_entry(&bytes, &format!("xl/worksheets/sheet{number}.xml"));
            assert_eq!(xml.contains("tabSelected"), number == 1, "one is selected");
        }
        assert!(sheets.len() >= lasts, "{count} rows in {sheets:?}");
        assert_eq!(sheets[0], "Bogotá");
    }
}

#[test]
fn every_city_comes_with_totals_and_their_chart() {
    let campaign = campaign();
    let cities = [
        "Bogotá",
        "Bogotá",
        "Leticia",
        "Medellín",
        "Medellín",
        "Medellín",
    ];
    let rows: Vec<_> = (0..)
        .zip(cities)
        .map(|(number, city)| person(&campaign, number, "Ana", city))
        .collect();
    let bytes = workbook(report_spec(None, Lang::En), &rows, SHEET_ROWS);
    let mut book = open_workbook(&bytes);
    assert_eq!(book.sheet_names(), ["List", "Totals"]);
    let list = book.worksheet_range("List").unwrap();
    assert_eq!(
        column_texts(&list, 5)[1..7],
        rows.iter()
            .map(|row| row.answers.get(2).unwrap())
            .collect::<Vec<_>>()
    );
    let totals = book.worksheet_range("Totals").unwrap();
    assert_eq!(
        column_texts(&totals, 0),
        ["City", "Medellín", "Bogotá", "Leticia", "", "Total"]
    );
    assert_eq!(column_texts(&totals, 1), ["Count", "3", "2", "1", "", "6"]);
    let chart = read_zip_entry(&bytes, "xl/charts/chart1.xml");
    assert!(chart.contains("<c:f>Totals!$A$2:$A$4</c:f>"));
    assert!(chart.contains("<c:v>Medellín</c:v>"));
}

#[test]
fn nobody_at_all_is_a_file_too() {
    let bytes = workbook(report_spec(None, Lang::Es), &[], SHEET_ROWS);
    let mut book = open_workbook(&bytes);
    assert_eq!(book.sheet_names(), ["Lista", "Totales"]);
    let totals = book.worksheet_range("Totales").unwrap();
    assert_eq!(column_texts(&totals, 1), ["Total", "", "0"]);
}

#[test]
fn properties_say_what_the_file_is() {
    let rows = people(&["Ana", "Luz"], "Bogotá");
    let bytes = workbook(report_spec(Some("Bogotá"), Lang::Es), &rows, SHEET_ROWS);
    let core = read_zip_entry(&bytes, "docProps/core.xml");
    assert!(core.contains("<dc:title>Vacunación: Bogotá</dc:title>"));
    assert!(core.contains("<dc:description>2 filas, 2026-11-22T01:02:03Z</dc:description>"));
    assert!(core.contains(">2026-11-22T01:02:03Z</dcterms:created>"));
    let custom = read_zip_entry(&bytes, "docProps/custom.xml");
    for (name, value) in [
        ("campaign", "<vt:lpwstr>vacunacion</vt:lpwstr>"),
        ("value", "<vt:lpwstr>Bogotá</vt:lpwstr>"),
        ("made_at", "<vt:filetime>2026-11-22T01:02:03Z</vt:filetime>"),
        ("rows", "<vt:lpwstr>2</vt:lpwstr>"),
    ] {
        assert!(
            custom.contains(&format!("name=\"{name}\">{value}")),
            "{custom}"
        );
    }
}

#[test]
fn a_link_that_excel_would_refuse_is_text() {
    let mut subject = report_spec(Some("Bogotá"), Lang::Es);
    subject.base_url = format!("https://{}.example", "a".repeat(200));
    let bytes = workbook(subject, &people(&["Ana"], "Bogotá"), SHEET_ROWS);
    let mut book = open_workbook(&bytes);
    let sheet = book.worksheet_range("Bogotá").unwrap();
    let cell = sheet.get_value((1, 6)).unwrap().to_string();
    assert!(cell.starts_with("https://aaa") && cell.ends_with("/photo"));
    assert!(book.worksheet_formula("Bogotá").unwrap().is_empty());
}
