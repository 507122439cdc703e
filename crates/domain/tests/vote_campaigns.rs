//! Campaign files of votes: what they may have, and each mistake with its place.

use jornada_domain::{Campaign, FormData, ValidationError};

const ELECTION: &str = include_str!("../../../campaigns/elecciones.toml");
const CONTEST: &str = include_str!("../../../campaigns/mejor-disco.toml");
const REGISTRATION: &str = include_str!("../../../campaigns/vacunacion.toml");

fn list(name: &str) -> Result<String, String> {
    match name {
        "departamentos-guatemala.csv" => {
            Ok(include_str!("../../../campaigns/departamentos-guatemala.csv").to_owned())
        }
        "municipios-guatemala.csv" => {
            Ok(include_str!("../../../campaigns/municipios-guatemala.csv").to_owned())
        }
        "ciudades-colombia.csv" => {
            Ok(include_str!("../../../campaigns/ciudades-colombia.csv").to_owned())
        }
        other => Err(format!("cannot read {other}")),
    }
}

fn mistakes(file: &str) -> String {
    let found = Campaign::parse(file, list).err().unwrap_or_default();
    let lines: Vec<_> = found.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

fn validate(campaign: &Campaign, answers: &[(&str, &str)]) -> Result<Vec<String>, Vec<String>> {
    let parts = answers.iter();
    let form = FormData {
        parts: parts
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect(),
        has_photo: false,
    };
    let named = |answers: jornada_domain::Answers| {
        let texts = answers.named(campaign).map(|(_, text)| text.to_owned());
        texts.collect()
    };
    let codes = |errors: Vec<jornada_domain::FieldError>| {
        let codes = errors
            .iter()
            .map(|error| format!("{} {}", error.field, error.error.code()));
        codes.collect()
    };
    campaign.validate(&form).map(named).map_err(codes)
}

#[test]
fn the_shipped_files_are_votes() {
    for file in [ELECTION, CONTEST] {
        assert_eq!(mistakes(file), "");
        assert!(Campaign::parse(file, list).unwrap().is_vote());
    }
    let registration = Campaign::parse(REGISTRATION, list).unwrap();
    assert!(!registration.is_vote() && registration.aliases.is_empty());
}

#[test]
fn each_kind_of_campaign_has_its_own_keys() {
    let vote = |added: &str| {
        mistakes(&ELECTION.replace(
            "id = \"elecciones\"",
            &format!("id = \"elecciones\"\n{added}"),
        ))
    };
    for (added, expected) in [
        (
            "consent = { es = \"Sí\", en = \"Yes\" }",
            "consent: only campaigns with kind = \"registration\"",
        ),
        (
            "retain_days = { answers = 1 }",
            "retain_days: only campaigns with kind = \"registration\"",
        ),
        (
            "proof_of_work = 2000",
            "proof_of_work: only campaigns with kind = \"registration\"",
        ),
        (
            "requires_token = \"yes\"",
            "requires_token: expected true or false",
        ),
    ] {
        let told = vote(added);
        assert!(told.contains(expected), "{told}");
    }
    let renamed = mistakes(&ELECTION.replace("\"partido\"", "\"from\""));
    assert!(
        renamed.contains("fields[from]: the list of votes has a parameter of this name"),
        "{renamed}"
    );
    let kind =
        |kind: &str| mistakes(&ELECTION.replace("kind = \"vote\"", &format!("kind = \"{kind}\"")));
    assert!(kind("survey").contains("4: kind: expected registration or vote"));
    let told = kind("registration");
    for expected in [
        "aliases: only campaigns with kind = \"vote\"",
        "fields[municipio]: within: only campaigns",
    ] {
        assert!(told.contains(expected), "{told}");
    }
    let told = mistakes(&REGISTRATION.replace(
        "id = \"vacunacion\"",
        "id = \"vacunacion\"\nkind = \"vote\"",
    ));
    for field in ["nombre", "documento", "foto"] {
        let expected = format!(
            "fields[{field}]: a vote has no photo, no document, and no personal or unique field"
        );
        assert!(told.contains(&expected), "{told}");
    }
}

#[test]
fn mistakes_of_fields_and_aliases_have_their_place() {
    for (right, wrong, expected) in [
        (
            "range = [1, 20000]",
            "range = [2, 1]",
            "fields[sede].range: expected [lowest, highest]",
        ),
        ("range = [1, 20000]", "", "fields[sede].range: missing"),
        (
            "within = \"departamento\"",
            "within = \"sede\"",
            "fields[municipio].within: expected the name of a place field",
        ),
        (
            "within = \"departamento\"",
            "within = \"partido\"",
            "fields[municipio].within: expected",
        ),
        (
            "path = \"/Mysql\"",
            "path = \"Mysql\"",
            "aliases.path: expected an absolute path",
        ),
        (
            "path = \"/Mysql\"",
            "path = \"/api/v1/x\"",
            "aliases.path: expected an absolute path",
        ),
        (
            "path = \"/Mysql\"",
            "path = \"/../x\"",
            "aliases.path: expected an absolute path",
        ),
        ("path = \"/Mysql\"", "", "aliases.path: missing"),
        (
            "path = \"/Mysql\"",
            "path = \"/Mysql\"\nfields = { color = \"c\" }",
            "aliases.fields.color: no field has this name",
        ),
        (
            "path = \"/Mysql\"",
            "path = \"/Mysql\"\nfields = { sede = \"x\", partido = \"x\" }",
            "another field has this name already",
        ),
        (
            "'{\"message\":\"Voto ingresado\"}'",
            "'Voto ingresado'",
            "aliases.reply: expected a text with JSON",
        ),
    ] {
        let told = mistakes(&ELECTION.replace(right, wrong));
        assert!(told.contains(expected), "{wrong}: {told}");
    }
    let twice = format!("{CONTEST}\n[[aliases]]\npath = \"/insert\"\n");
    assert!(mistakes(&twice).contains("another alias has this path"));
}

#[test]
fn a_place_is_told_apart_by_the_region_that_was_answered() {
    let campaign = Campaign::parse(ELECTION, list).unwrap();
    let vote = |department, place| {
        let answers = [
            ("sede", "1"),
            ("departamento", department),
            ("municipio", place),
            ("papeleta", "rosada"),
            ("partido", "cabal"),
        ];
        validate(&campaign, &answers)
    };
    let expected = [
        "1",
        "San Marcos",
        "San Pedro Sacatepéquez (San Marcos)",
        "Rosada",
        "CABAL",
    ];
    for place in [
        "San Pedro Sacatepéquez",
        "san pedro sacatepequez, san marcos",
        "San Pedro Sacatepéquez (San Marcos)",
    ] {
        assert_eq!(vote("SAN MARCOS", place).unwrap(), expected);
    }
    assert_eq!(
        vote("Petén", "San Pedro Sacatepéquez").unwrap_err(),
        ["municipio unknown_place"]
    );
    assert_eq!(
        vote("Narnia", "San José").unwrap_err(),
        ["departamento unknown_place", "municipio unknown_place"]
    );
    let field = campaign.field("municipio").unwrap();
    let nearest = ["San José (Escuintla)", "San José (Petén)"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(
        field.validate("San José"),
        Err(ValidationError::UnknownPlace { nearest })
    );
}

#[test]
fn existing_votes_of_a_contest_are_valid() {
    let campaign = Campaign::parse(CONTEST, list).unwrap();
    let vote = |year, rank| {
        let answers = [
            ("album", "Uno"),
            ("artista", "Los Ejemplos"),
            ("anio", year),
            ("puesto", rank),
        ];
        validate(&campaign, &answers).is_ok()
    };
    assert!(vote("1924", "100") && vote("1900", "1") && vote("2026", "7") && vote("", "7"));
    assert!(!vote("1899", "1") && !vote("2027", "1") && !vote("2000", "0") && !vote("2000", "101"));
    let alias = &campaign.aliases[0];
    assert_eq!(
        (&*alias.path, &*alias.fields["name"]),
        ("/grpc/insert", "artista")
    );
}
