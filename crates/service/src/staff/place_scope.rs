//! Parses the places that limit a clerk or a token.

use std::fmt;

use crate::campaigns::Campaigns;
use jornada_domain::staff::PlaceScope;
use jornada_domain::{Campaign, FieldKind, RegistrationSelection};
use jornada_store::{Store, StoreError};

/// Why places were not accepted.
#[derive(Debug, thiserror::Error)]
pub enum PlaceScopeError {
    /// No campaign has this place.
    #[error("no campaign has a place {0}")]
    Unknown(UnknownPlace),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A place that no campaign has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownPlace {
    /// The name as typed.
    pub name: String,
    /// Most similar listed names, best first; may be empty.
    pub nearest: Vec<String>,
}

impl fmt::Display for UnknownPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.name)?;
        if !self.nearest.is_empty() {
            write!(f, "; did you mean {}?", self.nearest.join(", "))?;
        }
        Ok(())
    }
}

/// Parses typed places; no place means all. A name in the list of a campaign stands for that place. Any other name must
/// occur among the registrations of a campaign that accepts places outside its list, unless no campaign has a list.
pub async fn parse(
    store: &Store,
    campaigns: &Campaigns,
    names: &[String],
) -> Result<PlaceScope, PlaceScopeError> {
    let mut places = Vec::new();
    let names = names.iter().map(|name| name.trim());
    for name in names.filter(|name| !name.is_empty()) {
        let mut known = find_listed(campaigns, name);
        if known.is_empty() {
            known = find_unlisted(store, campaigns, name).await?;
        }
        if known.is_empty() {
            return Err(PlaceScopeError::Unknown(UnknownPlace {
                name: name.to_owned(),
                nearest: find_nearest(campaigns, name),
            }));
        }
        places.extend(known);
    }
    Ok(PlaceScope::new(places))
}

/// Returns the names in the lists of the campaigns for this name.
fn find_listed(campaigns: &Campaigns, name: &str) -> Vec<String> {
    let fields = campaigns.iter().map(|campaign| campaign.tally_field());
    fields
        .filter_map(|field| field.listed_value(name))
        .collect()
}

/// Returns the name as the campaigns accept it that also take places outside a list.
async fn find_unlisted(
    store: &Store,
    campaigns: &Campaigns,
    name: &str,
) -> Result<Vec<String>, StoreError> {
    let has_list = campaigns.iter().any(|campaign| is_listed(campaign));
    let mut known = Vec::new();
    for campaign in campaigns.iter() {
        let field = campaign.tally_field();
        let Ok(Some(accepted)) = field.validate(name) else {
            continue;
        };
        let selection = RegistrationSelection::for_value(field.tally_value(&accepted));
        if !has_list || store.count(&campaign.id, &selection).await? > 0 {
            known.push(accepted);
        }
    }
    Ok(known)
}

/// Returns whether the tally field of a campaign has a list.
fn is_listed(campaign: &Campaign) -> bool {
    match &campaign.tally_field().kind {
        FieldKind::Place(places) => !places.list().is_empty(),
        FieldKind::Choice(_) | FieldKind::Integer { .. } => true,
        FieldKind::Text { .. } | FieldKind::Document | FieldKind::Photo => false,
    }
}

fn find_nearest(campaigns: &Campaigns, name: &str) -> Vec<String> {
    let mut nearest = Vec::new();
    for campaign in campaigns.iter() {
        if let FieldKind::Place(places) = &campaign.tally_field().kind {
            nearest.extend(places.find_nearest(name));
        }
    }
    nearest.sort_unstable();
    nearest.dedup();
    nearest
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use jornada_store::StoreSetting;

    const OPEN: &str = "mejor-disco.toml";
    const LISTED: [&str; 2] = ["vacunacion.toml", "ciudades-colombia.csv"];

    /// Parses places with these campaign files and an empty store.
    async fn parse_with(files: &[&str], names: &[&str]) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../campaigns");
        for file in files {
            std::fs::copy(shipped.join(file), folder.path().join(file)).unwrap();
        }
        let setting = StoreSetting::Sqlite(folder.path().join("data/jornada.db"));
        let store = Store::open(&setting).await.unwrap();
        let campaigns = Campaigns::read(folder.path()).unwrap();
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let parsed = parse(&store, &campaigns, &names).await;
        let places = parsed.map(|scope| scope.places().to_vec());
        places.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn places_are_parsed_into_tally_values() {
        let listed = parse_with(&LISTED, &["CALI", " bogota d.c. ", "cali", ""]).await;
        assert_eq!(listed, Ok(vec!["Bogotá".into(), "Cali".into()]));
        assert_eq!(parse_with(&LISTED, &[" ", ""]).await, Ok(vec![]), "all");
        let open = parse_with(&[OPEN], &["Aterciopelados"]).await;
        assert_eq!(open, Ok(vec!["Aterciopelados".into()]), "there is no list");
    }

    #[tokio::test]
    async fn an_unknown_place_is_rejected_with_the_nearest() {
        for files in [&LISTED[..], &[OPEN, LISTED[0], LISTED[1]]] {
            let similar = parse_with(files, &["Cali", "Medelin"]).await;
            let expected = "no campaign has a place 'Medelin'; did you mean Medellín";
            assert!(similar.unwrap_err().starts_with(expected));
            let unknown = parse_with(files, &["Xyzzy"]).await;
            assert_eq!(unknown, Err("no campaign has a place 'Xyzzy'".into()));
        }
    }
}
