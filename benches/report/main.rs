//! Compares a report with its library alone: seconds and memory for the same rows in the same run.
//! `cargo bench --bench report -- [ROWS] [mongodb://…/DATABASE]`; fills the database if empty, and does not remove it.

mod rows;

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use jornada_domain::job::ReportFormat;
use jornada_domain::{Campaign, Lang, Registration, RegistrationSelection};
use jornada_service::csv_guard::Separator;
use jornada_service::reports::{
    FinishedReport, Progress, ReportError, ReportGenerator, ReportSpec,
};
use jornada_store::Store;
use jornada_store::StoreSetting;

use rows::{BATCH, CITY, POOL, fill, library, person};

const CAMPAIGN: &str = r#"
id = "vacunacion"
opens_at = 2026-11-01T06:00:00-05:00
closes_at = 2027-11-30T18:00:00-05:00
time_zone = "America/Bogota"
title = { es = "Vacunación", en = "Vaccination" }
fields = [
    { name = "nombre", kind = "text", label = { es = "Nombre", en = "Name" }, required = true, personal = true, min = 2, max = 120 },
    { name = "documento", kind = "document", label = { es = "Documento", en = "Document" }, unique = true, personal = true },
    { name = "ciudad", kind = "place", list = "lista.csv", label = { es = "Ciudad", en = "City" }, required = true, tally = true },
    { name = "foto", kind = "photo", label = { es = "Foto", en = "Photo" }, required = true, personal = true },
]
"#;
fn main() {
    let mut given = std::env::args().skip(1).filter(|arg| arg != "--bench");
    let rows = given
        .next()
        .map_or(1_000_000, |rows| rows.parse().expect("ROWS is a number"));
    let store = given.next();
    let list = |_: &str| Ok(format!("name,region\n{CITY},Bogotá D.C.\n"));
    let campaign = Arc::new(Campaign::parse(CAMPAIGN, list).expect("the campaign is whole"));
    let runtime = tokio::runtime::Runtime::new().expect("there can be threads");
    if let Some(uri) = &store {
        // Opened first: it creates the indexes while that takes no time.
        let setting = StoreSetting::Mongo(uri.as_str().into());
        let opened = runtime.block_on(Store::open(&setting));
        opened.expect("the database answers");
        runtime
            .block_on(fill(&campaign, rows, uri))
            .expect("the database takes rows");
    }
    let pool: Vec<_> = (0..POOL).map(|number| person(&campaign, number)).collect();
    // Reports first: the library would otherwise profit from memory that they freed.
    let mut costs = Vec::new();
    for format in [ReportFormat::Xlsx, ReportFormat::Csv] {
        costs.push(measure(&format!("{format:?} from memory"), || {
            let written = from_memory(&campaign, &pool, rows, format);
            runtime.block_on(written).expect("a report")
        }));
    }
    if let Some(uri) = store {
        let setting = StoreSetting::Mongo(uri.into());
        let store = runtime.block_on(Store::open(&setting));
        let store = store.expect("the database answers");
        for format in [ReportFormat::Xlsx, ReportFormat::Csv] {
            costs.push(measure(&format!("{format:?} from MongoDB"), || {
                let (reports, progress) = (ReportGenerator::new(0), Progress::default());
                let written = reports.generate(&store, subject(&campaign), format, &progress);
                runtime.block_on(written).expect("a report").bytes
            }));
        }
        costs.push(measure("read from MongoDB", || {
            runtime.block_on(read(&store, &campaign))
        }));
        let city = RegistrationSelection::for_value(CITY);
        costs.push(measure("counted by MongoDB", || {
            let counted = store.count(&campaign.id, &city);
            runtime.block_on(counted).expect("the database answers");
            0
        }));
    }
    for level in [2, 6] {
        let name = format!("library alone, level {level}");
        costs.push(measure(&name, || library(&pool, rows, level)));
    }
    print(rows, &costs);
}

/// Prints all costs as multiples of the last one: the library at its default level, 6.
fn print(rows: usize, costs: &[Cost]) {
    println!("{rows} rows: seconds, and their multiple; seconds of processor in this process, and");
    println!("their multiple; MiB of file; MiB of memory above idle");
    let base = costs.last().expect("one was measured");
    for cost in costs {
        println!(
            "{:24} {:6.2} {:5.2} {:6.2} {:5.2} {:5} {:4}",
            cost.name,
            cost.elapsed,
            cost.elapsed / base.elapsed,
            cost.processor,
            cost.processor / base.processor,
            cost.file,
            cost.memory
        );
    }
}

/// Cost of a run: seconds, seconds of CPU, MiB of file, MiB of memory above idle.
struct Cost {
    name: String,
    elapsed: f64,
    processor: f64,
    file: u64,
    memory: u64,
}

/// Runs once and measures. `run` returns the length of the file.
fn measure(name: &str, run: impl FnOnce() -> u64) -> Cost {
    // "5" resets the peak of resident memory (proc(5)).
    std::fs::write("/proc/self/clear_refs", "5").expect("Linux");
    let idle = status("VmRSS:");
    let (begun, worked) = (Instant::now(), processor());
    let bytes = run();
    Cost {
        name: name.to_owned(),
        elapsed: begun.elapsed().as_secs_f64(),
        processor: processor() - worked,
        file: bytes >> 20,
        memory: status("VmHWM:").saturating_sub(idle) >> 10,
    }
}

/// Returns the CPU seconds of this process: fields 14 and 15 of proc(5), in hundredths.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let (_, after_name) = stat.rsplit_once(')').expect("a name");
    let fields = after_name.split_whitespace().skip(11).take(2);
    let ticks = fields.map(|ticks| ticks.parse::<f64>().expect("a number"));
    ticks.sum::<f64>() / 100.0
}

/// Returns a value of `/proc/self/status`, in KiB.
fn status(line: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let found = status
        .lines()
        .find_map(|l| l.strip_prefix(line)?.trim().strip_suffix(" kB"));
    found.expect("the line is there").parse().expect("a number")
}

fn subject(campaign: &Arc<Campaign>) -> ReportSpec {
    ReportSpec {
        campaign: Arc::clone(campaign),
        selection: RegistrationSelection::for_value(CITY),
        lang: Lang::Es,
        separator: Separator::for_lang(Lang::Es),
        requested_at: Timestamp::UNIX_EPOCH,
        base_url: "https://jornada.example".to_owned(),
        totals: None,
    }
}

async fn from_memory(
    campaign: &Arc<Campaign>,
    pool: &[Registration],
    rows: usize,
    format: ReportFormat,
) -> Result<u64, ReportError> {
    let mut draft = ReportGenerator::new(0)
        .open(subject(campaign), format)
        .await?;
    let mut ready = pool.chunks(BATCH).cycle();
    let mut left = rows;
    while let Some(batch) = ready.next().filter(|_| left > 0) {
        let batch = &batch[..left.min(BATCH)];
        left -= batch.len();
        draft = draft.add(batch.to_vec()).await?;
    }
    let FinishedReport { bytes, .. } = draft.finish(rows as u64).await?;
    Ok(bytes)
}

async fn read(store: &Store, campaign: &Arc<Campaign>) -> u64 {
    let mut batches = store
        .registrations(campaign, &RegistrationSelection::for_value(CITY))
        .await
        .expect("the database answers");
    while batches
        .next()
        .await
        .expect("the database answers")
        .is_some()
    {}
    0
}
