//! The second factor: enabled with a code, required at login, each code valid once.

use jiff::Timestamp;
use jornada_domain::staff::Role;
use jornada_domain::staff::audit::AuditAction;
use totp_rs::{Builder, Secret, Totp};

use crate::area::{Area, PASSWORD};
use crate::person::{Person, wait_for_young_step};
use jornada_testkit::instance::{Installation, Stores};

/// Returns the TOTP generator for the secret on the page, as an authenticator app would.
pub fn app(page: &str) -> Totp {
    let (_, rest) = page.split_once("<code id=\"secret\">").unwrap();
    let (secret, _) = rest.split_once('<').unwrap();
    let secret = Secret::try_from_base32(secret.replace(' ', "")).unwrap();
    Builder::new().with_secret(secret).build().unwrap()
}

fn code(totp: &Totp, steps: i64) -> String {
    let second = Timestamp::now().as_second() + steps * 30;
    totp.generate(second.unsigned_abs()).to_string()
}

async fn switch_on(person: &mut Person) -> Totp {
    let page = person.get("/staff/account/second").await;
    let totp = app(&page.body);
    let sealed = page.between("name=\"sealed\" value=\"", "\"").unwrap();
    let wrong = [
        ("sealed", sealed.as_str()),
        ("code", "000000"),
        ("password", PASSWORD),
    ];
    assert_eq!(
        person.post("/staff/account/second", &wrong).await.status,
        422
    );
    wait_for_young_step().await;
    let now = code(&totp, 0);
    let borrowed = [
        ("sealed", sealed.as_str()),
        ("code", &now),
        ("password", "no la sé"),
    ];
    assert_eq!(
        person.post("/staff/account/second", &borrowed).await.status,
        422
    );
    let right = [
        ("sealed", sealed.as_str()),
        ("code", &now),
        ("password", PASSWORD),
    ];
    let page = person.post("/staff/account/second", &right).await;
    assert_eq!(
        page.location(),
        "/staff/account?done=second",
        "{}",
        page.body
    );
    totp
}

#[tokio::test]
async fn each_code_is_valid_once() {
    let area = Area::start(Stores::Embedded).await;
    let mail = "ana@example.org";
    let mut ana = Person::logged_in(&area, mail, Role::Clerk).await;
    let totp = switch_on(&mut ana).await;
    let login = async |code: &str| {
        let mut person = Person::new(&area.app);
        let page = person.log_in(mail, PASSWORD, code).await;
        (page.status, person)
    };
    assert_eq!(login("").await.0, 422, "a code is asked for");
    assert_eq!(
        login(&code(&totp, 0)).await.0,
        422,
        "it was used to set it up"
    );
    let next = code(&totp, 1);
    let (one, two) = (login(&next).await.0, login(&next).await.0);
    assert_eq!((one, two), (303, 422), "a code that was seen is no good");
    assert_eq!(login(&code(&totp, 0)).await.0, 422, "nor is one before it");
}

#[tokio::test]
async fn of_two_concurrent_logins_with_one_code_one_succeeds() {
    let area = Area::start(Stores::Servers).await;
    let other = area.installation.start().await;
    let mail = "ana@example.org";
    let mut ana = Person::logged_in(&area, mail, Role::Clerk).await;
    let totp = switch_on(&mut ana).await;
    let code = code(&totp, 1);
    let (mut one, mut two) = (Person::new(&area.app), Person::new(&other));
    one.get("/staff/login").await;
    two.get("/staff/login").await;
    let fields = [("mail", mail), ("password", PASSWORD), ("code", &code)];
    let (one, two) = tokio::join!(
        one.post("/staff/login", &fields),
        two.post("/staff/login", &fields)
    );
    let mut statuses = [one.status, two.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 422]);
}

#[tokio::test]
async fn it_is_disabled_with_password_and_code_or_by_an_admin() {
    let area = Area::start(Stores::Embedded).await;
    let mail = "ana@example.org";
    let mut ana = Person::logged_in(&area, mail, Role::Clerk).await;
    let totp = switch_on(&mut ana).await;
    ana.get("/staff/account").await;
    let off = "/staff/account/second/off";
    assert_eq!(
        ana.post(off, &[("password", PASSWORD), ("code", "000000")])
            .await
            .status,
        422
    );
    let next = code(&totp, 1);
    let page = ana
        .post(off, &[("password", PASSWORD), ("code", &next)])
        .await;
    assert_eq!(page.location(), "/staff/account?done=second-off");
    let written = area.entries(4).await.into_iter();
    let written: Vec<_> = written.map(|entry| entry.record.event.action).collect();
    let expected = [
        AuditAction::LoginFailed,
        AuditAction::SecondFactorEnabled,
        AuditAction::LoginFailed,
        AuditAction::SecondFactorDisabled,
    ];
    assert_eq!(written, expected, "after token, account, password, login");
    assert_eq!(ana.log_in(mail, PASSWORD, "").await.status, 303);
    ana.get("/staff/account/second").await;
    switch_on(&mut ana).await;
    // A link for a lost phone disables the factor and ends every session.
    area.run_staff(&["link", mail, "--lost-second"]);
    assert!(!ana.is_in().await);
    assert_eq!(
        Person::new(&area.app)
            .log_in(mail, PASSWORD, "")
            .await
            .status,
        303
    );
}

#[tokio::test]
async fn codes_cannot_be_guessed_with_the_password_alone() {
    let area = Area::start(Stores::Embedded).await;
    let mut ana = Person::logged_in(&area, "ana@example.org", Role::Clerk).await;
    switch_on(&mut ana).await;
    ana.get("/staff/account").await;
    let wrong = [("password", PASSWORD), ("code", "000000")];
    let mut statuses = Vec::new();
    // Each delay is twice as long as the previous one, so this ends on machines of any speed.
    while statuses.len() < 12 && statuses.last() != Some(&429) {
        let tried = ana.post("/staff/account/second/off", &wrong).await;
        statuses.push(tried.status);
    }
    assert_eq!(statuses[..5], [422; 5]);
    assert_eq!(statuses.last(), Some(&429));
}

#[tokio::test]
async fn admins_without_a_required_second_factor_have_no_access() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_ADMIN_TOTP", "required");
    let area = Area::start_with(installation).await;
    let mut admin = Person::logged_in(&area, "admin@example.org", Role::Admin).await;
    let page = admin.get("/staff/accounts").await;
    assert_eq!(page.location(), "/staff/account/second");
    let report = format!("/api/v1/campaigns/{}/reports/_all.csv", area.app.campaign);
    assert_eq!(admin.get(&report).await.status, 403, "nor by another door");
    switch_on(&mut admin).await;
    assert_eq!(admin.get("/staff/accounts").await.status, 200);
    assert_eq!(admin.get(&report).await.status, 200);
    let fields = [("password", PASSWORD), ("code", "000000")];
    assert_eq!(
        admin
            .post("/staff/account/second/off", &fields)
            .await
            .status,
        403
    );
    let mut clerk = Person::logged_in(&area, "ana@example.org", Role::Clerk).await;
    assert_eq!(
        clerk.get(&report).await.status,
        200,
        "others may do without"
    );
}
