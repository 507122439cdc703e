//! `jornada audit`: verification and export of the audit log.

use std::io::{self, Write};

use anyhow::bail;
use clap::{Subcommand, ValueEnum};

use super::office::{Office, run};
use crate::config::Env;
use crate::domain::staff::audit::{Action, Deed, Head};
use crate::staff::audit::export::Format;

/// Entries per read.
const BATCH: u16 = 500;

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Verify the audit log: report every entry that was changed, removed, inserted or moved, and print its head on
    /// standard output. Note the head elsewhere to detect a later truncation
    Verify {
        /// Head that was printed before; it must still be in the log
        #[arg(long, value_name = "SEQ:HASH", value_parser = head)]
        head: Option<Head>,
    },
    /// Print all entries, oldest first
    Export {
        /// File format
        #[arg(long, value_enum, default_value = "csv")]
        format: Kind,
    },
}

/// Export formats on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Kind {
    /// Spreadsheet
    Csv,
    /// One JSON object per line
    Jsonl,
}

fn head(text: &str) -> Result<Head, String> {
    Head::parse(text)
        .ok_or_else(|| "expected a number, a colon and 64 hexadecimal digits".to_owned())
}

/// Runs the command.
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
        eprintln!("and {} more faults", verdict.more);
    }
    println!("{}", verdict.head);
    if !verdict.faults.is_empty() {
        bail!("the audit log of {} entries is not intact", verdict.entries);
    }
    eprintln!("the audit log of {} entries is intact", verdict.entries);
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
