//! Staff log in with a second factor and work, on a desktop and on a tablet, mostly with the keyboard.

use jiff::Timestamp;
use totp_rs::{Builder, Secret, Totp};

use crate::accessibility::assert_accessible;
use crate::staff_pages::check_staff_pages;
use crate::vote_pages::check_vote_pages;
use crate::window::{Device, Window};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use jornada_testkit::servers::variable;

const MAIL: &str = "ana@example.org";
const PASSWORD: &str = "caballo correcto grapa";

fn invite(installation: &Installation, app: &RunningInstance) -> String {
    let command = ["staff", "add", MAIL, "--role", "admin"];
    let added = installation.command(&command).output().unwrap();
    let link = String::from_utf8(added.stdout).unwrap();
    let (_, path) = link.trim().split_once("/staff/").unwrap();
    format!("{}/staff/{path}", app.base)
}

async fn totp_code(totp: &Totp, later: i64) -> String {
    while Timestamp::now().as_second() % 30 > 20 {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    let second = Timestamp::now().as_second() + later;
    totp.generate(second.unsigned_abs()).to_string()
}

/// Fills in the fields from `first` on, moving with Tab, and submits with Enter.
async fn fill_fields(window: &Window, first: &str, texts: &[&str]) {
    let keys = texts.join("\u{E004}");
    window.write(first, &format!("{keys}\u{E007}")).await;
}

async fn log_in_and_work(device: Device) {
    let axe = std::fs::read_to_string(variable("JORNADA_TEST_AXE")).unwrap();
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let window = Window::open(device).await;
    let check =
        async |what: &str| assert_accessible(&window, &axe, &format!("{what} {device:?}")).await;
    window.go(&invite(&installation, &app)).await;
    check("new password").await;
    fill_fields(&window, "#new", &[PASSWORD, "otra cosa larga"]).await;
    window
        .wait_until("document.querySelector('.summary')")
        .await;
    check("new password, refused").await;
    fill_fields(&window, "#new", &[PASSWORD, PASSWORD]).await;
    window
        .wait_until("location.pathname == '/staff/login'")
        .await;
    check("login").await;
    fill_fields(&window, "#mail", &[MAIL, PASSWORD]).await;
    window.wait_until("location.pathname == '/staff'").await;
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
    fill_fields(&window, "#code", &[&totp_code(&totp, 0).await, PASSWORD]).await;
    window
        .wait_until("location.search.includes('done=second')")
        .await;
    window.click("nav.staff button").await;
    window
        .wait_until("location.pathname == '/staff/login'")
        .await;
    fill_fields(&window, "#mail", &[MAIL, PASSWORD, "000000"]).await;
    window
        .wait_until("document.querySelector('.summary')")
        .await;
    check("login, refused").await;
    window
        .run("document.querySelector('#mail').value = ''")
        .await;
    fill_fields(
        &window,
        "#mail",
        &[MAIL, PASSWORD, &totp_code(&totp, 30).await],
    )
    .await;
    window.wait_until("location.pathname == '/staff'").await;
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
    window.wait_until("document.querySelector('#token')").await;
    check("token").await;
    window.go(&format!("{}/staff/accounts", app.base)).await;
    window.click("table.data a").await;
    window
        .wait_until("document.querySelector('#role-title')")
        .await;
    check("one account").await;
    check_staff_pages(&window, &app, &check).await;
    check_vote_pages(&window, &app, &installation.election, &check).await;
    let errors = window.console_errors().await;
    let is_expected = |line: &&String| {
        ["400", "409", "410", "422"]
            .iter()
            .any(|status| line.contains(status))
    };
    let unexpected = errors.iter().filter(|line| !is_expected(line));
    assert_eq!(unexpected.count(), 0);
}

#[tokio::test]
async fn staff_work_on_a_desktop() {
    log_in_and_work(Device::Desktop).await;
}

#[tokio::test]
async fn staff_work_on_a_tablet() {
    log_in_and_work(Device::Tablet).await;
}
