//! Cost of the service: measures the release binary on real servers under a scripted load. Uses the servers of the
//! tests (`JORNADA_TEST_MONGODB` and so on): `cargo bench --bench service -- [PART]…` with the names in `PARTS`.

mod cleanup;
mod crowd;
mod figures;
mod instance;
mod job;
mod live;
mod parts;
mod report;
#[path = "../report/rows.rs"]
mod rows;
mod votes;
mod wrk;

use anyhow::{Result, ensure};

/// Parts, in the order of a full run.
const PARTS: [&str; 6] = ["start", "registrations", "chart", "report", "votes", "live"];

fn main() -> Result<()> {
    let (flags, mut wanted): (Vec<_>, Vec<_>) =
        std::env::args().skip(1).partition(|arg| arg == "--bench");
    // `cargo test --all-targets` runs benches too, without this flag.
    if flags.is_empty() {
        return Ok(());
    }
    if wanted.is_empty() {
        wanted = PARTS.map(str::to_owned).to_vec();
    }
    let unknown = wanted.iter().find(|part| !PARTS.contains(&part.as_str()));
    ensure!(
        unknown.is_none(),
        "no part is called {unknown:?}: expected {PARTS:?}"
    );
    figures::print_heading();
    tokio::runtime::Runtime::new()?.block_on(measure(&wanted))
}

async fn measure(wanted: &[String]) -> Result<()> {
    for part in wanted {
        match part.as_str() {
            "start" => parts::start().await?,
            "registrations" => parts::registrations().await?,
            "chart" => parts::chart().await?,
            "report" => report::report().await?,
            "live" => live::live().await?,
            _ => votes::votes().await?,
        }
    }
    Ok(())
}
