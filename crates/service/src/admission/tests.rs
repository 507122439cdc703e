use super::*;
use crate::key::tests::secret;
use jornada_testkit::campaign::example;

fn admission(exempt: &str) -> Admission {
    let wide = Rate::new(100, 100);
    let limits = RateLimits {
        reviews: Rate::new(100, 100),
        registrations: wide,
        conflicts: Rate::new(1, 1),
        receipts: wide,
        misses: Rate::new(1, 1),
        votes: Rate::new(2, 1),
    };
    let exempt = exempt.parse().into_iter().collect();
    let counters = AbuseCounters::open(None).unwrap();
    let metrics = AbuseMetrics::new(&prometheus::Registry::new()).unwrap();
    Admission::new(&secret(&"a".repeat(32)), counters, exempt, limits, metrics)
}

fn client() -> IpAddr {
    IpAddr::from([192, 0, 2, 7])
}

fn campaign_with_work() -> Campaign {
    Campaign {
        proof_of_work: Some(10),
        ..example()
    }
}

/// Evidence of a person at the form, five seconds after it was shown, without a proof.
fn evidence(admission: &Admission, now: Timestamp) -> Evidence {
    let shown_at = now - SignedDuration::from_secs(5);
    Evidence {
        wants_review: false,
        honeypot_filled: false,
        form_timestamp: Some(admission.form_timestamp(&example().id, shown_at)),
        timestamp_required: true,
        proof: None,
        fingerprint: "a".into(),
    }
}

async fn check(
    admission: &Admission,
    campaign: &Campaign,
    evidence: &Evidence,
    now: Timestamp,
) -> Result<(), Denied> {
    let admitted = admission.admit(campaign, client(), Some(evidence), now);
    admitted.await?.settle(false);
    Ok(())
}

#[tokio::test]
async fn a_client_that_disconnects_before_the_answer_uses_no_conflict() {
    let (admission, campaign) = (admission("none"), example());
    let now = Timestamp::now();
    for _ in 0..3 {
        let incomplete = admission.admit(&campaign, client(), None, now);
        drop(incomplete.await.unwrap());
    }
    let evidence = evidence(&admission, now);
    for revealed in [false, true] {
        let admitted = admission.admit(&campaign, client(), Some(&evidence), now);
        admitted.await.unwrap().settle(revealed);
    }
    let denied = check(&admission, &campaign, &evidence, now).await;
    assert!(
        matches!(denied, Err(Denied::RateLimited { .. })),
        "{denied:?}"
    );
}

#[tokio::test]
async fn a_lookup_that_finds_nothing_uses_a_miss() {
    let admission = admission("none");
    for revealed in [false, true] {
        let admitted = admission.admit_lookup(client()).await.unwrap();
        admitted.settle(revealed);
    }
    let denied = admission.admit_lookup(client()).await.map(drop);
    assert!(
        matches!(denied, Err(Denied::RateLimited { .. })),
        "{denied:?}"
    );
}

#[tokio::test]
async fn the_first_failing_check_decides() {
    let (admission, campaign, now) = (admission("none"), campaign_with_work(), Timestamp::now());
    let person = evidence(&admission, now);
    let without_work = check(&admission, &example(), &person, now).await;
    assert_eq!(without_work, Ok(()));
    let early = Evidence {
        form_timestamp: Some(admission.form_timestamp(&campaign.id, now)),
        ..person.clone()
    };
    let no_timestamp = Evidence {
        form_timestamp: None,
        ..person.clone()
    };
    let filled = Evidence {
        honeypot_filled: true,
        ..no_timestamp.clone()
    };
    let program = Evidence {
        timestamp_required: false,
        ..no_timestamp.clone()
    };
    let retry_after = SignedDuration::from_secs(3);
    for (evidence, denied) in [
        (filled, Denied::HoneypotFilled),
        (no_timestamp, Denied::FormExpired),
        (program, Denied::ProofRequired),
        (person, Denied::ProofRequired),
    ] {
        let checked = check(&admission, &campaign, &evidence, now).await;
        assert_eq!(checked, Err(denied), "{evidence:?}");
    }
    let checked = check(&admission, &campaign, &early, now).await;
    let Err(Denied::TooFast { retry_after: wait }) = checked else {
        panic!("{checked:?}");
    };
    assert!(
        wait <= retry_after && wait > SignedDuration::from_secs(2),
        "{wait:?}"
    );
}

#[tokio::test]
async fn exempt_clients_are_neither_counted_nor_timed_but_their_honeypot_counts() {
    let (admission, campaign) = (admission("192.0.2.0/24"), campaign_with_work());
    let now = Timestamp::now();
    let nothing = Evidence {
        form_timestamp: None,
        ..evidence(&admission, now)
    };
    for _ in 0..3 {
        let admitted = admission.admit(&campaign, client(), Some(&nothing), now);
        admitted.await.unwrap().settle(true);
    }
    let filled = Evidence {
        honeypot_filled: true,
        ..nothing
    };
    let denied = check(&admission, &campaign, &filled, now).await;
    assert_eq!(denied, Err(Denied::HoneypotFilled));
}
