//! Places of a campaign. Answers are matched against a list regardless of case and accents,
//! or, without a list, counted together if they fold alike.

use std::collections::HashMap;

use super::text;
use super::validation_error::ValidationError;

/// Maximum length of a place that is not listed, in characters.
const MAX_NAME_CHARS: usize = 120;
/// Maximum number of suggestions for an unlisted place.
const MAX_SUGGESTIONS: usize = 3;
/// Minimum similarity (Jaro–Winkler, 0 to 1) of a suggestion.
const MIN_SIMILARITY: f64 = 0.75;

/// A listed place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Stored spelling.
    pub name: String,
    /// Region (department), shown beside the name.
    pub region: String,
}

/// The places that a campaign accepts.
#[derive(Clone, Debug, Default)]
pub struct Places {
    list: Vec<Place>,
    by_folding: HashMap<String, usize>,
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

    /// Parses a CSV list: a header, then `name,region` and optionally further spellings separated by `|`. Returns
    /// all errors with their lines: names that fold alike, an empty name, too few columns.
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
        self.add_spelling(&name, place)?;
        self.add_spelling(&format!("{name} {region}"), place)?;
        let aliases = row.get(2).unwrap_or_default().split('|');
        for alias in aliases.filter(|alias| !alias.is_empty()) {
            self.add_spelling(alias, place)?;
        }
        self.list.push(Place {
            name,
            region: region.to_owned(),
        });
        Ok(())
    }

    fn add_spelling(&mut self, spelling: &str, place: usize) -> Result<(), String> {
        match self.by_folding.insert(text::fold(spelling), place) {
            Some(other) if other != place => {
                Err(format!("'{spelling}' names two places of the list"))
            }
            _ => Ok(()),
        }
    }

    /// Returns the listed places in order; empty if any place is accepted.
    pub fn list(&self) -> &[Place] {
        &self.list
    }

    /// Finds a listed place by any of its spellings, regardless of case and accents.
    pub fn find(&self, spelling: &str) -> Option<&Place> {
        self.by_folding
            .get(&text::fold(spelling))
            .map(|place| &self.list[*place])
    }

    /// Validates a place and returns the listed spelling, or the normalised text if unlisted places are accepted.
    pub fn validate(&self, raw: &str) -> Result<String, ValidationError> {
        let typed = text::normalise(raw)?;
        if let Some(place) = self.find(&typed) {
            return Ok(place.name.clone());
        }
        if typed.chars().count() > MAX_NAME_CHARS {
            return Err(ValidationError::TooLong {
                max: MAX_NAME_CHARS,
            });
        }
        if self.accepts_others {
            return Ok(typed);
        }
        Err(ValidationError::UnknownPlace {
            nearest: self.find_nearest(&typed),
        })
    }

    /// Returns the value under which a validated place is counted: the listed spelling, or the folded text.
    pub fn tally_value(&self, validated: &str) -> String {
        let listed = self.find(validated).map(|place| place.name.clone());
        listed.unwrap_or_else(|| text::fold(validated))
    }

    /// Returns the most similar listed names, best first.
    pub fn find_nearest(&self, typed: &str) -> Vec<String> {
        let typed = text::fold(typed);
        let similarity = |place: &Place| strsim::jaro_winkler(&typed, &text::fold(&place.name));
        let rated = self.list.iter().map(|place| (similarity(place), place));
        let mut likely: Vec<_> = rated.filter(|(rate, _)| *rate >= MIN_SIMILARITY).collect();
        likely.sort_by(|a, b| b.0.total_cmp(&a.0));
        let names = likely.into_iter().map(|(_, place)| place.name.clone());
        names.take(MAX_SUGGESTIONS).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Places {
        Places::parse("name,region,aliases\nBogotá,Bogotá D.C.,Santafé de Bogotá|Bogotá D.C.\nMedellín,Antioquia\nCali,Valle del Cauca\n", false).unwrap()
    }

    #[test]
    fn case_accents_and_spellings_do_not_matter() {
        for raw in [
            "bogota",
            "BOGOTÁ",
            "Bogota D.C.",
            " santafe  de bogota",
            "Bogotá, Bogotá D.C.",
        ] {
            assert_eq!(places().validate(raw).as_deref(), Ok("Bogotá"), "{raw}");
        }
    }

    #[test]
    fn an_unknown_place_is_answered_with_the_nearest() {
        let refusal = places().validate("Medelin").unwrap_err();
        assert_eq!(
            refusal,
            ValidationError::UnknownPlace {
                nearest: vec!["Medellín".into()]
            }
        );
    }

    #[test]
    fn without_a_list_spellings_are_kept_and_grouped() {
        let places = Places::any();
        assert_eq!(
            places.validate("Aterciopelados ").as_deref(),
            Ok("Aterciopelados")
        );
        assert_eq!(places.tally_value("los  ÁRBOLES"), "los arboles");
        assert_eq!(places.tally_value("Los árboles"), "los arboles");
    }

    #[test]
    fn mistakes_of_a_list_have_their_lines() {
        let mistakes =
            Places::parse("name,region\nCali,Valle\nCALI,Otro\n,Nada\nSolo\n", false).unwrap_err();
        let lines: Vec<_> = mistakes.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [3, 4, 5]);
    }
}
