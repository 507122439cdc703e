//! Geometry of the pictures: bars, the parts of a stacked bar, and lines. Drawn as SVG by the template and, when counts
//! change, by `static/results.js` in the same way.

use super::rows::{Scope, ShownRow};

/// Maximum number of bars.
pub(super) const MAX_BARS: usize = 20;
/// Maximum number of bars on a large screen, where nobody scrolls.
pub(super) const MAX_SCREEN_BARS: usize = 6;
/// Height of a bar with its label, in pixels.
const BAR_HEIGHT: usize = 44;
/// Number of colours. Values beyond them, and the others, are grey.
pub(super) const COLOURS: usize = 8;
/// Size of the area of a line.
pub(super) const LINE_WIDTH: u64 = 340;
pub(super) const LINE_HEIGHT: u64 = 120;

/// A bar, or a part of a stacked bar. Positions and widths are in thousandths of the width.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Part<'a> {
    pub(super) label: &'a str,
    pub(super) count: u64,
    pub(super) top: usize,
    pub(super) left: u64,
    pub(super) width: u64,
    /// Class of its colour.
    pub(super) class: String,
}

impl Part<'_> {
    pub(super) fn left_percent(&self) -> String {
        percent(self.left)
    }

    pub(super) fn width_percent(&self) -> String {
        percent(self.width)
    }
}

/// Returns thousandths in percent, as SVG writes it.
fn percent(thousandths: u64) -> String {
    format!("{}.{}%", thousandths / 10, thousandths % 10)
}

/// Returns the bars of the highest values, and one for all others.
pub(super) fn bars<'a>(scope: &'a Scope, top: usize, others: &'a str) -> Vec<Part<'a>> {
    let shown = scope.rows.len().min(top);
    let listed: u64 = scope.rows[..shown].iter().map(|row| row.count).sum();
    let rest = scope.total.saturating_sub(listed);
    let counts = scope.rows[..shown].iter();
    let counts = counts.map(|row| (row.label.as_str(), row.count, "c0"));
    let counts = counts.chain((rest > 0).then_some((others, rest, "cx")));
    let highest = counts.clone().map(|(_, count, _)| count).max();
    let highest = highest.unwrap_or(1).max(1);
    let part = |(place, (label, count, class)): (usize, (&'a str, u64, &str))| Part {
        label,
        count,
        top: place * BAR_HEIGHT,
        left: 0,
        // At least one percent, so that a small count stays visible.
        width: share(count, highest).clamp(10, 1000),
        class: class.to_owned(),
    };
    counts.enumerate().map(part).collect()
}

/// Returns the height of this many bars.
pub(super) fn bars_height(bars: usize) -> usize {
    bars * BAR_HEIGHT
}

/// Returns the parts of a stacked bar, the others last.
pub(super) fn stack<'a>(scope: &'a Scope, colours: &[String], others: &'a str) -> Vec<Part<'a>> {
    let rest = scope.others_count();
    let counts = scope.rows.iter();
    let counts = counts.map(|row| (row.label.as_str(), row.count, class(colours, &row.label)));
    let counts = counts.chain((rest > 0).then(|| (others, rest, "cx".to_owned())));
    let mut before = 0u64;
    let part = |(label, count, class): (&'a str, u64, String)| {
        let left = share(before, scope.total);
        before = before.saturating_add(count);
        Part {
            label,
            count,
            top: 0,
            left,
            width: share(before, scope.total) - left,
            class,
        }
    };
    counts.map(part).collect()
}

/// Returns the class of the colour of a value.
pub(super) fn class(colours: &[String], label: &str) -> String {
    let place = colours.iter().position(|known| known == label);
    place.map_or_else(|| "cx".to_owned(), |place| format!("c{place}"))
}

/// Returns the points of a line over counts in equal distances.
pub(super) fn line_points(counts: &[u64]) -> String {
    let highest = counts.iter().copied().max().unwrap_or(0).max(1);
    let steps = (counts.len() as u64).saturating_sub(1).max(1);
    let point = |(place, count): (u64, &u64)| {
        let x = place * LINE_WIDTH / steps;
        let height = u128::from(*count) * u128::from(LINE_HEIGHT) / u128::from(highest);
        let height = u64::try_from(height).unwrap_or(LINE_HEIGHT);
        format!("{x},{}", LINE_HEIGHT.saturating_sub(height))
    };
    let points: Vec<_> = (0..).zip(counts).map(point).collect();
    points.join(" ")
}

/// Returns the counts of rows.
pub(super) fn counts(rows: &[ShownRow]) -> Vec<u64> {
    rows.iter().map(|row| row.count).collect()
}

/// Returns a share in thousandths, rounded.
fn share(part: u64, whole: u64) -> u64 {
    let whole = u128::from(whole.max(1));
    let share = (u128::from(part) * 1000 + whole / 2) / whole;
    u64::try_from(share).unwrap_or(1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jornada_domain::tally::Others;

    fn scope(counts: &[(&str, u64)], others: u64) -> Scope {
        let row = |(label, count): &(&str, u64)| ShownRow {
            label: (*label).to_owned(),
            count: *count,
        };
        let listed: u64 = counts.iter().map(|(_, count)| count).sum();
        Scope {
            rows: counts.iter().map(row).collect(),
            others: (others > 0).then_some(Others {
                count: others,
                values: None,
            }),
            total: listed + others,
        }
    }

    #[test]
    fn the_others_are_a_bar_of_their_own() {
        let scope = scope(&[("a", 60), ("b", 20), ("c", 10)], 10);
        let bars = bars(&scope, 2, "otros");
        let shown: Vec<_> = bars
            .iter()
            .map(|bar| (bar.label, bar.count, bar.width))
            .collect();
        assert_eq!(shown, [("a", 60, 1000), ("b", 20, 333), ("otros", 20, 333)]);
        assert_eq!(bars[2].class, "cx");
    }

    #[test]
    fn the_parts_of_a_stack_fill_it() {
        let scope = scope(&[("a", 1), ("b", 1), ("c", 1)], 0);
        let colours = ["b".to_owned(), "a".to_owned()];
        let parts = stack(&scope, &colours, "otros");
        let sum: u64 = parts.iter().map(|part| part.width).sum();
        assert_eq!((sum, parts[1].left), (1000, 333));
        let classes: Vec<_> = parts.iter().map(|part| part.class.as_str()).collect();
        assert_eq!(classes, ["c1", "c0", "cx"]);
        assert_eq!(parts[1].left_percent(), "33.3%");
    }

    #[test]
    fn a_line_touches_top_and_bottom() {
        assert_eq!(line_points(&[0, 5, 10]), "0,120 170,60 340,0");
        assert_eq!(line_points(&[]), "");
        assert_eq!(line_points(&[0, 0]), "0,120 340,120");
    }
}
