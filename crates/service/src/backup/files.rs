//! Files of tables: BSON documents one after the other. Each starts with its length.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use sha2::{Digest, Sha256};

use super::manifest::TableFile;
use jornada_store::backup::Documents;

const BUFFER_BYTES: usize = 256 * 1024;
/// Lengths of a document: the shortest one, and the longest that MongoDB stores, with room for its own.
const MIN_DOCUMENT_BYTES: usize = 5;
const MAX_DOCUMENT_BYTES: usize = 17 << 20;
/// Bounds of a batch.
const BATCH_DOCUMENTS: usize = 1_000;
const BATCH_BYTES: usize = 8 << 20;

/// Returns the path of the file of a table.
pub(super) fn table_path(folder: &Path, table: &str) -> PathBuf {
    folder.join(format!("{table}.bson"))
}

/// Writes the file of a table.
pub(super) struct TableWriter {
    file: BufWriter<File>,
    hash: Sha256,
    written: TableFile,
}

impl TableWriter {
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = File::create_new(path)?;
        Ok(Self {
            file: BufWriter::with_capacity(BUFFER_BYTES, file),
            hash: Sha256::new(),
            written: TableFile::default(),
        })
    }

    pub(super) fn write(&mut self, documents: &Documents) -> anyhow::Result<()> {
        self.file.write_all(&documents.bytes)?;
        self.hash.update(&documents.bytes);
        self.written.documents += documents.count;
        self.written.bytes += documents.bytes.len() as u64;
        Ok(())
    }

    /// Makes the file durable.
    pub(super) fn finish(mut self) -> anyhow::Result<TableFile> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        self.written.sha256 = data_encoding::HEXLOWER.encode(&self.hash.finalize());
        Ok(self.written)
    }
}

/// Reads the file of a table, and verifies it by its checksum at the end.
pub(super) struct TableFileReader<'a> {
    path: PathBuf,
    file: BufReader<File>,
    hash: Sha256,
    read: TableFile,
    expected: &'a TableFile,
}

impl<'a> TableFileReader<'a> {
    pub(super) fn open(
        folder: &Path,
        table: &str,
        expected: &'a TableFile,
    ) -> anyhow::Result<Self> {
        let path = table_path(folder, table);
        let file = File::open(&path).with_context(|| path.display().to_string())?;
        Ok(Self {
            file: BufReader::with_capacity(BUFFER_BYTES, file),
            path,
            hash: Sha256::new(),
            read: TableFile::default(),
            expected,
        })
    }

    /// Returns the next documents; none at the end of the file, once that is verified.
    pub(super) fn next_batch(&mut self) -> anyhow::Result<Vec<Vec<u8>>> {
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while batch.len() < BATCH_DOCUMENTS && bytes < BATCH_BYTES {
            let Some(document) = self.next_document()? else {
                break;
            };
            bytes += document.len();
            batch.push(document);
        }
        if batch.is_empty() {
            self.verify()?;
        }
        Ok(batch)
    }

    fn next_document(&mut self) -> anyhow::Result<Option<Vec<u8>>> {
        let mut length = [0; 4];
        match self.file.read_exact(&mut length) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
            read => read.with_context(|| self.path.display().to_string())?,
        }
        let bytes = usize::try_from(u32::from_le_bytes(length))?;
        if !(MIN_DOCUMENT_BYTES..=MAX_DOCUMENT_BYTES).contains(&bytes) {
            bail!(self.damaged());
        }
        let mut document = vec![0; bytes];
        document[..4].copy_from_slice(&length);
        let rest = self.file.read_exact(&mut document[4..]);
        rest.with_context(|| self.damaged())?;
        self.hash.update(&document);
        self.read.documents += 1;
        self.read.bytes += bytes as u64;
        Ok(Some(document))
    }

    fn verify(&mut self) -> anyhow::Result<()> {
        let hash = std::mem::take(&mut self.hash);
        self.read.sha256 = data_encoding::HEXLOWER.encode(&hash.finalize());
        ensure!(self.read == *self.expected, self.damaged());
        Ok(())
    }

    fn damaged(&self) -> String {
        format!("{} is damaged: use another backup", self.path.display())
    }
}

/// Reads and verifies the file of a table, if the backup has one.
pub(super) fn scan(
    folder: &Path,
    table: &str,
    tables: &BTreeMap<String, TableFile>,
    mut each: impl FnMut(&[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let Some(expected) = tables.get(table) else {
        return Ok(());
    };
    let mut reader = TableFileReader::open(folder, table, expected)?;
    loop {
        let batch = reader.next_batch()?;
        if batch.is_empty() {
            return Ok(());
        }
        batch.iter().try_for_each(|document| each(document))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes two documents: `{}` and `{a: null}`.
    fn written(folder: &Path) -> BTreeMap<String, TableFile> {
        let mut writer = TableWriter::create(&table_path(folder, "t")).unwrap();
        let bytes = b"\x05\0\0\0\0\x08\0\0\0\x0aa\0\0".to_vec();
        writer.write(&Documents { count: 2, bytes }).unwrap();
        BTreeMap::from([("t".to_owned(), writer.finish().unwrap())])
    }

    #[test]
    fn a_file_is_read_as_it_was_written_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let tables = written(folder.path());
        let mut lengths = Vec::new();
        let read = scan(folder.path(), "t", &tables, |document| {
            lengths.push(document.len());
            Ok(())
        });
        read.unwrap();
        assert_eq!(lengths, [5, 8]);
        scan(folder.path(), "none", &tables, |_| panic!("no such table")).unwrap();
        let path = table_path(folder.path(), "t");
        let whole = std::fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[10] = b'b';
        let oversized = [&whole[..], b"\xff\xff\xff\x7f"].concat();
        for damaged in [
            &whole[..5],
            &whole[..7],
            &whole[..12],
            &changed,
            &oversized,
            b"",
        ] {
            std::fs::write(&path, damaged).unwrap();
            let error = scan(folder.path(), "t", &tables, |_| Ok(())).unwrap_err();
            assert!(format!("{error:#}").contains("is damaged"), "{error:#}");
        }
    }
}
