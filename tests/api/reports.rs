//! Reports through the API: who may download them, and that their content is complete.

use calamine::{Data, Reader, Xlsx};

use crate::on_both;
use jornada_testkit::instance::{Installation, Stores, expect_problem};

on_both!(a_report_of_a_city_contains_what_was_sent);

const NAMES: [&str; 6] = [
    "José Ñandú",
    "O'Brien",
    "李",
    "=HYPERLINK(\"http://x\")",
    "نور المثال",
    "@SUM(1;2)",
];

async fn a_report_of_a_city_contains_what_was_sent(stores: Stores) {
    let installation = Installation::new(stores);
    let app = installation.start().await;
    for (number, name) in NAMES.iter().enumerate() {
        let document = format!("600000{number}");
        assert_eq!(
            app.register(name, &document, "cúcuta").await.status(),
            201,
            "{name}"
        );
    }
    assert_eq!(
        app.register("Otra Ciudad", "6100000", "Cali")
            .await
            .status(),
        201
    );
    let token = installation.create_token();
    let report = app.report("cucuta.xlsx", &token).await;
    assert_eq!(report.status(), 200);
    assert_eq!(report.headers()["x-report-rows"], "6");
    assert_eq!(report.headers()["cache-control"], "no-store");
    let bytes = report.bytes().await.unwrap().to_vec();
    let mut book: Xlsx<_> = calamine::open_workbook_from_rs(std::io::Cursor::new(bytes)).unwrap();
    let sheet = book.worksheet_range("Cúcuta").unwrap();
    for name in NAMES {
        let found = sheet
            .cells()
            .any(|(_, _, cell)| *cell == Data::String(name.into()));
        assert!(found, "{name} is not in the list as it was sent");
    }
    let csv = app.report("Cúcuta.csv", &token).await.text().await.unwrap();
    assert!(
        csv.contains("José Ñandú") && csv.contains("'=HYPERLINK"),
        "{csv}"
    );
    assert_eq!(csv.lines().count(), 7);
    for (query, separator) in [
        ("", ';'),
        ("?lang=en", ','),
        ("?separator=comma", ','),
        ("?lang=en&separator=%3B", ';'),
        ("?separator=tab", '\t'),
    ] {
        let file = app.report(&format!("Cúcuta.csv{query}"), &token).await;
        let header = file.text().await.unwrap();
        let header = header.lines().next().unwrap();
        assert_eq!(header.matches(separator).count(), 6, "{query}: {header}");
    }
    let wrong = app.report("Cúcuta.csv?separator=x", &token).await;
    expect_problem(wrong, 400).await;
    let all = app.report("_all.csv", &token).await;
    assert_eq!(all.headers()["x-report-rows"], "7");
    for (days, rows) in [
        ("from=2001-01-01&until=2099-12-31", "6"),
        ("from=2099-12-31", "0"),
        ("until=2001-01-01", "0"),
    ] {
        let some = app.report(&format!("cucuta.csv?{days}"), &token).await;
        assert_eq!(some.headers()["x-report-rows"], rows, "{days}");
    }
    for days in [
        "from=ayer",
        "until=",
        "separator=",
        "until=2026-02-30",
        "from=2026-02-02&until=2026-02-01",
    ] {
        expect_problem(app.report(&format!("cucuta.csv?{days}"), &token).await, 400).await;
    }
}

#[tokio::test]
async fn reports_require_staff_and_a_known_city() {
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let refused = app.report("Cali.xlsx", "jornada_wrong").await;
    assert!(refused.headers().contains_key("www-authenticate"));
    expect_problem(refused, 401).await;
    let token = installation.create_token();
    expect_problem(app.report("Atlantis.xlsx", &token).await, 404).await;
    expect_problem(app.report("Cali.pdf", &token).await, 404).await;
    let empty = app.report("Mocoa.xlsx", &token).await;
    assert_eq!(
        (empty.status().as_u16(), &empty.headers()["x-report-rows"]),
        (200, &"0".parse().unwrap())
    );
}
