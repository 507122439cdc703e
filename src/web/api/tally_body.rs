//! Public tallies as JSON.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::web::tally_views::TallyView;
use jornada_domain::tally::{GroupTotal, Others, PublicTally, TallyChange, TallyRow};
use jornada_domain::{Campaign, Tally};

/// Separates the values of several fields where one text is needed.
pub const VALUE_SEPARATOR: &str = " · ";

/// Public totals of a campaign: its first tally.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Chart)]
pub struct ChartBody<'a> {
    /// Id of the campaign.
    campaign: &'a str,
    /// Name of the tallied field; several names have a comma in between.
    by: String,
    /// Time at which the totals were last known to be complete.
    #[schema(value_type = String, format = DateTime)]
    as_of: Timestamp,
    /// True if `as_of` is so old that the totals may have changed.
    stale: bool,
    /// Sum of all counts, `others` included. Small counts that may not be told are not in it.
    total: u64,
    /// Highest count first, equal counts by value.
    values: Vec<CountBody>,
    /// What `values` does not list, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    others: Option<OthersBody>,
}

/// Number of registrations with one value.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Count)]
pub struct CountBody {
    /// The value, such as a city.
    value: String,
    /// Number of registrations.
    count: u64,
}

/// Registrations whose values are not listed: the lowest ones, and those that few people chose.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Others)]
pub struct OthersBody {
    /// Number of registrations.
    count: u64,
    /// Number of values; missing if it could tell how few people chose one of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    values: Option<u64>,
}

/// A public tally.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tally)]
pub struct TallyBody<'a> {
    /// Id of the tally.
    tally: &'a str,
    /// Names of the fields whose answers form the keys.
    by: Vec<&'a str>,
    /// Answers that all counted registrations have, by field.
    r#where: BTreeMap<&'a str, &'a str>,
    /// How to show it: `bar`, `share` or `line`.
    chart: &'a str,
    /// No number tells a count below this one: values are listed from one more, and the sum of the others moves in
    /// steps of this size. 0 and 1 hide nothing.
    suppress_below: u64,
    /// Time at which the counts were last known to be complete.
    #[schema(value_type = String, format = DateTime)]
    as_of: Timestamp,
    /// True if `as_of` is so old that the counts may have changed.
    stale: bool,
    /// Sum of all counts, `others` included. Small counts that may not be told are not in it.
    total: u64,
    /// Highest count first, equal counts by key; with several fields group by group, the highest group first.
    values: Vec<KeyCountBody<'a>>,
    /// What `values` does not list.
    others: Option<OthersBody>,
    /// True if the `key` asked for has no count of its own, because too many values were typed: it is one of the `others`, which
    /// are counted together.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    among_others: bool,
    /// Totals by the first field, if there are several.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<GroupBody>,
}

/// What changed in a tally since the last event.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TallyChange)]
pub struct TallyChangeBody<'a> {
    /// Id of the tally.
    tally: &'a str,
    /// Time at which the counts were last known to be complete.
    #[schema(value_type = String, format = DateTime)]
    as_of: Timestamp,
    /// True if `as_of` is so old that the counts may have changed.
    stale: bool,
    /// Sum of all counts, `others` included.
    total: u64,
    /// Keys that are new or have another count.
    values: Vec<KeyCountBody<'a>>,
    /// Keys that are no longer listed.
    removed: &'a [Vec<String>],
    /// What is not listed.
    others: Option<OthersBody>,
    /// Groups with another total; 0 if a group is no longer listed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<GroupBody>,
}

/// Number of registrations with one key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = KeyCount)]
pub struct KeyCountBody<'a> {
    /// One value for each field; empty for no answer.
    key: &'a [String],
    /// Number of registrations.
    count: u64,
}

/// Total of one value of the first field.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GroupTotal)]
pub struct GroupBody {
    /// The value.
    key: String,
    /// Sum of its counts, `others` included.
    total: u64,
    /// What is not listed of it.
    others: Option<OthersBody>,
}

impl<'a> ChartBody<'a> {
    /// Creates the chart of the first tally.
    pub fn new(campaign: &'a Campaign, tally: &Tally, view: &TallyView) -> Self {
        let fields = tally.key_fields(&campaign.fields);
        let names: Vec<_> = fields.iter().map(|field| field.name.as_str()).collect();
        let count = |row: &TallyRow| CountBody {
            value: row.label.join(VALUE_SEPARATOR),
            count: row.count,
        };
        Self {
            campaign: campaign.id.as_str(),
            by: names.join(","),
            as_of: view.as_of,
            stale: view.stale,
            total: view.public.total,
            values: view.public.rows().map(count).collect(),
            others: view.public.others.map(OthersBody::from),
        }
    }
}

impl<'a> TallyBody<'a> {
    /// Creates the body of a whole view; `public` may be that of one value only.
    pub fn new(
        campaign: &'a Campaign,
        tally: &'a Tally,
        view: &TallyView,
        public: &'a PublicTally,
    ) -> Self {
        let fields = tally.key_fields(&campaign.fields);
        let condition = |((index, _), label): (&(usize, String), &'a String)| {
            let field = campaign.fields.get(*index)?;
            Some((field.name.as_str(), label.as_str()))
        };
        Self {
            tally: &tally.id,
            by: fields.iter().map(|field| field.name.as_str()).collect(),
            r#where: tally
                .filter
                .iter()
                .zip(&tally.filter_labels)
                .filter_map(condition)
                .collect(),
            chart: tally.chart.into(),
            suppress_below: tally.suppress_below,
            as_of: view.as_of,
            stale: view.stale,
            total: public.total,
            values: public.rows().map(KeyCountBody::from).collect(),
            others: public.others.map(OthersBody::from),
            among_others: false,
            groups: groups(public.group_totals()),
        }
    }

    /// Marks a value that has no count of its own.
    #[must_use]
    pub fn of_one_value(self) -> Self {
        Self {
            among_others: self.values.is_empty() && self.groups.is_empty() && self.others.is_some(),
            ..self
        }
    }
}

impl<'a> TallyChangeBody<'a> {
    /// Creates the body of a change.
    pub fn new(tally: &'a Tally, view: &TallyView, change: &'a TallyChange) -> Self {
        Self {
            tally: &tally.id,
            as_of: view.as_of,
            stale: view.stale,
            total: change.total,
            values: change.rows.iter().map(KeyCountBody::from).collect(),
            removed: &change.removed,
            others: change.others.map(OthersBody::from),
            groups: groups(change.groups.clone()),
        }
    }
}

impl<'a> From<&'a TallyRow> for KeyCountBody<'a> {
    fn from(row: &'a TallyRow) -> Self {
        Self {
            key: &row.label,
            count: row.count,
        }
    }
}

impl From<Others> for OthersBody {
    fn from(others: Others) -> Self {
        Self {
            count: others.count,
            values: others.values,
        }
    }
}

fn groups(totals: Vec<GroupTotal>) -> Vec<GroupBody> {
    let group = |group: GroupTotal| GroupBody {
        key: group.label,
        total: group.total,
        others: group.others.map(OthersBody::from),
    };
    totals.into_iter().map(group).collect()
}
