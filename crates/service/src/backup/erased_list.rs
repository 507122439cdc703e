//! Lists of erased registrations, beside the backups. They contain ids only.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use jornada_domain::history::DeletionCause;
use jornada_domain::{CampaignId, RegistrationId};

/// Maximum length of a line in bytes.
const MAX_LINE_BYTES: u64 = 1024;

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ErasedLine {
    /// Campaign.
    pub campaign: CampaignId,
    /// Registration, or dispute.
    pub id: RegistrationId,
    /// Cause of the deletion, or state of the dispute. Missing in older lists.
    #[serde(default = "ErasedLine::default_cause")]
    pub cause: String,
}

impl ErasedLine {
    /// Creates a line.
    pub fn new(campaign: CampaignId, id: RegistrationId, cause: &str) -> Self {
        let cause = cause.to_owned();
        Self {
            campaign,
            id,
            cause,
        }
    }

    fn default_cause() -> String {
        DeletionCause::Requested.to_string()
    }
}

/// Reads the lines of a list.
#[derive(Debug)]
pub struct ErasedLines {
    file: BufReader<File>,
    number: u64,
}

impl ErasedLines {
    /// Opens a list.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        let file = File::open(path).with_context(|| path.display().to_string())?;
        Ok(Self {
            file: BufReader::new(file),
            number: 0,
        })
    }
}

impl Iterator for ErasedLines {
    type Item = anyhow::Result<ErasedLine>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = String::new();
        self.number += 1;
        let read = self.file.by_ref().take(MAX_LINE_BYTES).read_line(&mut line);
        match read {
            Ok(0) => None,
            Ok(_) => {
                let number = self.number;
                let line = serde_json::from_str(&line);
                Some(line.with_context(|| format!("line {number}")))
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// Returns the ids in a list; none if it does not exist.
pub fn read_ids(path: &Path) -> anyhow::Result<HashSet<RegistrationId>> {
    if !path.exists() {
        return Ok(HashSet::new());
    }
    let lines = ErasedLines::open(path)?;
    lines.map(|line| Ok(line?.id)).collect()
}

/// Adds lines to a list, and leaves out those that it has. A crash leaves the former list or the new one.
pub fn add(path: &Path, lines: &[ErasedLine]) -> anyhow::Result<()> {
    let mut known = HashSet::new();
    if path.exists() {
        known = ErasedLines::open(path)?.collect::<anyhow::Result<_>>()?;
    }
    let new: Vec<_> = lines
        .iter()
        .filter(|line| known.insert((*line).clone()))
        .collect();
    if new.is_empty() && path.exists() {
        return Ok(());
    }
    let added = path.with_extension("jsonl.new");
    match fs::copy(path, &added) {
        Err(error) if error.kind() == ErrorKind::NotFound => drop(File::create(&added)?),
        copied => drop(copied?),
    }
    let mut file = BufWriter::new(File::options().append(true).open(&added)?);
    for line in new {
        serde_json::to_writer(&mut file, line)?;
        writeln!(file)?;
    }
    file.into_inner()?.sync_all()?;
    Ok(fs::rename(added, path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_each_registration_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("erased.jsonl");
        let line = |id: u8| {
            let campaign = CampaignId::parse("c").unwrap();
            let id = RegistrationId::from_bytes([id; 16]);
            ErasedLine::new(campaign, id, DeletionCause::Requested.into())
        };
        assert!(read_ids(&path).unwrap().is_empty());
        add(&path, &[]).unwrap();
        add(&path, &[line(1), line(2), line(1)]).unwrap();
        add(&path, &[line(2), line(3)]).unwrap();
        let lines: Vec<_> = ErasedLines::open(&path)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(lines, [line(1), line(2), line(3)]);
        fs::write(&path, "{}\n").unwrap();
        assert!(read_ids(&path).is_err());
    }
}
