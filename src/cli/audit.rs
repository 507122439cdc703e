//! `jornada audit`: whether the record of every look is whole, and the record as a file.

use std::io::{self, Write};

use anyhow::bail;
use clap::{Subcommand, ValueEnum};

use super::office::{Office, run};
use crate::config::Env;
use crate::domain::staff::audit::{Action, Deed, Head};
use crate::staff::audit::export::Format;

/// Entries read at a time.
const BATCH: u16 = 500;

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Reads the whole record; names every entry that was changed, removed, inserted or moved. Prints the end of the record
    /// on standard output: noted elsewhere, it shows later that nothing was cut off.
    Verify {
        /// An end that was printed before: it must still be there.
        #[arg(long, value_name = "SEQ:HASH", value_parser = head)]
        head: Option<Head>,
    },
    /// Prints the record, the oldest entry first.
    Export {
        /// The kind of file.
        #[arg(long, value_enum, default_value = "csv")]
        format: Kind,
    },
}

/// The kinds of file, as the command names them.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Kind {
    /// For a spreadsheet.
    Csv,
    /// For a program: one object a line.
    Jsonl,
}

fn head(text: &str) -> Result<Head, String> {
    Head::parse(text)
        .ok_or_else(|| "expected a number, a colon and 64 hexadecimal digits".to_owned())
}

/// Plays the role.
pub(super) fn play(env: &Env, command: AuditCommand) -> anyhow::Result<()> {
    run(async {
        let office = Office::open(env).await?;
        match command {
            AuditCommand::Verify { head } => verify(&office, head).await,
            AuditCommand::Export { format } => export(&office, format).await,
        }
    })
}

async fn verify(office: &Office, noted: Option<Head>) -> anyhow::Result<()> {
    let verdict = office.audit.verify(&office.store, noted).await?;
    for fault in &verdict.faults {
        eprintln!("{fault}");
    }
    if verdict.more > 0 {
        eprintln!("and {} more", verdict.more);
    }
    println!("{}", verdict.head);
    if !verdict.faults.is_empty() {
        bail!("the record of {} entries is not whole", verdict.entries);
    }
    eprintln!("the record of {} entries is whole", verdict.entries);
    Ok(())
}

async fn export(office: &Office, kind: Kind) -> anyhow::Result<()> {
    let format = match kind {
        Kind::Csv => Format::Csv,
        Kind::Jsonl => Format::JsonLines,
    };
    let deed = Deed::of(Action::AuditExport).with("format", format.name());
    office.note(deed).await?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    format.begin(&mut out)?;
    let mut last = 0;
    loop {
        let entries = office.store.audit_after(last, BATCH).await?;
        let Some(end) = entries.last() else {
            return Ok(out.flush()?);
        };
        last = end.seq();
        format.write(&entries, &mut out)?;
    }
}
