//! Places of a campaign. Answers are matched against a list regardless of case and accents, common abbreviations, and with their
//! region or country behind them, or, without a list, counted together if they fold alike.

mod spelling;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use super::similar::find_similar;
use super::text;
use super::validation_error::ValidationError;
use spelling::{place_key, strip_country};

/// Maximum length of a place that is not listed, in characters.
const MAX_NAME_CHARS: usize = 120;
/// Maximum number of words of a listed name that is found with something behind it.
const MAX_WORDS: usize = 12;

/// A listed place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Stored spelling. Includes the region if several places of the list have the same name.
    pub name: String,
    /// Region (department), shown beside the name.
    pub region: String,
    folded_name: String,
    folded_region: String,
    region_key: String,
}

impl Place {
    /// Returns whether this key of a region or country is where the place is: the beginning of the region is enough.
    fn is_within(&self, key: &str) -> bool {
        let region = strip_country(key);
        let rest = self.region_key.strip_prefix(region);
        region.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    }
}

/// The places that a campaign accepts.
#[derive(Clone, Debug, Default)]
pub struct Places {
    list: Vec<Place>,
    /// Index of a place by its stored spelling; `None` if several have it.
    by_name: HashMap<String, Option<usize>>,
    /// Indexes of the places by each of their spellings ([`place_key`]); several for a name without its region.
    by_key: HashMap<String, Vec<usize>>,
    accepts_others: bool,
}

impl Places {
    /// Creates places that accept any name.
    pub fn any() -> Self {
        Self {
            accepts_others: true,
            ..Self::default()
        }
    }

    /// Returns whether only listed places are accepted.
    pub fn accepts_only_listed(&self) -> bool {
        !self.accepts_others
    }

    /// Parses a CSV list: a header, then `name,region` and optionally further spellings separated by `|`. Places of the
    /// same name in different regions are named `name (region)`. Returns all errors with their lines: names that fold
    /// alike within a region, an empty name, too few columns.
    pub fn parse(csv: &str, accepts_others: bool) -> Result<Self, Vec<(u64, String)>> {
        let mut places = Self {
            accepts_others,
            ..Self::default()
        };
        let mut errors = Vec::new();
        let mut reader = csv::ReaderBuilder::new()
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(csv.as_bytes());
        for row in reader.records() {
            let (position, added) = match &row {
                Ok(row) => (row.position(), places.add_row(row)),
                Err(error) => (error.position(), Err(error.to_string())),
            };
            let line = position.map_or(0, csv::Position::line);
            errors.extend(added.err().map(|what| (line, what)));
        }
        if places.list.is_empty() && errors.is_empty() {
            errors.push((1, "the list is empty".into()));
        }
        if errors.is_empty() {
            places.name_homonyms();
            Ok(places)
        } else {
            Err(errors)
        }
    }

    fn add_row(&mut self, row: &csv::StringRecord) -> Result<(), String> {
        let name = text::normalise(row.get(0).unwrap_or_default()).unwrap_or_default();
        let region = row.get(1).ok_or("expected name,region")?;
        if name.is_empty() {
            return Err("the name is empty or has control characters".into());
        }
        let place = self.list.len();
        self.list.push(Place {
            folded_name: text::fold(&name),
            folded_region: text::fold(region),
            region_key: place_key(region),
            name: name.clone(),
            region: region.to_owned(),
        });
        self.add_spelling(&name, place)?;
        self.add_spelling(&format!("{name} {region}"), place)?;
        let aliases = row.get(2).unwrap_or_default().split('|');
        for alias in aliases.filter(|alias| !alias.is_empty()) {
            self.add_spelling(alias, place)?;
        }
        Ok(())
    }

    /// Adds a spelling. Fails if another place of the same region has it.
    fn add_spelling(&mut self, spelling: &str, place: usize) -> Result<(), String> {
        let region = &self.list[place].folded_region;
        let known = self.by_key.entry(place_key(spelling)).or_default();
        let is_same_region = |other: &usize| self.list[*other].folded_region == *region;
        if known
            .iter()
            .any(|other| *other != place && is_same_region(other))
        {
            return Err(format!("'{spelling}' names two places of the list"));
        }
        if !known.contains(&place) {
            known.push(place);
        }
        Ok(())
    }

    /// Adds the region to the names that several places have.
    fn name_homonyms(&mut self) {
        for place in &mut self.list {
            let known = self.by_key.get(&place_key(&place.name));
            if known.is_some_and(|places| places.len() > 1) {
                place.name = format!("{} ({})", place.name, place.region);
                place.folded_name = text::fold(&place.name);
            }
        }
        for (index, place) in self.list.iter().enumerate() {
            self.by_name
                .entry(place.name.clone())
                .and_modify(|known| *known = None)
                .or_insert(Some(index));
            let known = self.by_key.entry(place_key(&place.name)).or_default();
            if !known.contains(&index) {
                known.push(index);
            }
        }
    }

    /// Returns the listed places in order; empty if any place is accepted.
    pub fn list(&self) -> &[Place] {
        &self.list
    }

    /// Finds a listed place by any of its spellings, regardless of case and accents. `None` if several places have it.
    pub fn find(&self, spelling: &str) -> Option<&Place> {
        self.named(spelling)
            .or_else(|| match self.spelled(spelling)[..] {
                [place] => Some(&self.list[place]),
                _ => None,
            })
    }

    /// Returns the place with this stored spelling: quicker than by its folding.
    fn named(&self, name: &str) -> Option<&Place> {
        let index = self.by_name.get(name).copied().flatten()?;
        self.list.get(index)
    }

    /// Returns the places with a spelling, also with region or country behind it.
    fn spelled(&self, spelling: &str) -> Vec<usize> {
        let key = place_key(spelling);
        if let Some(places) = self.by_key.get(&key) {
            return places.clone();
        }
        // The longest name first. No name is longer than a few words.
        let spaces = key.match_indices(' ').take(MAX_WORDS);
        let ends: Vec<_> = spaces.map(|(end, _)| end).collect();
        for end in ends.into_iter().rev() {
            let (name, behind) = (&key[..end], &key[end + 1..]);
            let named = self.by_key.get(name).into_iter().flatten().copied();
            let found: Vec<_> = named
                .filter(|place| self.list[*place].is_within(behind))
                .collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// Validates a place and returns the listed spelling, or the normalised text if unlisted places are accepted. A
    /// place outside `region` is not accepted, if that is given.
    pub fn validate(&self, raw: &str, region: Option<&str>) -> Result<String, ValidationError> {
        let typed = text::normalise(raw)?;
        // Nearly always so for a vote that a door has validated: nothing is folded.
        if let Some(place) = self.named(&typed)
            && region.is_none_or(|region| region == place.region)
        {
            return Ok(place.name.clone());
        }
        let region = region.map(text::fold);
        let is_inside = |place: &Place| {
            let region = region.as_ref();
            region.is_none_or(|region| place.folded_region == *region)
        };
        // A stored spelling means its place alone.
        let meant = self.named(&typed).map_or_else(
            || {
                self.spelled(&typed)
                    .into_iter()
                    .map(|place| &self.list[place])
                    .collect()
            },
            |place| vec![place],
        );
        let found: Vec<_> = meant.into_iter().filter(|place| is_inside(place)).collect();
        if let [place] = found[..] {
            return Ok(place.name.clone());
        }
        if typed.chars().count() > MAX_NAME_CHARS {
            return Err(ValidationError::TooLong {
                max: MAX_NAME_CHARS,
            });
        }
        if self.accepts_others && found.is_empty() {
            return Ok(typed);
        }
        let nearest = if found.is_empty() {
            let inside = self.list.iter().filter(|place| is_inside(place));
            let names = inside.map(|place| (&*place.name, &*place.folded_name));
            find_similar(&typed, names)
        } else {
            found.into_iter().map(|place| place.name.clone()).collect()
        };
        Err(ValidationError::UnknownPlace { nearest })
    }

    /// Returns the value under which a validated place is counted: the listed spelling, or the folded text.
    pub fn tally_value(&self, validated: &str) -> String {
        let listed = self.find(validated).map(|place| place.name.clone());
        listed.unwrap_or_else(|| text::fold(validated))
    }

    /// Returns the most similar listed names, best first.
    pub fn find_nearest(&self, typed: &str) -> Vec<String> {
        let names = self.list.iter();
        find_similar(
            typed,
            names.map(|place| (&*place.name, &*place.folded_name)),
        )
    }
}
