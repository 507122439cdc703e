//! The campaign of the unit tests.

use jornada_domain::Campaign;

/// Campaign file with one field of each kind.
pub const EXAMPLE: &str = include_str!("../../domain/src/campaign/example.toml");

/// Returns the campaign of [`EXAMPLE`] with a list of two cities.
#[must_use]
pub fn example() -> Campaign {
    let list = |_: &str| Ok("name,region\nBogotá,Bogotá D.C.\nMedellín,Antioquia\n".to_owned());
    Campaign::parse(EXAMPLE, list).unwrap()
}
