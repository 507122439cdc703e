//! The places that limit a clerk or a token, in the spelling under which campaigns count them.

use crate::campaigns::Campaigns;
use crate::domain::Kind;
use crate::domain::staff::Reach;

/// Reads places as somebody typed them; empty means all. A name that stands in the list of a campaign is meant so;
/// another is taken if some campaign takes any place.
///
/// # Errors
/// The first name that no campaign counts by.
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

    fn read_of(folder: &std::path::Path, names: &[&str]) -> Result<Vec<String>, String> {
        let campaigns = Campaigns::read(folder).unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        read(&campaigns, &names).map(|reach| reach.places().to_vec())
    }

    #[test]
    fn places_are_kept_as_they_are_counted() {
        let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns");
        assert_eq!(
            read_of(&shipped, &["CALI", " bogota d.c. ", "cali", ""]),
            Ok(vec!["Bogotá".into(), "Cali".into()])
        );
        assert_eq!(read_of(&shipped, &[" ", ""]), Ok(vec![]), "all");
    }

    #[test]
    fn a_name_that_no_campaign_counts_by_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let shipped = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("campaigns");
        for file in ["vacunacion.toml", "ciudades-colombia.csv"] {
            std::fs::copy(shipped.join(file), folder.path().join(file)).unwrap();
        }
        let names = ["Cali", "Macondo"];
        assert_eq!(read_of(folder.path(), &names), Err("Macondo".into()));
    }
}
