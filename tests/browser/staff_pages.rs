//! Daily work of staff: search, view, correct; and, as an administrator, delete a registration and close the campaign.

use crate::window::Window;
use jornada_testkit::instance::RunningInstance;

const ENTER: &str = "\u{E007}";

/// Opens the first result with the keyboard.
async fn open_first(window: &Window) {
    window.write("#results a", ENTER).await;
    window
        .wait_until("document.querySelector('.answers')")
        .await;
}

async fn search(window: &Window, app: &RunningInstance, what: &str) {
    let list = format!("{}/staff/c/{}/registrations", app.base, app.campaign);
    window.go(&list).await;
    window
        .wait_until("document.activeElement.id == 'what'")
        .await;
    window.write("#what", &format!("{what}{ENTER}")).await;
    window
        .wait_until("document.querySelector('#results-title')")
        .await;
}

/// Visits and checks the pages of a campaign as a logged-in administrator.
pub async fn check_staff_pages(window: &Window, app: &RunningInstance, check: &impl AsyncFn(&str)) {
    app.register("Ana Inventada", "1001", "Cali").await;
    app.register(
        "Anabel Inventada Larga de la Torre",
        "2002",
        "San José del Guaviare",
    )
    .await;
    app.wait_until("they are counted", async |app| app.total().await == Some(2))
        .await;
    window.go(&format!("{}/staff?lang=en", app.base)).await;
    check("overview with numbers").await;
    search(window, app, "ana inv").await;
    assert_eq!(window.text("#results tbody td").await, "Ana Inventada");
    assert!(!window.path().await.contains("ana"));
    check("results").await;
    open_first(window).await;
    window
        .wait_until("document.querySelector('.record img').naturalWidth > 0")
        .await;
    check("registration").await;
    let one = window.path().await;
    window.click(".ways a").await;
    window
        .wait_until("document.querySelector('#f-nombre')")
        .await;
    check("correction").await;
    check_correction(window, check).await;
    window.go(&format!("{}{one}/print", app.base)).await;
    window
        .wait_until("!document.querySelector('#print').hidden")
        .await;
    check("print").await;
    check_deletion(window, app, &one, check).await;
    check_closing(window, app, check).await;
}

async fn check_correction(window: &Window, check: &impl AsyncFn(&str)) {
    window
        .run("document.querySelector('#f-ciudad').value = 'Narnia'")
        .await;
    window
        .write("#f-_reason", &format!("Letra mal leída{ENTER}"))
        .await;
    window
        .wait_until("document.querySelector('.summary a')")
        .await;
    check("correction, refused").await;
    window.click(".summary a").await;
    assert_eq!(
        window.run("return document.activeElement.id").await,
        "f-ciudad"
    );
    // As if another user had corrected it first.
    let older = "document.querySelector('#f-ciudad').value = 'bogota'; \
                 document.querySelector('[name=_version]').value = '9'";
    window.run(older).await;
    window.write("#f-_reason", ENTER).await;
    window.wait_until("document.querySelector('.kept')").await;
    check("correction, too late").await;
    assert_eq!(window.text(".kept strong").await, "Cali");
    window.write("#f-_reason", ENTER).await;
    window
        .wait_until("location.search.includes('done=corrected')")
        .await;
    assert_eq!(window.text(".history del").await, "Cali");
    check("registration, corrected").await;
}

async fn check_deletion(
    window: &Window,
    app: &RunningInstance,
    one: &str,
    check: &impl AsyncFn(&str),
) {
    window.go(&format!("{}{one}/delete", app.base)).await;
    check("deletion").await;
    window.click("input[name=cause]").await;
    window.write("#reason", "Lo pidió por escrito").await;
    window.click("#sure").await;
    window.click("button.danger").await;
    window
        .wait_until("location.search.includes('done=deleted')")
        .await;
    check("search, after a deletion").await;
    search(window, app, "1001").await;
    window
        .wait_until("!document.querySelector('#results')")
        .await;
    check("nothing found").await;
    window.go(&format!("{}{one}", app.base)).await;
    check("a registration that was deleted").await;
}

async fn check_closing(window: &Window, app: &RunningInstance, check: &impl AsyncFn(&str)) {
    window
        .go(&format!("{}/staff/c/{}/close", app.base, app.campaign))
        .await;
    check("close").await;
    window
        .write("#reason", &format!("Ya no hay dosis{ENTER}"))
        .await;
    window
        .wait_until("location.search.includes('done=closed')")
        .await;
    check("closed").await;
    window
        .write("#reason", &format!("Llegaron más{ENTER}"))
        .await;
    window
        .wait_until("location.search.includes('done=reopened')")
        .await;
}
