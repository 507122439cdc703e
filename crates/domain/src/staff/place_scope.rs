//! Places (values of the tally field) whose registrations an account or token may see.

use crate::{Field, text};

/// Maximum number of places of one account or token.
pub const MAX_PLACES: usize = 100;

/// Values of the tally field that may be seen; empty means all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlaceScope(Vec<String>);

impl PlaceScope {
    /// Allows every place.
    pub fn all() -> Self {
        Self::default()
    }

    /// Allows only these places, sorted and without duplicates; an empty list allows every place.
    /// Truncates the list to [`MAX_PLACES`], which allows less, not more.
    pub fn new(mut places: Vec<String>) -> Self {
        places.sort_unstable();
        places.dedup_by(|a, b| text::fold(a) == text::fold(b));
        places.truncate(MAX_PLACES);
        Self(places)
    }

    /// Returns whether every place is allowed.
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether registrations counted under this value may be seen, regardless of case and accents.
    pub fn includes(&self, value: &str) -> bool {
        let value = text::fold(value);
        self.is_all() || self.0.iter().any(|place| text::fold(place) == value)
    }

    /// Returns the values in the spelling in which this field counts them; campaigns may differ. Empty means all.
    pub fn tally_values(&self, field: &Field) -> Vec<String> {
        let value = |place: &String| {
            let counted = field.tally_value_of(place).ok().flatten();
            let seen = counted.filter(|value| self.includes(value));
            // Keep a place that this field does not count: without it the list could become empty, which allows all.
            seen.unwrap_or_else(|| place.clone())
        };
        self.0.iter().map(value).collect()
    }

    /// Returns the places as given; empty means all.
    pub fn places(&self) -> &[String] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Places;
    use crate::{FieldKind, LocalizedText};

    #[test]
    fn spelling_does_not_widen_or_narrow_it() {
        let reach = PlaceScope::new(vec!["Bogotá".into(), "Cali".into(), "CALI".into()]);
        assert!(reach.includes("bogota") && reach.includes("Cali"));
        assert!(!reach.includes("Medellín") && !reach.includes("") && !reach.includes("Cal"));
        assert_eq!(reach.places().len(), 2);
        assert!(PlaceScope::all().includes("Medellín"));
    }

    #[test]
    fn each_field_names_them_as_it_counts_them() {
        let field = |places| Field {
            name: "ciudad".into(),
            label: LocalizedText {
                es: "Ciudad".into(),
                en: "City".into(),
            },
            hint: None,
            kind: FieldKind::Place(places),
            required: true,
            unique: false,
            personal: false,
            tally: true,
            is_counted: true,
            within: None,
            autocomplete: None,
        };
        let list = "name,region,aliases\nBogotá,Cundinamarca,Macondo\n";
        let listed = field(Places::parse(list, false).unwrap());
        let open = field(Places::any());
        let reach = PlaceScope::new(vec!["bogotá".into(), "Macondo".into()]);
        assert_eq!(reach.tally_values(&open), ["macondo", "bogota"]);
        assert_eq!(reach.tally_values(&listed), ["Bogotá", "Bogotá"]);
        let other = PlaceScope::new(vec!["Macondo".into()]);
        assert_eq!(
            other.tally_values(&listed),
            ["Macondo"],
            "no wider than it was"
        );
        assert!(PlaceScope::all().tally_values(&open).is_empty());
    }
}
