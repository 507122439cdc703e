//! Generation of reports: batches become one unnamed file.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use calamine::{Reader, Xlsx as Workbook};
use jornada_domain::job::ReportFormat;
use jornada_domain::{Lang, Registration};
use jornada_service::reports::{FinishedReport, Progress, ReportError, ReportGenerator};
use jornada_store::{InsertOutcome, NewRegistration, Store, StoreSetting};

use crate::people::{campaign, people, person, report_spec};

async fn write_report(
    batches: Vec<Vec<Registration>>,
    least: u64,
    format: ReportFormat,
) -> Result<FinishedReport, ReportError> {
    let reports = ReportGenerator::new(0);
    let mut draft = reports
        .open(report_spec(Some("Bogotá"), Lang::Es), format)
        .await?;
    for batch in batches {
        draft = draft.add(batch).await?;
    }
    draft.finish(least).await
}

#[tokio::test]
async fn batches_become_one_file() {
    let batches = vec![people(&["Ana", "Luz"], "Bogotá"), people(&["李"], "Bogotá")];
    for format in [ReportFormat::Xlsx, ReportFormat::Csv] {
        let mut finished = write_report(batches.clone(), 3, format).await.unwrap();
        let mut bytes = Vec::new();
        finished.file.read_to_end(&mut bytes).unwrap();
        assert_eq!((finished.rows, finished.bytes), (3, bytes.len() as u64));
        let metadata = finished.file.metadata().unwrap();
        assert_eq!(metadata.nlink(), 0, "it has no name to be found by");
        if format == ReportFormat::Xlsx {
            let book = Workbook::new(std::io::Cursor::new(bytes)).unwrap();
            assert_eq!(book.sheet_names(), ["Bogotá"]);
        }
    }
}

#[tokio::test]
async fn a_short_list_is_an_error() {
    let short = write_report(vec![people(&["Ana"], "Bogotá")], 2, ReportFormat::Xlsx).await;
    let Err(ReportError::RowsMissing {
        expected: 2,
        read: 1,
        written: 1,
    }) = short
    else {
        panic!("{short:?}");
    };
}

#[tokio::test]
async fn more_than_was_counted_arrived_meanwhile() {
    let longer = write_report(
        vec![people(&["Ana", "Luz"], "Bogotá")],
        1,
        ReportFormat::Csv,
    )
    .await;
    assert_eq!(longer.unwrap().rows, 2);
}

#[tokio::test]
async fn a_few_wait_and_the_rest_hear_that_it_is_busy() {
    let reports = ReportGenerator::new(1);
    let subject = || report_spec(Some("Bogotá"), Lang::Es);
    let first = reports.open(subject(), ReportFormat::Xlsx).await.unwrap();
    let first = first.add(people(&["Ana"], "Bogotá")).await.unwrap();
    let waiting = tokio::spawn({
        let (reports, subject) = (reports.clone(), subject());
        async move { reports.open(subject, ReportFormat::Csv).await }
    });
    tokio::task::yield_now().await;
    let third = reports.open(subject(), ReportFormat::Csv).await;
    assert!(matches!(third, Err(ReportError::Busy)));
    // Cancels it: the writing thread ends and the waiting report starts.
    drop(first);
    let second = waiting.await.unwrap().unwrap();
    assert_eq!(second.finish(0).await.unwrap().rows, 0);
}

#[tokio::test]
async fn the_store_s_registrations_arrive_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let setting = StoreSetting::Sqlite(folder.path().join("jornada.db"));
    let store = Store::open(&setting).await.unwrap();
    let campaign = campaign();
    for (number, city) in (0..).zip(["Medellín", "Bogotá", "Medellín", "Bogotá", "Leticia"]) {
        let record = NewRegistration {
            registration: person(&campaign, number, "Ana", city),
            campaign: Arc::clone(&campaign),
        };
        let outcomes = store.insert(vec![record]).await;
        assert!(matches!(outcomes[..], [Ok(InsertOutcome::Inserted)]));
    }
    let reports = ReportGenerator::new(0);
    let subject = report_spec(Some("Medellín"), Lang::Es);
    let one = reports
        .generate(&store, subject, ReportFormat::Csv, &Progress::default())
        .await
        .unwrap();
    assert_eq!(one.rows, 2);
    let all = reports
        .generate(
            &store,
            report_spec(None, Lang::Es),
            ReportFormat::Xlsx,
            &Progress::default(),
        )
        .await
        .unwrap();
    assert_eq!(all.rows, 5);
    let mut book = Workbook::new(std::io::BufReader::new(all.file)).unwrap();
    let list = book.worksheet_range("Lista").unwrap();
    let cities: Vec<_> = list
        .rows()
        .skip(1)
        .take(5)
        .map(|row| row[5].to_string())
        .collect();
    // Leticia is not in the list of the campaign: what people type follows what is listed.
    assert_eq!(
        cities,
        ["Bogotá", "Bogotá", "Medellín", "Medellín", "Leticia"]
    );
}
