//! Tests of the list of places.

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
        assert_eq!(
            places().validate(raw, None).as_deref(),
            Ok("Bogotá"),
            "{raw}"
        );
    }
}

#[test]
fn region_country_and_abbreviations_are_understood() {
    let csv = "name,region,aliases\nBogotá,Bogotá D.C.,Bogotá D.C.\nCali,Valle del Cauca\nSanta Marta,Magdalena\n\
               La Unión,Nariño\nLa Unión,Valle del Cauca\nPuerto Asís,Putumayo\nSan Andrés,San Andrés y Providencia\n";
    let places = Places::parse(csv, false).unwrap();
    for (raw, name) in [
        ("Bogota DC", "Bogotá"),
        ("BOGOTA D. C.", "Bogotá"),
        ("bogotá, d.c., colombia", "Bogotá"),
        ("Sta Marta", "Santa Marta"),
        ("Sta. Marta (Magdalena)", "Santa Marta"),
        ("Pto. Asís", "Puerto Asís"),
        ("Cali, Colombia", "Cali"),
        ("Cali - Valle", "Cali"),
        ("Cali [Valle del Cauca]", "Cali"),
        ("Cali (Colombia)", "Cali"),
        ("«Cali»", "Cali"),
        ("\"Cali\", Valle, Colombia", "Cali"),
        ("La Union (Nariño)", "La Unión (Nariño)"),
        ("la unión, valle", "La Unión (Valle del Cauca)"),
        ("La Unión, Nariño, Colombia", "La Unión (Nariño)"),
        ("S. Andrés", "San Andrés"),
    ] {
        assert_eq!(places.validate(raw, None).as_deref(), Ok(name), "{raw}");
        assert_eq!(places.tally_value(raw), name, "{raw}");
    }
    for raw in ["Cali, Nariño", "Cali Cauca", "Colombia", "Cali Val"] {
        assert!(places.validate(raw, None).is_err(), "{raw}");
    }
    let nearest = vec![
        "La Unión (Nariño)".into(),
        "La Unión (Valle del Cauca)".into(),
    ];
    let ambiguous = Err(ValidationError::UnknownPlace { nearest });
    assert_eq!(places.validate("La Unión, Colombia", None), ambiguous);
}

#[test]
fn an_unknown_place_is_answered_with_the_nearest() {
    let refusal = places().validate("Medelin", None).unwrap_err();
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
        places.validate("Aterciopelados ", None).as_deref(),
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
    assert_eq!(lines, [4, 5]);
    let twice = Places::parse("name,region\nCali,Valle\nCALI,valle\n", false);
    assert_eq!(twice.unwrap_err()[0].0, 3);
}

#[test]
fn places_of_one_name_are_told_apart_by_their_region() {
    let csv = "name,region\nSan Pedro Sacatepéquez,Guatemala\nCantel,Quetzaltenango\nSAN PEDRO SACATEPÉQUEZ,San Marcos\n";
    let places = Places::parse(csv, false).unwrap();
    let names: Vec<_> = places.list().iter().map(|place| &*place.name).collect();
    let [first, _, second] = names[..] else {
        panic!("{names:?}")
    };
    assert_eq!(first, "San Pedro Sacatepéquez (Guatemala)");
    let nearest = vec![first.to_owned(), second.to_owned()];
    let bare = "san pedro sacatepequez";
    let refused = Err(ValidationError::UnknownPlace { nearest });
    assert_eq!(places.validate(bare, None), refused);
    assert_eq!(
        places.validate(bare, Some("guatemala")).as_deref(),
        Ok(first)
    );
    for spelling in [first, "San Pedro Sacatepéquez, Guatemala"] {
        assert_eq!(places.validate(spelling, None).as_deref(), Ok(first));
        assert_eq!(places.tally_value(spelling), first);
    }
    let elsewhere = places.validate("Cantel", Some("Guatemala"));
    assert_eq!(
        elsewhere,
        Err(ValidationError::UnknownPlace { nearest: vec![] })
    );
}

#[test]
fn a_stored_spelling_is_accepted_again_and_means_one_place() {
    let csv = "name,region\nCali,Valle\nCali,Cauca\nCali Valle,Nariño\nPasto (Sur),Valle\n";
    let places = Places::parse(csv, false).unwrap();
    for place in places.list() {
        let name = place.name.as_str();
        for region in [None, Some(&*place.region), Some("NARINO"), Some("Cauca")] {
            let accepted = places.validate(name, region);
            let is_inside = region.is_none_or(|it| text::fold(it) == place.folded_region);
            assert_eq!(accepted.ok().as_deref(), is_inside.then_some(name));
        }
        assert_eq!(places.tally_value(name), name);
    }
    let csv = "name,region\nCali (Valle),Norte\nCali,Valle\nCali,Cauca\n";
    let places = Places::parse(csv, false).unwrap();
    let names = ["Cali (Valle) (Norte)", "Cali (Valle)", "Cali (Cauca)"];
    for (place, name) in places.list().iter().zip(names) {
        assert_eq!(place.name, name);
        assert_eq!(places.validate(name, None).as_deref(), Ok(name));
        assert_eq!(
            places.validate(name, Some(&place.region)).as_deref(),
            Ok(name)
        );
    }
}
