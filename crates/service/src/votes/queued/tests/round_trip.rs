//! A valid vote is the same vote after the queue.

use jornada_domain::FieldKind;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Returns a value of a list in some spelling, or any short text.
fn spelled(values: Vec<String>) -> impl Strategy<Value = String> {
    let listed = select(values).prop_flat_map(|value| {
        let spellings = vec![
            value.to_uppercase(),
            value.to_lowercase(),
            value.replace(['(', ')'], ""),
            format!(" {value}\t"),
            value.split(" (").next().unwrap_or_default().to_owned(),
            value,
        ];
        select(spellings)
    });
    prop_oneof![9 => listed, 1 => "\\PC{0,12}"]
}

fn listed(campaign: &Campaign, field: &str) -> Vec<String> {
    match &campaign.field(field).unwrap().kind {
        FieldKind::Place(places) => places
            .list()
            .iter()
            .map(|place| place.name.clone())
            .collect(),
        FieldKind::Choice(choice) => choice
            .options()
            .iter()
            .map(|one| one.value.clone())
            .collect(),
        _ => Vec::new(),
    }
}

/// Returns answers of an election as somebody may send them; most places lie in the department.
fn election() -> impl Strategy<Value = Vec<(String, String)>> {
    let campaign = JUDGE.campaigns.get("elecciones").unwrap();
    let FieldKind::Place(places) = &campaign.field("municipio").unwrap().kind else {
        panic!("municipio is a place");
    };
    let places = places.list().iter();
    let places: Vec<_> = places
        .map(|one| (one.region.clone(), one.name.clone()))
        .collect();
    let place =
        select(places).prop_flat_map(|(region, name)| (spelled(vec![region]), spelled(vec![name])));
    let ballot = spelled(listed(campaign, "papeleta"));
    let party = spelled(listed(campaign, "partido"));
    (" ?[+0]?[0-9]{1,5}", place, ballot, party).prop_map(
        |(site, (region, place), ballot, party)| {
            let names = ["sede", "departamento", "municipio", "papeleta", "partido"];
            let names = names.map(str::to_owned);
            names
                .into_iter()
                .zip([site, region, place, ballot, party])
                .collect()
        },
    )
}

/// Returns answers of a contest; its places and texts may be anything.
fn contest() -> impl Strategy<Value = Vec<(String, String)>> {
    let text = "[\\PC\\s]{1,30}|[a-zA-Zñáéü' .,()\"\\\\/-]{1,40}|(\\p{L}|\\p{M}|\\p{N}){1,40}";
    let number = " ?0?[0-9]{0,4} ?";
    (text, text, number, "[1-9][0-9]?").prop_map(|(album, artist, year, rank)| {
        let names = ["album", "artista", "anio", "puesto"].map(str::to_owned);
        names.into_iter().zip([album, artist, year, rank]).collect()
    })
}

fn assert_unchanged(campaign: &str, parts: Vec<(String, String)>) -> Result<(), TestCaseError> {
    let campaign = JUDGE.campaigns.get(campaign).unwrap();
    let form = FormData {
        parts,
        has_photo: false,
    };
    let Ok(answers) = campaign.validate(&form) else {
        return Err(TestCaseError::reject("not valid"));
    };
    let vote = NewVote {
        campaign: Arc::clone(campaign),
        vote: Vote {
            id: RegistrationId::from_bytes([0xAB; 16]),
            campaign: campaign.id.clone(),
            answers,
            received_at: at("2026-11-28T09:59:59.999Z"),
            door: Door::Grpc,
            instance: Some("app1".into()),
        },
        queue_place: None,
    };
    let (key, value) = encode(&vote);
    let sent = QueueRecord::new("votes".into(), None, "1-0".into(), Some(&key), &value);
    let judged = JUDGE.judge(&sent, now()).map(|judged| judged.vote);
    prop_assert_eq!(judged, Ok(vote.vote));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { max_global_rejects: 100_000, cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn a_valid_vote_of_an_election_is_the_same_after_the_queue(parts in election()) {
        assert_unchanged("elecciones", parts)?;
    }

    #[test]
    fn a_valid_vote_of_a_contest_is_the_same_after_the_queue(parts in contest()) {
        assert_unchanged("mejor-disco", parts)?;
    }
}

/// Every place of the list, homonyms included.
#[test]
fn every_place_is_the_same_after_the_queue() {
    let campaign = JUDGE.campaigns.get("elecciones").unwrap();
    let FieldKind::Place(places) = &campaign.field("municipio").unwrap().kind else {
        panic!("municipio is a place");
    };
    let mut homonyms = 0;
    for place in places.list() {
        homonyms += usize::from(place.name.contains('('));
        let parts = [
            ("sede", "1"),
            ("departamento", &place.region),
            ("municipio", &place.name),
            ("papeleta", "Blanca"),
            ("partido", "UNE"),
        ];
        let parts = parts.map(|(name, text)| (name.to_owned(), text.to_owned()));
        assert_unchanged("elecciones", parts.to_vec()).unwrap();
    }
    assert!(places.list().len() > 300 && homonyms >= 4, "{homonyms}");
}
