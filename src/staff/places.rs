//! Parses the places that limit a clerk or a token into tally values of the campaigns.

use crate::campaigns::Campaigns;
use crate::domain::Kind;
use crate::domain::staff::Reach;

/// Parses typed places; no place means all. A name in the list of a campaign stands for that place. Any other name is
/// accepted if a campaign accepts places outside its list.
///
/// # Errors
/// The first name that no campaign accepts as a tally value.
pub fn read(campaigns: &Campaigns, typed: &[String]) -> Result<Reach, String> {
    let mut places = Vec::new();
    for name in typed
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
    {
        let known = spellings(campaigns, name);
        if known.is_empty() {
            return Err(name.to_owned());
        }
        places.extend(known);
    }
    Ok(Reach::of(places))
}

fn spellings(campaigns: &Campaigns, name: &str) -> Vec<String> {
    let listed = |kind: &Kind| match kind {
        Kind::Place(places) => places.find(name).map(|place| place.name.clone()),
        Kind::Choice(choice) => choice.parse(name).ok(),
        Kind::Text { .. } | Kind::Document | Kind::Photo => None,
    };
    let tallied = || campaigns.iter().map(|campaign| campaign.tallied());
    let known: Vec<_> = tallied().filter_map(|field| listed(&field.kind)).collect();
    if !known.is_empty() {
        return known;
    }
    let open = tallied().filter_map(|field| Some(field.group(&field.admit(name).ok()??)));
    open.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_with(folder: &std::path::Path, names: &[&str]) -> Result<Vec<String>, String> {
        let campaigns = Campaigns::read(folder).unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        read(&campaigns, &names).map(|reach| reach.places().to_vec())
    }

    #[test]
    fn places_are_parsed_into_tally_values() {
        let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns");
        assert_eq!(
            parse_with(&shipped, &["CALI", " bogota d.c. ", "cali", ""]),
            Ok(vec!["Bogotá".into(), "Cali".into()])
        );
        assert_eq!(parse_with(&shipped, &[" ", ""]), Ok(vec![]), "all");
    }

    #[test]
    fn a_name_that_is_no_tally_value_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns");
        for file in ["vacunacion.toml", "ciudades-colombia.csv"] {
            std::fs::copy(shipped.join(file), folder.path().join(file)).unwrap();
        }
        let names = ["Cali", "Macondo"];
        assert_eq!(parse_with(folder.path(), &names), Err("Macondo".into()));
    }
}
