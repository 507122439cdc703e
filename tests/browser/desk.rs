//! What a clerk does all day: finds somebody, looks, corrects, and an administrator deletes.

use crate::support::app::App;
use crate::window::Window;

const ENTER: &str = "\u{E007}";

/// Opens the first result by the keyboard.
async fn open_first(window: &Window) {
    window.write("#results a", ENTER).await;
    window.until("document.querySelector('.answers')").await;
}

async fn find(window: &Window, app: &App, what: &str) {
    let list = format!("{}/staff/c/{}/registrations", app.base, app.campaign);
    window.go(&list).await;
    window.until("document.activeElement.id == 'what'").await;
    window.write("#what", &format!("{what}{ENTER}")).await;
    window
        .until("document.querySelector('#results-title')")
        .await;
}

/// Goes through the pages of a campaign as an administrator who is logged in.
pub async fn work(window: &Window, app: &App, check: &impl AsyncFn(&str)) {
    app.register("Ana Inventada", "1001", "Cali").await;
    app.register(
        "Anabel Inventada Larga de la Torre",
        "2002",
        "San José del Guaviare",
    )
    .await;
    app.until("they are counted", async |app| app.total().await == Some(2))
        .await;
    window.go(&format!("{}/staff?lang=en", app.base)).await;
    check("overview with numbers").await;
    find(window, app, "ana inv").await;
    assert_eq!(window.text("#results tbody td").await, "Ana Inventada");
    assert!(!window.path().await.contains("ana"));
    check("results").await;
    open_first(window).await;
    window
        .until("document.querySelector('.record img').naturalWidth > 0")
        .await;
    check("registration").await;
    let one = window.path().await;
    window.click(".ways a").await;
    window.until("document.querySelector('#f-nombre')").await;
    check("correction").await;
    correct(window, check).await;
    window.go(&format!("{}{one}/print", app.base)).await;
    window
        .until("!document.querySelector('#print').hidden")
        .await;
    check("print").await;
    delete(window, app, &one, check).await;
    close(window, app, check).await;
}

async fn correct(window: &Window, check: &impl AsyncFn(&str)) {
    window
        .run("document.querySelector('#f-ciudad').value = 'Narnia'")
        .await;
    window
        .write("#f-_reason", &format!("Letra mal leída{ENTER}"))
        .await;
    window.until("document.querySelector('.summary a')").await;
    check("correction, refused").await;
    window.click(".summary a").await;
    assert_eq!(
        window.run("return document.activeElement.id").await,
        "f-ciudad"
    );
    // As if another clerk had been faster.
    let older = "document.querySelector('#f-ciudad').value = 'bogota'; \
                 document.querySelector('[name=_version]').value = '9'";
    window.run(older).await;
    window.write("#f-_reason", ENTER).await;
    window.until("document.querySelector('.kept')").await;
    check("correction, too late").await;
    assert_eq!(window.text(".kept strong").await, "Cali");
    window.write("#f-_reason", ENTER).await;
    window
        .until("location.search.includes('done=corrected')")
        .await;
    assert_eq!(window.text(".history del").await, "Cali");
    check("registration, corrected").await;
}

async fn delete(window: &Window, app: &App, one: &str, check: &impl AsyncFn(&str)) {
    window.go(&format!("{}{one}/delete", app.base)).await;
    check("deletion").await;
    window.write("#reason", "Lo pidió por escrito").await;
    window.click("#sure").await;
    window.click("button.danger").await;
    window
        .until("location.search.includes('done=deleted')")
        .await;
    check("search, after a deletion").await;
    find(window, app, "1001").await;
    window.until("!document.querySelector('#results')").await;
    check("nothing found").await;
    window.go(&format!("{}{one}", app.base)).await;
    check("a registration that was deleted").await;
}

async fn close(window: &Window, app: &App, check: &impl AsyncFn(&str)) {
    window
        .go(&format!("{}/staff/c/{}/close", app.base, app.campaign))
        .await;
    check("close").await;
    window
        .write("#reason", &format!("Ya no hay dosis{ENTER}"))
        .await;
    window
        .until("location.search.includes('done=closed')")
        .await;
    check("closed").await;
    window
        .write("#reason", &format!("Llegaron más{ENTER}"))
        .await;
    window
        .until("location.search.includes('done=reopened')")
        .await;
}
