//! Scopes, expiry and places of tokens, and the places of clerks.

use jiff::{SignedDuration, Timestamp};
use jornada_domain::staff::{PlaceScope, Role, Scope, Scopes};

use crate::area::{Area, PASSWORD};
use crate::person::Person;
use jornada_testkit::instance::Stores;

#[tokio::test]
async fn scopes_expiry_and_places_are_enforced() {
    let area = Area::start(Stores::Embedded).await;
    let report = async |token: &jornada_service::staff::token::Token, file| {
        area.app
            .report(file, token.expose())
            .await
            .status()
            .as_u16()
    };
    let whole = area.create_token(&[Scope::Report], |_| {}).await;
    assert_eq!(report(&whole, "_all.csv").await, 200);
    let chart = area.create_token(&[Scope::Chart], |_| {}).await;
    assert_eq!(report(&chart, "_all.csv").await, 403);
    let now = Timestamp::now();
    let over = area.create_token(&[Scope::Report], |token| token.expires_at = Some(now));
    assert_eq!(report(&over.await, "_all.csv").await, 401);
    let hour = SignedDuration::from_hours(1);
    let good = area.create_token(&[Scope::Report], |token| {
        token.expires_at = Some(now + hour);
    });
    assert_eq!(report(&good.await, "_all.csv").await, 200);
    let cali = PlaceScope::new(vec!["Cali".into()]);
    let cali = area
        .create_token(&[Scope::Report], |token| token.place_scope = cali)
        .await;
    assert_eq!(report(&cali, "cali.csv").await, 200);
    assert_eq!(report(&cali, "Leticia.csv").await, 404);
    assert_eq!(report(&cali, "_all.csv").await, 404);
    // A token from the command line has every scope.
    let token = area.installation.create_token();
    assert_eq!(area.app.report("_all.csv", &token).await.status(), 200);
}

#[tokio::test]
async fn the_command_limits_a_token_and_rejects_invalid_limits() {
    let area = Area::start(Stores::Embedded).await;
    let made = |limits: &[&str]| {
        let arguments = [&["token", "new", "hospital"], limits].concat();
        area.installation.command(&arguments).output().unwrap()
    };
    let limits = ["--scope", "report", "--place", "cali", "--days", "1"];
    let token = String::from_utf8(made(&limits).stdout).unwrap();
    for (file, status) in [("Cali.csv", 200), ("Leticia.csv", 404), ("_all.csv", 404)] {
        let told = area.app.report(file, token.trim()).await;
        assert_eq!(told.status(), status, "{file}");
    }
    let kept = area.store.tokens().await.unwrap();
    let kept = kept.iter().find(|token| token.name == "hospital").unwrap();
    assert_eq!(kept.scopes, Scopes::new(&[Scope::Report]));
    let hours = kept.expires_at.unwrap().duration_since(kept.created_at);
    assert_eq!(hours.as_hours(), 24);
    for (limits, words) in [
        (
            &["--scope", "all"][..],
            "expected report, chart, votes or votes:read",
        ),
        (&["--place", "\u{7}x"], "--place: no campaign has a place"),
        (&["--days", "0"], "1..=3650"),
        (
            &["--scope", "votes", "--place", "Cali"],
            "--place: a token of the scope votes",
        ),
    ] {
        let refused = made(limits);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && told.contains(words), "{told}");
    }
}

#[tokio::test]
async fn a_clerk_of_one_city_has_no_access_to_another() {
    let area = Area::start(Stores::Embedded).await;
    let mut ids = Vec::new();
    for (document, city) in [("1001", "Cali"), ("1002", "Leticia")] {
        let answer = area.app.register("Ana Ejemplo", document, city).await;
        let registered: serde_json::Value = answer.json().await.unwrap();
        ids.push(registered["id"].as_str().unwrap().to_owned());
    }
    let mut ana = Person::invited(&area, "ana@example.org", Role::Clerk, &["CALI"]).await;
    ana.log_in("ana@example.org", PASSWORD, "").await;
    let campaign = &area.app.campaign;
    let photo = |id: &str| format!("/staff/c/{campaign}/registrations/{id}/photo");
    let report = |file: &str| format!("/api/v1/campaigns/{campaign}/reports/{file}");
    for (path, status) in [
        (photo(&ids[0]), 200),
        (photo(&ids[1]), 404),
        (report("Cali.csv"), 200),
        (report("Leticia.csv"), 404),
        (report("_all.xlsx"), 404),
    ] {
        assert_eq!(get_status(&ana, &area, &path).await, status, "{path}");
    }
    area.change_account(&area.store.accounts().await.unwrap()[0], |account| {
        account.assign_role(Role::Clerk, PlaceScope::all());
    })
    .await;
    assert_eq!(
        get_status(&ana, &area, &report("_all.xlsx")).await,
        200,
        "at once"
    );
}

/// Sends a GET request with the person's session and returns the status.
async fn get_status(person: &Person, area: &Area, path: &str) -> u16 {
    let request = area.app.http.get(format!("{}{path}", area.app.base));
    let cookie = format!("jornada-session={}", person.session().unwrap());
    let answer = request.header("cookie", cookie).send().await.unwrap();
    answer.status().as_u16()
}

#[tokio::test]
async fn basic_credentials_change_nothing() {
    let area = Area::start(Stores::Embedded).await;
    let token = area.create_token(&[Scope::Report], |_| {}).await;
    let report = format!(
        "{}/api/v1/campaigns/{}/reports/_all.csv",
        area.app.base, area.app.campaign
    );
    let read = area
        .app
        .http
        .get(report)
        .basic_auth("staff", Some(token.expose()));
    assert_eq!(read.send().await.unwrap().status(), 200);
    // Browsers also send them with forms of other sites.
    let post = area
        .app
        .http
        .post(format!("{}/staff/accounts", area.app.base));
    let post = post.basic_auth("staff", Some(token.expose()));
    assert_eq!(post.send().await.unwrap().status(), 401);
}
