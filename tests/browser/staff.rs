//! Somebody of the staff logs in with a second factor, at a desk and on a tablet, by the keyboard alone, and works.

use jiff::Timestamp;
use totp_rs::{Builder, Secret, Totp};

use crate::accessibility::assert_accessible;
use crate::desk::work;
use crate::support::app::{App, Installation, Stores};
use crate::support::servers::variable;
use crate::window::{Kind, Window};

const MAIL: &str = "ana@example.org";
const PASSWORD: &str = "caballo correcto grapa";

fn invited(installation: &Installation, app: &App) -> String {
    let command = ["staff", "add", MAIL, "--role", "admin"];
    let added = installation.command(&command).output().unwrap();
    let link = String::from_utf8(added.stdout).unwrap();
    let (_, path) = link.trim().split_once("/staff/").unwrap();
    format!("{}/staff/{path}", app.base)
}

async fn code(totp: &Totp, later: i64) -> String {
    while Timestamp::now().as_second() % 30 > 20 {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let second = Timestamp::now().as_second() + later;
    totp.generate(second.unsigned_abs()).to_string()
}

/// Writes into the fields in their order, each reached by the tabulator, and sends by Enter.
async fn fill(window: &Window, first: &str, texts: &[&str]) {
    let keys = texts.join("\u{E004}");
    window.write(first, &format!("{keys}\u{E007}")).await;
}

async fn logs_in(kind: Kind) {
    let axe = std::fs::read_to_string(variable("JORNADA_TEST_AXE")).unwrap();
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let window = Window::open(kind).await;
    let check =
        async |what: &str| assert_accessible(&window, &axe, &format!("{what} {kind:?}")).await;
    window.go(&invited(&installation, &app)).await;
    check("new password").await;
    fill(&window, "#new", &[PASSWORD, "otra cosa larga"]).await;
    window.until("document.querySelector('.summary')").await;
    check("new password, refused").await;
    fill(&window, "#new", &[PASSWORD, PASSWORD]).await;
    window.until("location.pathname == '/staff/login'").await;
    check("login").await;
    fill(&window, "#mail", &[MAIL, PASSWORD]).await;
    window.until("location.pathname == '/staff'").await;
    check("overview").await;
    window.go(&format!("{}/staff/account", app.base)).await;
    check("account").await;
    window
        .go(&format!("{}/staff/account/second?lang=en", app.base))
        .await;
    check("second factor").await;
    let secret = window.text("#secret").await.replace(' ', "");
    let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap());
    let totp = totp.build().unwrap();
    fill(&window, "#code", &[&code(&totp, 0).await, PASSWORD]).await;
    window
        .until("location.search.includes('done=second')")
        .await;
    window.click("nav.staff button").await;
    window.until("location.pathname == '/staff/login'").await;
    fill(&window, "#mail", &[MAIL, PASSWORD, "000000"]).await;
    window.until("document.querySelector('.summary')").await;
    check("login, refused").await;
    window
        .run("document.querySelector('#mail').value = ''")
        .await;
    fill(&window, "#mail", &[MAIL, PASSWORD, &code(&totp, 30).await]).await;
    window.until("location.pathname == '/staff'").await;
    for (page, shown) in [("accounts", "#add-title"), ("tokens", "#make-title")] {
        window.go(&format!("{}/staff/{page}", app.base)).await;
        assert!(!window.text(shown).await.is_empty());
        check(page).await;
    }
    window.write("#name", "tablero").await;
    window.click("[name=chart]").await;
    window
        .run("document.querySelector('#days').form.requestSubmit()")
        .await;
    window.until("document.querySelector('#token')").await;
    check("token").await;
    window.go(&format!("{}/staff/accounts", app.base)).await;
    window.click("table.data a").await;
    window.until("document.querySelector('#role-title')").await;
    check("one account").await;
    work(&window, &app, &check).await;
    let complaints = window.complaints().await;
    let is_told = |line: &&String| {
        ["409", "410", "422"]
            .iter()
            .any(|status| line.contains(status))
    };
    let complaints = complaints.iter().filter(|line| !is_told(line));
    assert_eq!(complaints.count(), 0);
}

#[tokio::test]
async fn at_a_desk() {
    logs_in(Kind::Desk).await;
}

#[tokio::test]
async fn on_a_tablet() {
    logs_in(Kind::Tablet).await;
}
