//! Reads CSV (RFC 4180) one line at a time, and digests the file. Each line is one record: a quotation mark without its
//! partner would otherwise hide all lines up to the next one.

use std::io::{self, BufRead, BufReader, Read};

use csv::StringRecord;
use csv_core::{ReadRecordResult, ReaderBuilder};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Maximum length of a line in bytes.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// Maximum number of columns.
const MAX_COLUMNS: usize = 4_096;

/// Lines of a file. Holds one at a time.
#[derive(Debug)]
pub(super) struct CsvLines<R> {
    inner: BufReader<R>,
    hash: Sha256,
    parser: csv_core::Reader,
    /// Number of the last line, from 1.
    line: u64,
    bytes: Vec<u8>,
    fields: Vec<u8>,
    ends: Vec<usize>,
}

impl<R: Read> CsvLines<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        Self {
            inner: BufReader::new(inner),
            hash: Sha256::new(),
            parser: ReaderBuilder::new().delimiter(delimiter).build(),
            line: 0,
            bytes: Vec::new(),
            fields: Vec::new(),
            ends: vec![0; MAX_COLUMNS],
        }
    }

    /// Returns the SHA-256 of all bytes so far, as 64 hexadecimal digits.
    pub(super) fn digest(&self) -> String {
        HEXLOWER.encode(&self.hash.clone().finalize())
    }

    /// Returns the number of the last line, from 1.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Reads the next line that is not empty into a row, without the spaces around its fields. Returns false at the end, and
    /// the mistake of a line that is no row.
    pub(super) fn read(&mut self, row: &mut StringRecord) -> io::Result<Result<bool, String>> {
        loop {
            self.bytes.clear();
            let mut rest = (&mut self.inner).take(MAX_LINE_BYTES + 1);
            if rest.read_until(b'\n', &mut self.bytes)? == 0 {
                return Ok(Ok(false));
            }
            self.line += 1;
            self.hash.update(&self.bytes);
            if self.bytes.len() as u64 > MAX_LINE_BYTES {
                let what = format!("line {} has more than {MAX_LINE_BYTES} bytes", self.line);
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            if !self.bytes.trim_ascii().is_empty() {
                return Ok(self.parse(row).map(|()| true));
            }
        }
    }

    fn parse(&mut self, row: &mut StringRecord) -> Result<(), String> {
        let line = &mut self.bytes;
        for end in *b"\n\r" {
            line.pop_if(|last| *last == end);
        }
        if line.contains(&b'\r') {
            return Err("a carriage return within the line: lines end with LF or CRLF".to_owned());
        }
        line.push(b'\n');
        self.fields.resize(line.len(), 0);
        self.parser.reset();
        let read = (self.parser).read_record(line, &mut self.fields, &mut self.ends);
        let (result, _, _, columns) = read;
        match result {
            ReadRecordResult::Record => {}
            ReadRecordResult::OutputEndsFull => {
                return Err(format!("more than {MAX_COLUMNS} columns"));
            }
            _ => return Err("a quotation mark without its partner".to_owned()),
        }
        row.clear();
        let mut start = 0;
        for end in &self.ends[..columns] {
            let field = std::str::from_utf8(&self.fields[start..*end]);
            let field = field.map_err(
                |_| "not UTF-8: convert the file, for example with iconv -f ISO-8859-1 -t UTF-8",
            )?;
            row.push_field(field.trim());
            start = *end;
        }
        Ok(())
    }
}
