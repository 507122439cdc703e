//! Parses the places that limit a clerk or a token.

use crate::campaigns::Campaigns;
use jornada_domain::staff::PlaceScope;

/// Parses typed places; no place means all. A name in the list of a campaign stands for that place. Any other name is
/// accepted if a campaign accepts places outside its list. Fails with the first name that no campaign accepts.
pub fn parse(campaigns: &Campaigns, names: &[String]) -> Result<PlaceScope, String> {
    let mut places = Vec::new();
    for name in names
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
    {
        let known = find_places(campaigns, name);
        if known.is_empty() {
            return Err(name.to_owned());
        }
        places.extend(known);
    }
    Ok(PlaceScope::new(places))
}

/// Returns the names in the list of a campaign for this name, else the name as the campaigns without a list accept it.
fn find_places(campaigns: &Campaigns, name: &str) -> Vec<String> {
    let tallied = || campaigns.iter().map(|campaign| campaign.tally_field());
    let known: Vec<_> = tallied()
        .filter_map(|field| field.listed_value(name))
        .collect();
    if !known.is_empty() {
        return known;
    }
    tallied()
        .filter_map(|field| field.validate(name).ok()?)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_with(folder: &std::path::Path, names: &[&str]) -> Result<Vec<String>, String> {
        let campaigns = Campaigns::read(folder).unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        parse(&campaigns, &names).map(|reach| reach.places().to_vec())
    }

    #[test]
    fn places_are_parsed_into_tally_values() {
        let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../campaigns");
        assert_eq!(
            parse_with(&shipped, &["CALI", " bogota d.c. ", "cali", ""]),
            Ok(vec!["Bogotá".into(), "Cali".into()])
        );
        assert_eq!(parse_with(&shipped, &[" ", ""]), Ok(vec![]), "all");
    }

    #[test]
    fn a_name_that_is_no_tally_value_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../campaigns");
        for file in ["vacunacion.toml", "ciudades-colombia.csv"] {
            std::fs::copy(shipped.join(file), folder.path().join(file)).unwrap();
        }
        let names = ["Cali", "Macondo"];
        assert_eq!(parse_with(folder.path(), &names), Err("Macondo".into()));
    }
}
