//! A report that takes a while: its page updates by itself and is accessible.

use crate::accessibility::assert_accessible;
use crate::window::{Device, Window};
use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use jornada_testkit::servers::variable;

const MAIL: &str = "ana@example.org";
const PASSWORD: &str = "caballo correcto grapa";

async fn log_in(window: &Window, installation: &Installation, app: &RunningInstance, role: &str) {
    let command = ["staff", "add", MAIL, "--role", role];
    let added = installation.command(&command).output().unwrap();
    let link = String::from_utf8(added.stdout).unwrap();
    let (_, path) = link.trim().split_once("/staff/").unwrap();
    window.go(&format!("{}/staff/{path}", app.base)).await;
    window
        .write("#new", &format!("{PASSWORD}\u{E004}{PASSWORD}\u{E007}"))
        .await;
    window
        .wait_until("location.pathname == '/staff/login'")
        .await;
    window
        .write("#mail", &format!("{MAIL}\u{E004}{PASSWORD}\u{E007}"))
        .await;
    window.wait_until("location.pathname == '/staff'").await;
}

async fn check_report_page(device: Device) {
    let axe = std::fs::read_to_string(variable("JORNADA_TEST_AXE")).unwrap();
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    app.register("Ana Inventada", "1001", "Cali").await;
    let window = Window::open(device).await;
    log_in(&window, &installation, &app, "clerk").await;
    let check = async |what: &str| {
        // axe needs JavaScript itself.
        if !matches!(device, Device::PhoneWithoutScripts) {
            assert_accessible(&window, &axe, &format!("{what} {device:?}")).await;
        }
    };
    // A file in place of the folder keeps the report from finishing.
    let obstacle = installation.folder.path().join("data/photos/_reports");
    std::fs::write(&obstacle, "in the way").unwrap();
    let page = format!("{}/staff/c/{}/reports?lang=en", app.base, app.campaign);
    window.go(&page).await;
    check("reports").await;
    window
        .run("document.querySelector('#value').value = '_all'")
        .await;
    // A key, not a click: without JavaScript the driver waits forever after a click that leads to another page.
    window
        .write("form button[type=submit]:not(nav *)", "\u{E007}")
        .await;
    window.wait_until("document.querySelector('#bar')").await;
    window
        .wait_until("document.querySelector('#words').textContent.startsWith('Saving')")
        .await;
    check("a report being made").await;
    std::fs::remove_file(obstacle).unwrap();
    window
        .wait_until("document.querySelector('#ready:not([hidden]) a')")
        .await;
    assert_eq!(window.text("#words").await, "Ready: 1 row");
    assert!(window.title().await.starts_with("Ready"));
    check("a report that is ready").await;
    window.go(&page).await;
    window
        .wait_until("document.querySelector('table.data a')")
        .await;
    check("reports with one").await;
    assert_eq!(window.console_errors().await, Vec::<String>::new());
}

#[tokio::test]
async fn a_report_page_updates_on_a_desktop() {
    check_report_page(Device::Desktop).await;
}

#[tokio::test]
async fn a_report_page_updates_on_a_tablet() {
    check_report_page(Device::Tablet).await;
}

#[tokio::test]
async fn a_report_page_updates_on_a_phone() {
    check_report_page(Device::Phone).await;
}

#[tokio::test]
async fn a_report_page_updates_without_javascript() {
    check_report_page(Device::PhoneWithoutScripts).await;
}

#[tokio::test]
async fn tables_of_staff_fit_on_a_phone() {
    let axe = std::fs::read_to_string(variable("JORNADA_TEST_AXE")).unwrap();
    let installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    let name = "Anabel Inventada Larga de la Torre y Fernández de Córdoba";
    app.register(name, "1001", "San José del Guaviare").await;
    let window = Window::open(Device::Phone).await;
    log_in(&window, &installation, &app, "admin").await;
    let list = format!("c/{}/registrations", app.campaign);
    for page in ["accounts", "audit"] {
        window.go(&format!("{}/staff/{page}", app.base)).await;
        window.wait_until("document.querySelector('.cards')").await;
        assert_accessible(&window, &axe, page).await;
    }
    window.go(&format!("{}/staff/{list}", app.base)).await;
    window.write("#what", "anabel\u{E007}").await;
    window
        .wait_until("document.querySelector('#results a')")
        .await;
    assert_accessible(&window, &axe, "results").await;
}
