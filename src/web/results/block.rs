//! One tally on the results page: its selection, its picture, and its tables.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::map::{Area, Map, shade};
use super::picture::{self, COLOURS, MAX_BARS, MAX_SCREEN_BARS, Part};
use super::rows::{GroupRow, Scope, Search, ShownRow, or_no_answer};
use crate::web::api::tallies::first_key;
use crate::web::api::tally_body::VALUE_SEPARATOR;
use crate::web::tally_views::TallyView;
use jornada_domain::tally::{ChartKind, PublicGroup, PublicTally};
use jornada_domain::text::fold;
use jornada_domain::{Campaign, Field, FieldKind, Tally};
use jornada_http::page::PageContext;

/// Maximum number of rows of a table. The search finds the others.
pub(super) const MAX_ROWS: usize = 100;
/// Maximum number of values of the first field to select from. A link, or the search, selects others.
const MAX_OPTIONS: usize = 400;
/// Number of rows that a table may have without being folded.
const MAX_OPEN_ROWS: usize = 10;

/// A tally as shown.
pub(super) struct Block<'a> {
    pub(super) visit: &'a PageContext,
    pub(super) campaign: &'a Campaign,
    pub(super) tally: &'a Tally,
    /// Selected value of the first field; `None` if the tally is shown as a whole.
    pub(super) selected: Option<String>,
    /// Whether the link selects that value; else it is the highest one.
    pub(super) is_fixed: bool,
    /// A value in the link that the first field does not have.
    pub(super) unknown: Option<String>,
    /// Counts that the picture shows.
    pub(super) scope: Scope,
    /// Values of the first field, highest first; none if the tally has only one field and no map.
    pub(super) groups: Vec<GroupRow>,
    /// Values with a colour of their own.
    pub(super) colours: Vec<String>,
    search: Search,
}

impl<'a> Block<'a> {
    pub(super) fn new(
        visit: &'a PageContext,
        campaign: &'a Campaign,
        tally: &'a Tally,
        view: Option<&TallyView>,
        search: &str,
    ) -> Self {
        let mut block = Self {
            visit,
            campaign,
            tally,
            selected: None,
            is_fixed: false,
            unknown: None,
            scope: Scope::default(),
            groups: Vec::new(),
            colours: Vec::new(),
            search: Search::new(search),
        };
        let Some(view) = view else { return block };
        block.groups = GroupRow::all(&view.public, block.no_answer());
        if block.is_grouped() {
            block.colours = colours(campaign, tally, &view.public, block.no_answer());
            block.select(view);
        } else {
            block.scope = Scope::whole(&view.public, block.no_answer());
        }
        if tally.chart == ChartKind::Line {
            block.scope.sort_by_value();
        }
        block
    }

    /// Selects the value of the link, else the highest one.
    fn select(&mut self, view: &TallyView) {
        let typed = self.visit.query_param(&self.tally.id);
        // An empty text is the value of no answer; where one is required it selects nothing.
        let is_required = self.first_field().is_some_and(|field| field.required);
        let typed = typed.filter(|typed| !(is_required && typed.trim().is_empty()));
        if let Some(typed) = typed {
            if let Ok(key) = first_key(self.campaign, self.tally, &typed) {
                let (fields, merged) = (&self.campaign.fields, &view.merged);
                let public = PublicTally::new(fields, self.tally, merged, Some(&key));
                let group = public.groups.first();
                self.scope = group.map_or_else(Scope::default, |group| self.scope_of(group));
                let label = group.and_then(|group| group.label.clone());
                let default = || self.first_field().map(|field| field.default_label(&key));
                self.selected = label.or_else(default);
                self.is_fixed = true;
                return;
            }
            self.unknown = Some(typed);
        }
        if let Some(group) = view.public.groups.first() {
            self.scope = self.scope_of(group);
            self.selected.clone_from(&group.label);
        }
    }

    fn scope_of(&self, group: &PublicGroup) -> Scope {
        Scope::group(group, self.no_answer())
    }

    fn no_answer(&self) -> &'static str {
        text!(self.visit.lang, "staff-no-answer")
    }

    fn others(&self) -> &'static str {
        text!(self.visit.lang, "chart-others")
    }

    fn fields(&self) -> Vec<&'a Field> {
        self.tally.key_fields(&self.campaign.fields)
    }

    pub(super) fn first_field(&self) -> Option<&'a Field> {
        self.fields().first().copied()
    }

    /// Whether the tally is shown within one value of its first field.
    pub(super) fn is_grouped(&self) -> bool {
        self.tally.by.len() > 1 && self.tally.chart != ChartKind::Bar
    }

    /// Returns the map of the first field, if there is one and the tally lists every department.
    pub(super) fn map(&self) -> Option<&'static Map> {
        let lists_all = self.is_grouped() || (self.tally.by.len() == 1 && self.tally.top.is_none());
        Map::of(self.first_field()?).filter(|_| lists_all)
    }

    pub(super) fn areas(&self, map: &Map) -> Vec<Area<'_>> {
        let field = self.first_field();
        field.map_or_else(Vec::new, |field| map.areas(field, &self.groups))
    }

    /// Returns the class of a department: the colour of its highest value, else the shade of its count.
    pub(super) fn area_class(&self, area: &Area<'_>) -> String {
        let Some(group) = area.group else {
            return "m0".to_owned();
        };
        match &group.leader {
            Some(leader) => self.class(&leader.label),
            None => shade(
                group.total,
                self.groups.first().map_or(1, |first| first.total),
            ),
        }
    }

    /// Returns what is shown of a department when a pointer is over it.
    pub(super) fn area_text(&self, area: &Area<'_>) -> String {
        let Some(group) = area.group else {
            return area.name.to_owned();
        };
        match &group.leader {
            Some(leader) => {
                let percent = self.visit.percent(leader.count, group.total);
                format!("{}: {} {percent}", area.name, leader.label)
            }
            None => format!("{}: {}", area.name, self.visit.count(group.total)),
        }
    }

    /// Returns the values that lead somewhere, and in how many places.
    pub(super) fn leaders(&self) -> Vec<(&str, usize)> {
        let mut leaders: Vec<(&str, usize)> = Vec::new();
        for leader in self.groups.iter().filter_map(|group| group.leader.as_ref()) {
            match leaders.iter_mut().find(|(label, _)| *label == leader.label) {
                Some((_, places)) => *places += 1,
                None => leaders.push((&leader.label, 1)),
            }
        }
        leaders.sort_by_key(|(label, places)| (Reverse(*places), *label));
        leaders
    }

    pub(super) fn chart(&self) -> &'static str {
        self.tally.chart.into()
    }

    pub(super) fn heading(&self) -> String {
        match &self.tally.title {
            Some(title) => self.visit.localized(title).to_owned(),
            None => self.labels(0),
        }
    }

    /// Returns the labels of the fields from `from` on.
    fn labels(&self, from: usize) -> String {
        let fields = self.fields().into_iter().skip(from);
        let labels: Vec<_> = fields
            .map(|field| self.visit.localized(&field.label))
            .collect();
        labels.join(VALUE_SEPARATOR)
    }

    pub(super) fn first_label(&self) -> &'a str {
        self.first_field()
            .map_or("", |field| self.visit.localized(&field.label))
    }

    /// Returns the heading of the values in the table.
    pub(super) fn value_label(&self) -> String {
        self.labels(usize::from(self.is_grouped()))
    }

    /// Returns the filter as text, such as "Papeleta: Blanca".
    pub(super) fn condition(&self) -> Option<String> {
        let filter = self.tally.filter.iter().zip(&self.tally.filter_labels);
        let filter: Vec<_> = filter
            .filter_map(|((index, _), label)| {
                let field = self.campaign.fields.get(*index)?;
                Some(format!("{}: {label}", self.visit.localized(&field.label)))
            })
            .collect();
        (!filter.is_empty()).then(|| filter.join(VALUE_SEPARATOR))
    }

    /// Returns the values to select from, the selected one among them.
    pub(super) fn options(&self) -> Vec<&str> {
        let options = self.groups.iter().take(MAX_OPTIONS);
        let mut options: Vec<_> = options.map(|group| group.value.as_str()).collect();
        if let Some(selected) = &self.selected
            && !options.contains(&selected.as_str())
        {
            options.push(selected);
        }
        options.sort_by_cached_key(|option| fold(option));
        options
    }

    pub(super) fn is_selected(&self, option: &str) -> bool {
        self.selected.as_deref() == Some(option)
    }

    pub(super) fn option_label<'s>(&self, option: &'s str) -> &'s str {
        or_no_answer(option, self.no_answer())
    }

    /// Returns the number of bars before those of the others.
    pub(super) fn top(&self) -> usize {
        let is_screen = self.visit.query_value("screen") == "1";
        let max = if is_screen { MAX_SCREEN_BARS } else { MAX_BARS };
        let top = self.tally.top.filter(|_| self.tally.by.len() == 1);
        top.map_or(max, |top| top.min(max))
    }

    pub(super) fn bars(&self) -> Vec<Part<'_>> {
        picture::bars(&self.scope, self.top(), self.others())
    }

    pub(super) fn bars_height(&self) -> usize {
        picture::bars_height(self.bars().len())
    }

    pub(super) fn stack(&self) -> Vec<Part<'_>> {
        picture::stack(&self.scope, &self.colours, self.others())
    }

    pub(super) fn line_points(&self) -> String {
        picture::line_points(&picture::counts(&self.scope.rows))
    }

    pub(super) fn class(&self, label: &str) -> String {
        picture::class(&self.colours, label)
    }

    /// Iterates over all of a selection, else over the values that the search finds.
    fn found_rows(&self) -> impl Iterator<Item = &ShownRow> {
        let rows = self.scope.rows.iter();
        rows.filter(|row| self.is_grouped() || self.search.finds(&row.label))
    }

    /// Iterates over the values of the first field that the search finds.
    fn all_found_groups(&self) -> impl Iterator<Item = &GroupRow> {
        let groups = self.groups.iter();
        groups.filter(|group| self.search.finds(&group.value))
    }

    /// Returns the rows of the table.
    pub(super) fn rows(&self) -> Vec<&ShownRow> {
        self.found_rows().take(MAX_ROWS).collect()
    }

    /// Returns the rows of the table of the first field.
    pub(super) fn found_groups(&self) -> Vec<&GroupRow> {
        self.all_found_groups().take(MAX_ROWS).collect()
    }

    /// Returns how many values the tables leave out because they would be too long.
    pub(super) fn hidden(&self) -> u64 {
        let left_out = |all: usize| all.saturating_sub(MAX_ROWS) as u64;
        left_out(if self.is_grouped() {
            self.all_found_groups().count()
        } else {
            self.found_rows().count()
        })
    }

    /// Whether a search has no result.
    pub(super) fn finds_nothing(&self) -> bool {
        let is_found = if self.is_grouped() {
            self.all_found_groups().next().is_some()
        } else {
            self.found_rows().next().is_some()
        };
        self.is_searched() && !is_found
    }

    /// Whether the table is shown without a click.
    pub(super) fn is_open(&self) -> bool {
        self.is_grouped() || self.scope.rows.len() <= MAX_OPEN_ROWS || self.is_searched()
    }

    pub(super) fn is_searched(&self) -> bool {
        !self.search.is_empty()
    }

    /// Returns the label of the row of others, with the number of values if that is known.
    pub(super) fn others_label(&self) -> String {
        match self.scope.others.and_then(|others| others.values) {
            Some(values) => format!("{} ({})", self.others(), self.visit.count(values)),
            None => self.others().to_owned(),
        }
    }

    /// Returns the link to the selection of a value of the first field. Keeps the search and what is selected elsewhere.
    pub(super) fn selection_link(&self, value: &str) -> String {
        let path = format!("/c/{}/results", self.campaign.id);
        let others = self.campaign.public_tallies().map(|tally| &*tally.id);
        let others = others.filter(|id| *id != self.tally.id).chain(["q"]);
        let others = others.filter_map(|name| Some((name, self.visit.query_param(name)?)));
        let others: Vec<_> = others.filter(|(_, value)| !value.is_empty()).collect();
        let others = others.iter().map(|(name, value)| (*name, value.as_str()));
        let params = others.chain([(&*self.tally.id, value)]);
        let link = self.visit.link_with_params(&path, params);
        format!("{link}#t-{}", self.tally.id)
    }

    pub(super) fn csv_link(&self) -> String {
        let (campaign, tally) = (&self.campaign.id, &self.tally.id);
        self.visit
            .link(&format!("/c/{campaign}/results/{tally}.csv"))
    }

    /// Returns the colours as JSON, for the script.
    pub(super) fn colours_json(&self) -> String {
        serde_json::to_string(&self.colours).unwrap_or_default()
    }
}

/// Returns the values that have a colour on every instance and in every selection: the options of a short choice, else
/// the values with the highest counts.
fn colours(
    campaign: &Campaign,
    tally: &Tally,
    public: &PublicTally,
    no_answer: &str,
) -> Vec<String> {
    let fields = tally.key_fields(&campaign.fields);
    if let [_, field] = fields[..]
        && let FieldKind::Choice(choice) = &field.kind
        && choice.options().len() <= COLOURS
    {
        let options = choice.options().iter();
        return options.map(|option| option.value.clone()).collect();
    }
    let mut sums: HashMap<String, u64> = HashMap::new();
    for group in &public.groups {
        for row in Scope::group(group, no_answer).rows {
            *sums.entry(row.label).or_default() += row.count;
        }
    }
    let mut sums: Vec<_> = sums.into_iter().collect();
    sums.sort_unstable_by_key(|(label, sum)| (Reverse(*sum), label.clone()));
    sums.truncate(COLOURS);
    sums.into_iter().map(|(label, _)| label).collect()
}
