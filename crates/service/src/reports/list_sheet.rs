//! Sheets of a report's list, made by the workbook library: names, headings, widths, formats, filter and totals row.
//! The rows between heading and totals are written by [`super::sheet_rows`].

use std::io::{Cursor, Read as _};

use rust_xlsxwriter::{Format, FormatBorder, Workbook, Worksheet, XlsxError};
use zip::ZipArchive;

use super::columns::Column;
use super::sheet_name::sheet_name;
use super::totals_sheet::write_total;
use super::{ReportError, ReportSpec};

/// One sheet of the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct ListSheet {
    /// Number of the sheet, from 1.
    pub(super) number: usize,
    /// Number of its rows, heading included.
    pub(super) rows: u32,
    /// Total of the report, which only its last sheet shows.
    pub(super) total: Option<u64>,
}

/// XML of a sheet before and after its rows.
#[derive(Clone, Debug)]
pub(super) struct SheetFrame {
    pub(super) before: String,
    pub(super) after: String,
    /// For each column the attribute that names the format of its cells; empty if there is none.
    pub(super) styles: Vec<String>,
}

impl ListSheet {
    /// Adds the sheet to a workbook. Its first row is an example, of which only the formats count.
    pub(super) fn add_to(
        self,
        workbook: &mut Workbook,
        subject: &ReportSpec,
        columns: &[Column],
    ) -> Result<(), XlsxError> {
        let mut sheet = workbook.new_worksheet_with_constant_memory()?;
        write_heading(&mut sheet, self.number, subject, columns)?;
        for col in 0..column_count(columns) {
            sheet.write_number(1, col, 0)?;
        }
        if let Some(total) = self.total {
            // An empty row keeps the totals out of filters and manual sorting.
            write_total(&mut sheet, self.rows + 1, &bold(), total)?;
        }
        sheet.autofilter(0, 0, self.rows - 1, column_count(columns) - 1)?;
        workbook.push_worksheet(sheet);
        Ok(())
    }

    /// Returns the frame of the sheet.
    pub(super) fn frame(
        self,
        subject: &ReportSpec,
        columns: &[Column],
    ) -> Result<SheetFrame, ReportError> {
        let mut workbook = Workbook::new();
        self.add_to(&mut workbook, subject, columns)?;
        let file = workbook.save_to_buffer()?;
        let mut archive = ZipArchive::new(Cursor::new(file)).map_err(std::io::Error::from)?;
        let sheet = archive.by_name(&entry_name(1));
        let mut xml = String::new();
        sheet
            .map_err(std::io::Error::from)?
            .read_to_string(&mut xml)?;
        if self.number > 1 {
            // Here it is the first sheet. Two selected sheets would be edited together.
            xml = xml.replacen(" tabSelected=\"1\"", "", 1);
        }
        let unknown = || XlsxError::ParameterError("a sheet without an example".to_owned());
        Ok(split(&xml).ok_or_else(unknown)?)
    }
}

/// Returns the name of a sheet's ZIP entry: number from 1.
pub(super) fn entry_name(number: usize) -> String {
    format!("xl/worksheets/sheet{number}.xml")
}

/// Returns the format of headings and totals.
pub(super) fn bold() -> Format {
    Format::new().set_bold()
}

fn column_count(columns: &[Column]) -> u16 {
    u16::try_from(columns.len()).unwrap_or(u16::MAX)
}

/// Sets name, headings, widths and formats.
fn write_heading(
    sheet: &mut Worksheet,
    number: usize,
    subject: &ReportSpec,
    columns: &[Column],
) -> Result<(), XlsxError> {
    let ReportSpec { campaign, lang, .. } = subject;
    let list = text!(lang, "report-list");
    let wanted = subject.selection.tally_value.as_deref().unwrap_or(list);
    let heading = bold().set_border_bottom(FormatBorder::Thin);
    let time = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    let link = Format::new().set_hyperlink();
    sheet.set_name(sheet_name(wanted, list, number))?;
    sheet.set_freeze_panes(1, 0)?;
    sheet.set_repeat_rows(0, 0)?.set_landscape();
    for (col, column) in (0..).zip(columns) {
        let width = column.width(campaign, *lang);
        sheet.set_column_width(col, u32::try_from(width).unwrap_or(u32::MAX))?;
        match column {
            Column::LocalTime | Column::UtcTime => sheet.set_column_format(col, &time)?,
            Column::Photo => sheet.set_column_format(col, &link)?,
            Column::Receipt | Column::Answer(_) => sheet,
        };
        sheet.write_string_with_format(0, col, column.label(campaign, *lang), &heading)?;
    }
    Ok(())
}

/// Splits the XML of a sheet at its example row.
fn split(xml: &str) -> Option<SheetFrame> {
    let (before, rest) = xml.split_once("<row r=\"2\">")?;
    let (example, after) = rest.split_once("</row>")?;
    // The number of rows is not known yet; the element is optional.
    let (start, rest) = before.split_once("<dimension ")?;
    let (_, end) = rest.split_once("/>")?;
    let style = |cell: &str| {
        let (attributes, _) = cell.split_once('>')?;
        let style = attributes.find(" s=").map(|place| &attributes[place..]);
        Some(style.unwrap_or_default().to_owned())
    };
    Some(SheetFrame {
        before: [start, end].concat(),
        after: after.to_owned(),
        styles: example
            .split("<c ")
            .skip(1)
            .map(style)
            .collect::<Option<_>>()?,
    })
}
