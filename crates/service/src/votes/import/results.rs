//! Reads a file of published results (CSV, RFC 4180) line by line: places, an option, and a number of votes.

use std::io::{self, Read};

use csv::StringRecord;

use super::layout::{ColumnPlaces, LayoutError, PublishedValues, ResultsLayout};
use super::lines::CsvLines;
use jornada_domain::FormData;

/// Maximum number of votes of one count.
pub const MAX_COUNT: u64 = 100_000_000;

/// A number of equal votes.
#[derive(Clone, Debug)]
pub struct CountedVote {
    /// Line of the file, from 1.
    pub line: u64,
    /// Index of the column with the number.
    pub column: usize,
    /// The answers of each vote.
    pub answers: FormData,
    /// Number of votes, at least 1.
    pub votes: u64,
}

/// The counts of one line.
#[derive(Clone, Debug, Default)]
pub struct ResultsLine {
    /// Counts above 0.
    pub counts: Vec<CountedVote>,
    /// Votes that the layout skips.
    pub skipped: u64,
}

/// A line that cannot be read, or a file.
#[derive(Debug, thiserror::Error)]
pub enum ResultsError {
    /// The layout does not fit the heading.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A mistake in a line. The next lines can be read.
    #[error("line {line}: {what}")]
    Line {
        /// Line of the file, from 1.
        line: u64,
        /// The mistake.
        what: String,
    },
    /// The file cannot be read.
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// Reads results. Holds one line at a time.
#[derive(Debug)]
pub struct ResultsReader<R> {
    lines: CsvLines<R>,
    /// Number of columns of the heading.
    width: usize,
    columns: ColumnPlaces,
    constants: Vec<(String, String)>,
    values: PublishedValues,
    row: StringRecord,
}

impl<R: Read> ResultsReader<R> {
    /// Reads the heading. A byte order mark is skipped.
    pub fn open(file: R, layout: &ResultsLayout) -> Result<Self, ResultsError> {
        let mut lines = CsvLines::new(file, layout.delimiter);
        let mut row = StringRecord::new();
        lines.read(&mut row)?.map_err(|what| ResultsError::Line {
            line: lines.line(),
            what,
        })?;
        Ok(Self {
            columns: layout.find_columns(&row)?,
            width: row.len(),
            lines,
            constants: layout.constants.clone(),
            values: PublishedValues::new(layout),
            row,
        })
    }

    /// Reads the next line; `None` at the end.
    pub fn next_line(&mut self) -> Option<Result<ResultsLine, ResultsError>> {
        let read = match self.lines.read(&mut self.row) {
            Ok(read) => read,
            Err(error) => return Some(Err(error.into())),
        };
        let line = self.lines.line();
        let counted = match read {
            Ok(false) => return None,
            Ok(true) if self.row.len() != self.width => Err(format!(
                "{} columns instead of {}",
                self.row.len(),
                self.width
            )),
            Ok(true) => self.count(),
            Err(what) => Err(what),
        };
        Some(counted.map_err(|what| ResultsError::Line { line, what }))
    }

    /// Returns the SHA-256 of the file, once its end was reached.
    pub fn digest(&self) -> String {
        self.lines.digest()
    }

    fn count(&self) -> Result<ResultsLine, String> {
        let line = self.lines.line();
        let mut read = ResultsLine::default();
        for (column, option) in &self.columns.counts {
            let text = self.row.get(*column).unwrap_or_default();
            let votes = parse_count(text)?;
            match self.answers(option.as_ref()) {
                _ if votes == 0 => {}
                Some(answers) => read.counts.push(CountedVote {
                    line,
                    column: *column,
                    answers,
                    votes,
                }),
                None => read.skipped += votes,
            }
        }
        Ok(read)
    }

    /// Returns the answers of a vote for an option, or `None` if one of its values is skipped.
    fn answers(&self, option: Option<&(String, String)>) -> Option<FormData> {
        let cells = self.columns.fields.iter();
        let cells = cells.map(|(field, column)| (field, self.row.get(*column).unwrap_or_default()));
        let option = option.map(|(field, value)| (field, value.as_str()));
        let published = cells.chain(option);
        let mut parts = self.constants.clone();
        for (field, value) in published {
            parts.push((field.clone(), self.values.translate(field, value)?));
        }
        Some(FormData {
            parts,
            has_photo: false,
        })
    }
}

/// Parses a number of votes; an empty cell is 0.
fn parse_count(text: &str) -> Result<u64, String> {
    if text.is_empty() {
        return Ok(0);
    }
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    let votes = text
        .parse()
        .ok()
        .filter(|votes| is_plain && *votes <= MAX_COUNT);
    votes.ok_or_else(|| {
        format!("'{text}' is not a number of votes: expected 0 to {MAX_COUNT}, digits only")
    })
}

#[cfg(test)]
mod tests {
    use super::super::layout::CountColumns;
    use super::*;

    fn pairs(texts: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = texts.iter();
        pairs
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    }

    fn layout(counts: CountColumns) -> ResultsLayout {
        ResultsLayout {
            columns: pairs(&[("municipio", "MUN")]),
            constants: pairs(&[("sede", "1")]),
            counts,
            renames: vec![("partido".into(), "Partido Uno".into(), "UNO".into())],
            skips: pairs(&[("partido", "NULOS")]),
            delimiter: b';',
        }
    }

    fn read(file: &[u8], layout: &ResultsLayout) -> Vec<String> {
        let mut reader = match ResultsReader::open(file, layout) {
            Ok(reader) => reader,
            Err(error) => return vec![error.to_string()],
        };
        let mut lines = Vec::new();
        while let Some(line) = reader.next_line() {
            lines.push(match line {
                Ok(line) => {
                    let counts = line.counts.iter().map(|count| {
                        let answers = count.answers.parts.iter().map(|(_, value)| value.as_str());
                        let answers: Vec<_> = answers.collect();
                        format!(
                            "{}/{} {} x{}",
                            count.line,
                            count.column,
                            answers.join(","),
                            count.votes
                        )
                    });
                    let counts: Vec<_> = counts.collect();
                    format!("{} ({} skipped)", counts.join(" "), line.skipped)
                }
                Err(error) => error.to_string(),
            });
        }
        lines
    }

    #[test]
    fn a_line_has_one_option_or_a_column_for_each() {
        let mut long = layout(CountColumns::One("VOTOS".into()));
        long.columns.extend(pairs(&[("partido", "PAR")]));
        let file = "\u{feff}MUN;PAR;VOTOS\r\nMixco;PARTIDO UNO; 3 \r\n\r\n\"Villa; \"\"Nueva\"\"\";DOS;1\r\nMixco;Nulos;7";
        let expected = [
            "2/2 1,Mixco,UNO x3 (0 skipped)",
            "4/2 1,Villa; \"Nueva\",DOS x1 (0 skipped)",
            " (7 skipped)",
        ];
        assert_eq!(read(file.as_bytes(), &long), expected);
        let wide = layout(CountColumns::ForEach {
            field: "partido".into(),
            headings: ["Partido Uno", "DOS", "NULOS"].map(Into::into).to_vec(),
        });
        let file = "MUN;Partido Uno;DOS;NULOS\nMixco;3;;1\nCobán;0;12;\n";
        let expected = [
            "2/1 1,Mixco,UNO x3 (1 skipped)",
            "3/2 1,Cobán,DOS x12 (0 skipped)",
        ];
        assert_eq!(read(file.as_bytes(), &wide), expected);
    }

    #[test]
    fn a_mistake_has_its_line_and_leaves_the_others_alone() {
        let one = layout(CountColumns::One("VOTOS".into()));
        let file = b"MUN;VOTOS\nMixco;1,234\nMixco\nCob\xE1n;1\nMixco;-1\nMixco;4\n";
        let told = read(file, &one);
        let starts = [
            "line 2: '1,234' is not",
            "line 3: 1 columns instead of 2",
            "line 4: not UTF-8",
            "line 5: '-1'",
            "6/1 1,Mixco x4",
        ];
        assert_eq!(told.len(), starts.len(), "{told:?}");
        for (text, start) in told.iter().zip(starts) {
            assert!(text.starts_with(start), "{text}");
        }
        let heading = "no column has the heading 'VOTOS': the file has 'MUN', 'VOTO'";
        assert_eq!(read(b"MUN;VOTO\n", &one), [heading]);
        assert_eq!(
            read(b"MUN;VOTOS;VOTOS\n", &one),
            ["two columns have the heading 'VOTOS'"]
        );
    }

    #[test]
    fn a_quotation_mark_without_its_partner_hides_no_line() {
        let one = layout(CountColumns::One("VOTOS".into()));
        let file = b"PUESTO;MUN;VOTOS\n\"LA PAZ;Mixco;5\nESCUELA 2;Mixco;700\nX;\"LA LUZ;9\n";
        let quote = "a quotation mark without its partner";
        let expected = [
            format!("line 2: {quote}"),
            "3/2 1,Mixco x700 (0 skipped)".to_owned(),
            format!("line 4: {quote}"),
        ];
        assert_eq!(read(file, &one), expected);
    }

    #[test]
    fn lines_end_as_on_all_systems_but_the_oldest_and_have_a_maximum_length() {
        let one = layout(CountColumns::One("VOTOS".into()));
        let told = read(b"MUN;VOTOS\rMixco;1\rMixco;2\r", &one);
        assert!(told[0].contains("carriage return"), "{told:?}");
        let told = read(&vec![0; 100_000], &one);
        assert_eq!(told, ["line 1 has more than 65536 bytes"]);
        let long = [b"MUN;VOTOS\nMixco;".to_vec(), vec![b' '; 70_000]].concat();
        let mut reader = ResultsReader::open(&long[..], &one).unwrap();
        let error = reader.next_line().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "line 2 has more than 65536 bytes");
    }

    #[test]
    fn no_column_counts_twice() {
        let wide = |headings: &[&str]| {
            layout(CountColumns::ForEach {
                field: "partido".into(),
                headings: headings.iter().map(|name| (*name).to_owned()).collect(),
            })
        };
        let file = b"MUN;UNE;DOS\nMixco;3;4\n";
        for (layout, name) in [
            (wide(&["UNE", "DOS", "UNE"]), "UNE"),
            (wide(&["UNE", "MUN"]), "MUN"),
            (layout(CountColumns::One("MUN".into())), "MUN"),
        ] {
            let expected = format!("the column '{name}' is given twice");
            assert_eq!(read(file, &layout), [expected]);
        }
    }
}
