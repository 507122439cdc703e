//! `jornada audit`: verification and export of the audit log.

use std::io::{self, Write};

use anyhow::bail;
use clap::{Subcommand, ValueEnum};

use super::admin_context::{AdminContext, block_on};
use crate::config::Env;
use jornada_domain::staff::audit::{AuditAction, AuditEvent, ChainHead};
use jornada_service::csv_guard::Separator;
use jornada_service::staff::audit::export::AuditExportFormat;

/// Entries per read.
const BATCH_SIZE: u16 = 500;

#[derive(Clone, Copy, Debug, Subcommand)]
pub(super) enum AuditCommand {
    /// Verify the audit log: report every entry that was changed, removed, inserted or moved, and print its head on
    /// standard output. Note the head elsewhere to detect a later truncation
    Verify {
        /// Head that was printed before; it must still be in the log
        #[arg(long, value_name = "SEQ:HASH", value_parser = parse_head)]
        head: Option<ChainHead>,
    },
    /// Print all entries, oldest first
    Export {
        /// File format
        #[arg(long, value_enum, default_value = "csv")]
        format: ExportFormatArg,
    },
}

/// Export formats on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ExportFormatArg {
    /// Spreadsheet
    Csv,
    /// One JSON object per line
    Jsonl,
}

fn parse_head(text: &str) -> Result<ChainHead, String> {
    ChainHead::parse(text)
        .ok_or_else(|| "expected a number, a colon and 64 hexadecimal digits".to_owned())
}

/// Runs the command.
pub(super) fn run(env: &Env, command: AuditCommand) -> anyhow::Result<()> {
    block_on(async {
        let admin = AdminContext::open(env).await?;
        match command {
            AuditCommand::Verify { head } => verify(&admin, head).await,
            AuditCommand::Export { format } => export(&admin, format).await,
        }
    })
}

async fn verify(admin: &AdminContext, expected_head: Option<ChainHead>) -> anyhow::Result<()> {
    let report = admin.audit.verify(&admin.store, expected_head).await?;
    for fault in &report.faults {
        eprintln!("{fault}");
    }
    if report.more_faults > 0 {
        eprintln!("and {} more faults", report.more_faults);
    }
    println!("{}", report.head);
    if !report.faults.is_empty() {
        bail!("the audit log of {} entries is not intact", report.entries);
    }
    eprintln!("the audit log of {} entries is intact", report.entries);
    Ok(())
}

async fn export(admin: &AdminContext, kind: ExportFormatArg) -> anyhow::Result<()> {
    let format = match kind {
        ExportFormatArg::Csv => AuditExportFormat::Csv(Separator::Comma),
        ExportFormatArg::Jsonl => AuditExportFormat::JsonLines,
    };
    let event = AuditEvent::new(AuditAction::AuditExport).with_detail("format", format);
    admin.record(event).await?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    format.write_header(&mut out)?;
    let mut last = 0;
    loop {
        let entries = admin.store.audit_after(last, BATCH_SIZE).await?;
        let Some(end) = entries.last() else {
            return Ok(out.flush()?);
        };
        last = end.seq();
        format.write_entries(&entries, &mut out)?;
    }
}
