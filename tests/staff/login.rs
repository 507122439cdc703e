//! Logins: the same answer to every failure, a new token each time, and cookies bound to the host.

use jornada_domain::staff::Role;

use crate::area::{Area, PASSWORD};
use crate::person::Person;
use jornada_testkit::instance::Stores;

#[tokio::test]
async fn unknown_account_wrong_password_and_closed_account_get_the_same_answer() {
    let area = Area::start(Stores::Embedded).await;
    Person::invited(&area, "ana@example.org", Role::Clerk, &[]).await;
    Person::invited(&area, "cerrada@example.org", Role::Clerk, &[]).await;
    area.run_staff(&["close", "cerrada@example.org"]);
    area.run_staff(&["add", "invitada@example.org", "--role", "viewer"]);
    let tries = [
        ("ana@example.org", "otra cosa muy larga"),
        ("ana@example.org", ""),
        ("nadie@example.org", PASSWORD),
        ("cerrada@example.org", PASSWORD),
        ("invitada@example.org", PASSWORD),
        ("invitada@example.org", ""),
        ("no es un correo", PASSWORD),
    ];
    let mut answers = Vec::new();
    for (mail, password) in tries {
        let mut person = Person::new(&area.app);
        let page = person.log_in(mail, password, "").await;
        assert_eq!(page.status, 422, "{mail}");
        assert_eq!(person.session(), None);
        // Only the typed address and the CSRF token differ.
        let body = page.body.replace(mail, "").replace(&person.form, "");
        answers.push(body);
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(answers[0].contains("no son correctos"));
    let mut ana = Person::new(&area.app);
    let page = ana.log_in(" ANA@example.org", PASSWORD, "").await;
    assert_eq!((page.status, page.location()), (303, "/staff"));
    assert!(ana.is_in().await);
}

#[tokio::test]
async fn a_login_takes_as_long_for_an_unknown_account() {
    let area = Area::start(Stores::Embedded).await;
    Person::invited(&area, "ana@example.org", Role::Clerk, &[]).await;
    let time = async |mail: &str, number: u8| {
        let mut person = Person::new(&area.app);
        person.from = format!("192.0.2.{number}");
        let page = person.get("/staff/login").await;
        assert_eq!(page.status, 200);
        let start = std::time::Instant::now();
        let fields = [("mail", mail), ("password", "otra cosa muy larga")];
        person.post("/staff/login", &fields).await;
        start.elapsed()
    };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..5 {
        known.push(time("ana@example.org", number).await);
        unknown.push(time("nadie@example.org", number).await);
    }
    // Compares the fastest of each. Without a hash to verify, a login would take a tenth of the time.
    let (known, unknown) = (known.iter().min().unwrap(), unknown.iter().min().unwrap());
    assert!(
        *unknown * 3 > *known && *known * 3 > *unknown,
        "{known:?} {unknown:?}"
    );
}

#[tokio::test]
async fn each_login_gets_a_new_token_and_ends_the_previous_session() {
    let area = Area::start(Stores::Embedded).await;
    let mut ana = Person::invited(&area, "ana@example.org", Role::Clerk, &[]).await;
    // Session fixation: somebody planted a session token that they know.
    let planted = "jornada_planted";
    ana.cookies.insert("jornada-session".into(), planted.into());
    ana.log_in("ana@example.org", PASSWORD, "").await;
    let first = ana.session().unwrap().to_owned();
    assert_ne!(first, planted);
    let mut stranger = Person::new(&area.app);
    stranger
        .cookies
        .insert("jornada-session".into(), planted.into());
    assert!(!stranger.is_in().await);
    // A login over a live session ends that session.
    let mut same_browser = ana.clone();
    assert_eq!(same_browser.get("/staff/login").await.location(), "/staff");
    ana.get("/staff/account").await;
    let fields = [("mail", "ana@example.org"), ("password", PASSWORD)];
    assert_eq!(ana.post("/staff/login", &fields).await.status, 303);
    assert_ne!(ana.session().unwrap(), first);
    assert!(ana.is_in().await);
    assert!(
        !same_browser.is_in().await,
        "the first token is no good any more"
    );
}

#[tokio::test]
async fn over_tls_cookies_are_bound_to_the_host() {
    let area = Area::start(Stores::Embedded).await;
    let link = area.run_staff(&["add", "ana@example.org", "--role", "admin"]);
    let mut ana = Person::new(&area.app);
    ana.scheme = "https".into();
    let page = ana.get("/staff/login").await;
    let form = page.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(form.starts_with("__Host-jornada-form="), "{form}");
    assert!(
        form.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{form}"
    );
    let path = link.strip_prefix("http://127.0.0.1:0").unwrap();
    ana.get(path).await;
    ana.post(path, &[("new", PASSWORD), ("again", PASSWORD)])
        .await;
    let page = ana.log_in("ana@example.org", PASSWORD, "").await;
    let cookies = page.headers.get_all("set-cookie").into_iter();
    let cookies: Vec<_> = cookies.map(|cookie| cookie.to_str().unwrap()).collect();
    let session = cookies
        .iter()
        .find(|cookie| cookie.contains("session="))
        .unwrap();
    assert!(
        session.starts_with("__Host-jornada-session=jornada_"),
        "{session}"
    );
    assert!(
        session.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"),
        "{session}"
    );
    assert!(ana.is_in().await);
}

#[tokio::test]
async fn a_login_redirects_back_to_the_requested_page() {
    let area = Area::start(Stores::Embedded).await;
    let mut ana = Person::invited(&area, "ana@example.org", Role::Admin, &[]).await;
    let page = ana.get("/staff/tokens?lang=en").await;
    let login = page.location().to_owned();
    assert_eq!(login, "/staff/login?lang=en&next=%2Fstaff%2Ftokens");
    let page = ana.get(&login).await;
    assert!(page.body.contains("name=\"next\" value=\"/staff/tokens\""));
    let fields = [
        ("mail", "ana@example.org"),
        ("password", PASSWORD),
        ("next", "/staff/tokens"),
    ];
    assert_eq!(
        ana.post("/staff/login", &fields).await.location(),
        "/staff/tokens"
    );
    for next in [
        "https://evil.example/staff/",
        "//evil.example/staff/",
        "/staff/../\r\nx",
    ] {
        let mut beto = Person::new(&area.app);
        beto.get("/staff/login").await;
        let fields = [
            ("mail", "ana@example.org"),
            ("password", PASSWORD),
            ("next", next),
        ];
        assert_eq!(
            beto.post("/staff/login", &fields).await.location(),
            "/staff",
            "{next}"
        );
    }
}
