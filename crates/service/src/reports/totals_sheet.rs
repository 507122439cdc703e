//! Totals sheet of a report of all values: counts by value, highest first, and a chart of the first twenty.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rust_xlsxwriter::{Chart, ChartType, Format, Worksheet, XlsxError};

use super::{ReportError, ReportSpec};

/// Maximum listed values; the rarest others share one row. Excel allows more, but each costs about 1 KiB of memory
/// while the file is saved, and campaigns without a list of places can have as many values as registrations.
const MAX_LISTED: usize = 10_000;

/// Maximum bars of the chart.
const MAX_BARS: u32 = 20;

/// Counts registrations by value, in rows sorted by value.
#[derive(Debug, Default)]
pub(super) struct TotalsSheet {
    current: Option<(String, u64)>,
    listed: BinaryHeap<Reverse<(u64, Reverse<String>)>>,
    /// Number of values that are not listed.
    other_values: u64,
    /// Registrations with these values.
    other_count: u64,
}

impl TotalsSheet {
    /// Counts one registration. Equal values must be consecutive.
    pub(super) fn add(&mut self, value: &str) {
        match &mut self.current {
            Some((current, count)) if current == value => *count += 1,
            _ => {
                self.finish_value();
                self.current = Some((value.to_owned(), 1));
            }
        }
    }

    fn finish_value(&mut self) {
        let Some((value, count)) = self.current.take() else {
            return;
        };
        self.listed.push(Reverse((count, Reverse(value))));
        if self.listed.len() > MAX_LISTED
            && let Some(Reverse((count, _))) = self.listed.pop()
        {
            self.other_values += 1;
            self.other_count += count;
        }
    }

    /// Builds the sheet.
    pub(super) fn into_sheet(
        mut self,
        name: &str,
        subject: &ReportSpec,
        bold: &Format,
        total: u64,
    ) -> Result<Worksheet, ReportError> {
        self.finish_value();
        let lang = subject.lang;
        let mut sheet = Worksheet::new();
        let label = subject.campaign.tally_field().label.get(lang);
        sheet
            .set_name(name)?
            .set_column_width(0, 34)?
            .set_column_width(1, 14)?
            .set_freeze_panes(1, 0)?
            .write_string_with_format(0, 0, label, bold)?
            .write_string_with_format(0, 1, text!(lang, "report-count"), bold)?;
        let mut row = 1;
        // Ascending order of `Reverse`, that is highest count first.
        for Reverse((count, Reverse(value))) in self.listed.into_sorted_vec() {
            write_row(&mut sheet, row, &subject.label(&value), count)?;
            row += 1;
        }
        let bars = (row - 1).min(MAX_BARS);
        if self.other_values > 0 {
            let values = self.other_values.to_string();
            let words = text!(lang, "report-other-values", count = values);
            write_row(&mut sheet, row, &words, self.other_count)?;
            row += 1;
        }
        sheet.autofilter(0, 0, row - 1, 1)?;
        write_total(&mut sheet, row + 1, bold, total)?;
        if bars > 0 {
            sheet.insert_chart(1, 3, &build_chart(name, subject, bars))?;
        }
        Ok(sheet)
    }
}

/// Writes the totals row into the first two columns.
pub(super) fn write_total(
    sheet: &mut Worksheet,
    row: u32,
    bold: &Format,
    total: u64,
) -> Result<(), XlsxError> {
    sheet.write_string_with_format(row, 0, "Total", bold)?;
    let number = bold.clone().set_num_format("#,##0");
    sheet.write_number_with_format(row, 1, excel_number(total), &number)?;
    Ok(())
}

fn write_row(sheet: &mut Worksheet, row: u32, words: &str, count: u64) -> Result<(), XlsxError> {
    sheet.write_string(row, 0, words)?;
    sheet.write_number(row, 1, excel_number(count))?;
    Ok(())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "Excel's numbers are f64, exact up to 9 quadrillion"
)]
fn excel_number(count: u64) -> f64 {
    count as f64
}

fn build_chart(sheet: &str, subject: &ReportSpec, bars: u32) -> Chart {
    let lang = subject.lang;
    let label = subject.campaign.tally_field().label.get(lang);
    let title = subject.campaign.title.get(lang);
    let mut chart = Chart::new(ChartType::Bar);
    chart
        .add_series()
        .set_name((sheet, 0, 1))
        .set_categories((sheet, 1, 0, bars, 0))
        .set_values((sheet, 1, 1, bars, 1))
        .set_gap(40);
    chart.title().set_name(&format!("{title}: {label}"));
    chart.legend().set_hidden();
    // Bars are drawn bottom up; reverse, so that the highest is on top.
    chart.y_axis().set_reverse();
    chart.set_width(640).set_height(60 + 26 * bars.max(4));
    chart.set_alt_text(text!(lang, "report-chart-description"));
    chart
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_values_beyond_the_list_are_added_up() {
        let mut totals = TotalsSheet::default();
        for value in 0..MAX_LISTED + 5 {
            totals.add(&value.to_string());
            if value % 2 == 0 {
                totals.add(&value.to_string());
            }
        }
        totals.finish_value();
        assert_eq!(totals.listed.len(), MAX_LISTED);
        assert_eq!((totals.other_values, totals.other_count), (5, 5));
    }
}
