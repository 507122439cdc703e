//! Maps of departments: a tally whose first field is a list of the departments of a country is drawn on its map.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::rows::GroupRow;
use jornada_domain::text::fold;
use jornada_domain::{Field, FieldKind};

/// Number of shades of a tally of one field.
const SHADES: u64 = 5;

/// The maps. `maps/README.md` names source and licence.
static MAPS: LazyLock<[Map; 2]> = LazyLock::new(|| {
    [
        Map::parse(include_str!("maps/guatemala.tsv")),
        Map::parse(include_str!("maps/colombia.tsv")),
    ]
});

/// The map of a country.
#[derive(Debug)]
pub(super) struct Map {
    /// `viewBox` of the picture.
    pub(super) view_box: String,
    /// Data of the path of each department, by its folded name.
    areas: HashMap<String, &'static str>,
}

/// A department as it is drawn.
#[derive(Debug)]
pub(super) struct Area<'a> {
    pub(super) name: &'a str,
    pub(super) path: &'static str,
    /// Its row, if anything was counted.
    pub(super) group: Option<&'a GroupRow>,
}

impl Map {
    fn parse(file: &'static str) -> Self {
        let mut lines = file.lines().filter_map(|line| line.split_once('\t'));
        let (width, height) = lines.next().unwrap_or_default();
        Self {
            view_box: format!("-2 -2 {width} {height}"),
            areas: lines.map(|(name, path)| (fold(name), path)).collect(),
        }
    }

    /// Returns the map that has all places of the list of this field.
    pub(super) fn of(field: &Field) -> Option<&'static Self> {
        let FieldKind::Place(places) = &field.kind else {
            return None;
        };
        let list = places.list();
        let has_all = |map: &&Self| {
            let mut names = list.iter().map(|place| fold(&place.name));
            names.all(|name| map.areas.contains_key(&name))
        };
        MAPS.iter().find(has_all).filter(|_| !list.is_empty())
    }

    /// Returns the departments in the order of the list of the field.
    pub(super) fn areas<'a>(&self, field: &'a Field, groups: &'a [GroupRow]) -> Vec<Area<'a>> {
        let FieldKind::Place(places) = &field.kind else {
            return Vec::new();
        };
        let groups: HashMap<_, _> = groups.iter().map(|group| (&group.value, group)).collect();
        let area = |place: &'a jornada_domain::place::Place| {
            Some(Area {
                name: &place.name,
                path: self.areas.get(&fold(&place.name))?,
                group: groups.get(&place.name).copied(),
            })
        };
        places.list().iter().filter_map(area).collect()
    }
}

/// Returns the class of the shade of a count.
pub(super) fn shade(count: u64, highest: u64) -> String {
    let shade = u128::from(count) * u128::from(SHADES);
    let shade = shade.div_ceil(u128::from(highest.max(1)));
    format!("m{shade}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use jornada_domain::Campaign;
    use jornada_testkit::campaign::EXAMPLE;

    fn field(csv: &str) -> Field {
        let campaign = Campaign::parse(EXAMPLE, |_| Ok(csv.to_owned())).unwrap();
        campaign.tally_field().clone()
    }

    #[test]
    fn a_list_of_departments_has_a_map_and_another_has_none() {
        let guatemala = include_str!("../../../campaigns/departamentos-guatemala.csv");
        let guatemala = field(guatemala);
        let map = Map::of(&guatemala).unwrap();
        let group = GroupRow {
            value: "Petén".into(),
            total: 3,
            leader: None,
        };
        let groups = [group];
        let areas = map.areas(&guatemala, &groups);
        assert_eq!(areas.len(), 22);
        assert!(areas.iter().all(|area| area.path.len() > 40));
        let counted: Vec<_> = areas.iter().filter(|area| area.group.is_some()).collect();
        assert_eq!((counted.len(), counted[0].name), (1, "Petén"));
        let colombia = "name,region\nBogotá D.C.,x\nSan Andrés y Providencia,x\nVaupés,x\n";
        assert!(Map::of(&field(colombia)).is_some());
        assert!(Map::of(&field("name,region\nBogotá,Bogotá D.C.\n")).is_none());
    }

    #[test]
    fn the_highest_count_has_the_darkest_shade() {
        assert_eq!(
            (shade(10, 10), shade(1, 10), shade(0, 10)),
            ("m5".into(), "m1".into(), "m0".into())
        );
    }
}
