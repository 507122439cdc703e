mod round_trip;

use std::path::Path;
use std::sync::LazyLock;

use jornada_domain::answers::Answers;
use jornada_domain::early_closure::EarlyClosure;
use jornada_store::{Store, StoreSetting};

use super::*;

const ID: &str = "00112233445566778899aabbccddeeff";

const VOTE_OF_MIXCO: &str = r#""sede": 17, "departamento": "guatemala", "municipio": "MIXCO", "papeleta": "blanca", "partido": "une""#;

/// All campaigns of the repository, where nobody closed one early but `mejor-disco`.
static JUDGE: LazyLock<VoteJudge> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../campaigns");
    judge_of(&folder)
});

fn judge_of(folder: &Path) -> VoteJudge {
    let campaigns = Campaigns::read(folder).unwrap();
    let secret = InstallationSecret::new(vec![7; 32]).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let closures = runtime.block_on(async {
        let data = tempfile::tempdir().unwrap();
        let setting = StoreSetting::Sqlite(data.path().join("jornada.db"));
        let store = Store::open(&setting).await.unwrap();
        let closure =
            EarlyClosure::new("account:1", "ya hay un ganador", at("2026-11-28T08:00:00Z"));
        let contest = jornada_domain::CampaignId::parse("mejor-disco").unwrap();
        store
            .close_campaign(&contest, &closure.unwrap())
            .await
            .unwrap();
        ClosureCache::load(&store).await.unwrap()
    });
    VoteJudge::new(campaigns, closures, secret)
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-28T10:00:00Z")
}

fn record(key: Option<&str>, value: &str) -> QueueRecord {
    let key = key.map(str::as_bytes);
    QueueRecord::new("votes".into(), Some(0), "1".into(), key, value.as_bytes())
}

/// A record of a valid vote with further members.
fn with(members: &str) -> QueueRecord {
    record(Some(ID), &format!("{{{VOTE_OF_MIXCO}{members}}}"))
}

fn judged(record: &QueueRecord) -> Result<Vote, (DeadLetterReason, String)> {
    let judged = JUDGE.judge(record, now());
    let refused = |refusal: Refusal| (refusal.reason, refusal.detail);
    judged.map(|vote| vote.vote).map_err(refused)
}

fn refused(record: &QueueRecord) -> (DeadLetterReason, String) {
    judged(record).unwrap_err()
}

#[test]
fn a_record_of_a_door_is_its_vote() {
    let members = r#", "_campaign": "elecciones", "_door": "grpc", "_received_at": 1793000000123, "_instance": "app2""#;
    let vote = judged(&with(members)).unwrap();
    assert_eq!(vote.instance.as_deref(), Some("app2"));
    assert_eq!(vote.id.to_string(), ID);
    assert_eq!(vote.campaign.as_str(), "elecciones");
    assert_eq!(vote.door, Door::Grpc);
    // Before the opening: the door has judged the time.
    assert_eq!(vote.received_at.as_millisecond(), 1_793_000_000_123);
    let texts = ["17", "Guatemala", "Mixco", "Blanca", "UNE"];
    let expected = texts.map(|text| Some(text.to_owned())).to_vec();
    assert_eq!(vote.answers, Answers::from_stored(expected));
    // A repeated delivery, and the same id in capitals, are the same vote.
    let mut again = with(members);
    again.key = Some(ID.to_uppercase().into_bytes());
    assert_eq!(judged(&again), Ok(vote));
}

#[test]
fn a_name_that_no_instance_has_is_not_kept() {
    for name in [String::new(), "a\\u0007".to_owned(), "a".repeat(65)] {
        let members = format!(r#", "_campaign": "elecciones", "_instance": "{name}""#);
        assert_eq!(judged(&with(&members)).unwrap().instance, None, "{name:?}");
    }
}

#[test]
fn the_key_is_an_id_or_derived_to_one() {
    let id = |key: &str| {
        let mut sent = with(r#", "_campaign": "elecciones""#);
        sent.key = Some(key.as_bytes().to_vec());
        judged(&sent).map(|vote| vote.id)
    };
    let campaign = JUDGE.campaigns.get("elecciones").unwrap();
    for key in [
        "mesa-17/1",
        &"!".repeat(128),
        &"g".repeat(32),
        &"0".repeat(31),
    ] {
        let derived = RegistrationId::derive_for_vote(&[7; 32], &campaign.id, key);
        assert_eq!(id(key), Ok(derived), "{key}");
    }
    for key in [
        "1234567",
        &"k".repeat(129),
        "con espacio",
        "señal-17",
        "abc\0defgh",
    ] {
        let refused = (DeadLetterReason::BadId, "key: bad_key".to_owned());
        assert_eq!(id(key), Err(refused), "{key}");
    }
    let mut sent = with(r#", "_campaign": "elecciones""#);
    sent.key = Some(vec![0xFF; 32]);
    assert_eq!(refused(&sent).0, DeadLetterReason::BadId);
    for key in [None, Some(Vec::new())] {
        sent.key = key;
        assert_eq!(refused(&sent), (DeadLetterReason::NoId, String::new()));
    }
}

#[test]
fn members_come_before_headers() {
    let headers = |record: QueueRecord| QueueRecord {
        campaign: Some(b"elecciones".to_vec()),
        door: Some(b"http".to_vec()),
        received_at: Some(b"1793000000000".to_vec()),
        appended_at: Some(at("2026-11-28T09:00:00Z")),
        ..record
    };
    let from_headers = judged(&headers(with(""))).unwrap();
    assert_eq!(from_headers.door, Door::Http);
    assert_eq!(from_headers.received_at.as_millisecond(), 1_793_000_000_000);
    let null = r#", "_campaign": null, "_door": "", "_received_at": null"#;
    assert_eq!(judged(&headers(with(null))), Ok(from_headers));
    let members =
        r#", "_campaign": "elecciones", "_door": "form", "_received_at": "1793000000001""#;
    let mut others = headers(with(members));
    others.campaign = Some(b"narnia".to_vec());
    let vote = judged(&others).unwrap();
    let received_at = vote.received_at.as_millisecond();
    assert_eq!((vote.door, received_at), (Door::Form, 1_793_000_000_001));
    let foreign = judged(&QueueRecord {
        door: Some(b"window".to_vec()),
        received_at: Some(b"2026-11-28T08:00:00.123456789Z".to_vec()),
        ..headers(with(""))
    });
    let foreign = foreign.unwrap();
    assert_eq!(foreign.door, Door::Queue);
    let import = r#", "_campaign": "elecciones", "_door": "import""#;
    assert_eq!(judged(&with(import)).unwrap().door, Door::Queue);
    assert_eq!(foreign.received_at, at("2026-11-28T08:00:00.123Z"));
    let wrong = QueueRecord {
        received_at: Some(vec![0xFF]),
        ..headers(with(""))
    };
    let expected = "received_at: not_in_range".to_owned();
    assert_eq!(refused(&wrong), (DeadLetterReason::Invalid, expected));
}

#[test]
fn a_record_without_a_time_must_come_while_its_campaign_is_open() {
    let of = |campaign: &str, appended_at: Option<&str>| {
        let album = r#"{"album": "Uno", "artista": "Los Ejemplos", "puesto": 1}"#;
        let record = match campaign {
            "mejor-disco" => record(Some(ID), album),
            _ => with(""),
        };
        judged(&QueueRecord {
            campaign: Some(campaign.as_bytes().to_vec()),
            appended_at: appended_at.map(at),
            ..record
        })
    };
    let closed = |campaign: &str| Err((DeadLetterReason::Closed, campaign.to_owned()));
    let vote = of("elecciones", None).unwrap();
    assert_eq!((vote.received_at, vote.door), (now(), Door::Queue));
    let vote = of("elecciones", Some("2026-11-02T00:00:00.1239Z")).unwrap();
    assert_eq!(vote.received_at, at("2026-11-02T00:00:00.123Z"));
    for early_or_late in [
        "2026-10-31T00:00:00Z",
        "2027-12-01T06:00:00Z",
        "1970-01-01T00:00:00Z",
    ] {
        assert_eq!(of("elecciones", Some(early_or_late)), closed("elecciones"));
    }
    // Closed early at 8.
    assert!(of("mejor-disco", Some("2026-11-28T07:59:59Z")).is_ok());
    assert_eq!(
        of("mejor-disco", Some("2026-11-28T08:00:01Z")),
        closed("mejor-disco")
    );
    assert_eq!(of("mejor-disco", None), closed("mejor-disco"));
}

#[test]
fn a_record_without_a_campaign_is_of_the_only_one() {
    let without = (DeadLetterReason::NoCampaign, String::new());
    assert_eq!(refused(&with("")), without);
    let folder = tempfile::tempdir().unwrap();
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../campaigns");
    for entry in std::fs::read_dir(all).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap();
        if name != "mejor-disco.toml" {
            std::fs::copy(&path, folder.path().join(name)).unwrap();
        }
    }
    let vote = judge_of(folder.path()).judge(&with(""), now()).unwrap();
    assert_eq!(vote.vote.campaign.as_str(), "elecciones");
}

#[test]
fn what_is_no_vote_has_its_reason() {
    use DeadLetterReason::{Invalid, NotJson, OtherKind, TooLarge, UnknownCampaign};
    let deep = format!(r#"{{"sede": {}"#, "[".repeat(60_000));
    let mebibyte = format!(r#"{{"partido": "{}"}}"#, "x".repeat(1 << 20));
    let large = "x".repeat(2 << 20);
    let mut not_utf8 = with("");
    not_utf8.value.extend(b"\xFF");
    let mut inside = with(r#", "partido": "?""#);
    let place = inside.value.iter().position(|byte| *byte == b'?').unwrap();
    inside.value[place] = 0xFF;
    let no_json = "vote: not_an_object";
    for (sent, reason, detail) in [
        (record(Some(ID), "no JSON"), NotJson, no_json),
        (record(None, ""), NotJson, no_json),
        (record(Some(ID), "[1]"), NotJson, no_json),
        (record(Some(ID), r#"{"sede": 17, "depa"#), NotJson, no_json),
        (record(Some(ID), &deep), NotJson, no_json),
        (not_utf8, NotJson, no_json),
        (inside, NotJson, no_json),
        (record(Some(ID), &mebibyte), TooLarge, "1048591 bytes"),
        (record(None, &large), TooLarge, "2097152 bytes"),
        (with(r#", "_campaign": "narnia""#), UnknownCampaign, ""),
        (with(r#", "_campaign": "NO es un id""#), UnknownCampaign, ""),
        (
            with(r#", "_campaign": "vacunacion""#),
            OtherKind,
            "vacunacion",
        ),
        (
            with(r#", "_campaign": {}"#),
            Invalid,
            "_campaign: not_a_text",
        ),
    ] {
        assert_eq!(refused(&sent), (reason, detail.to_owned()));
    }
}

#[test]
fn mistakes_of_a_vote_are_named() {
    let vote = |members: &str| with(&format!(r#", "_campaign": "elecciones"{members}"#));
    let many: Vec<_> = (0..2_000).map(|n| format!(r#", "x{n}": {n}"#)).collect();
    for (members, detail) in [
        (r#", "_campaign": "elecciones""#, "_campaign: repeated"),
        (r#", "_received_at": "ayer""#, "_received_at: not_in_range"),
        (r#", "_received_at": 9e99"#, "_received_at: not_in_range"),
        (
            r#", "_received_at": 9223372036854775807"#,
            "_received_at: not_in_range",
        ),
        (r#", "color": "azul""#, "color: unknown_field"),
        (r#", "_key": "mesa-17-voto-1""#, "_key: unknown_field"),
        (&many.concat(), "x0: unknown_field"),
        (r#", "sede": 18"#, "sede: repeated"),
        (r#", "x\u0007y": {}"#, "xy: not_a_text"),
    ] {
        let expected = (DeadLetterReason::Invalid, detail.to_owned());
        assert_eq!(refused(&vote(members)), expected);
    }
    let changed = |from: &str, to: &str| {
        let value = String::from_utf8(vote("").value).unwrap();
        assert!(value.contains(from));
        record(Some(ID), &value.replacen(from, to, 1))
    };
    let long = format!("une{}", "x".repeat(60_000));
    for (from, to, detail) in [
        ("17", "[17]", "sede: not_a_text"),
        ("17", "17.5", "sede: not_in_range"),
        ("17", "20001", "sede: not_in_range"),
        ("17", "true", "sede: not_in_range"),
        ("17", "null", "sede: required"),
        (r#""sede": 17, "#, "", "sede: required"),
        ("une", &long, "partido: not_an_option"),
        ("MIXCO", r"Mi\u0000xco", "municipio: control_character"),
        ("MIXCO", r"Mi\u202Exco", "municipio: control_character"),
        ("MIXCO", "San José", "municipio: unknown_place"),
        ("MIXCO", r"\ud800", "municipio: not_a_text"),
    ] {
        let expected = (DeadLetterReason::Invalid, detail.to_owned());
        assert_eq!(refused(&changed(from, to)), expected, "{to}");
    }
    let nothing = refused(&record(Some(ID), r#"{"_campaign": "elecciones"}"#)).1;
    let all = ["sede", "departamento", "municipio", "papeleta", "partido"];
    let all = all.map(|name| format!("{name}: required"));
    assert_eq!(nothing, all.join(", "));
    assert!(judged(&changed("17", "\" 017 \"")).is_ok());
    assert!(judged(&vote("")).is_ok(), "nothing else is touched");
}
