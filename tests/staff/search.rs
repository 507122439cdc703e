//! Searches through the pages: by each key, page by page, within the place scope, and without names in URLs.

use std::time::{Duration, Instant};

use jornada_domain::staff::Role;
use jornada_domain::staff::audit::AuditAction;

use crate::area::Area;
use crate::correction::{log_in_clerk, register_person};
use crate::person::{Page, Person};
use jornada_testkit::instance::Stores;

/// Names and values of a form.
type Fields<'a> = &'a [(&'a str, &'a str)];

async fn search(person: &mut Person, area: &Area, fields: &[(&str, &str)]) -> Page {
    let path = format!("/staff/c/{}/registrations", area.app.campaign);
    assert_eq!(person.get(&path).await.status, 200);
    let page = person.post(&path, fields).await;
    if page.status != 303 {
        return page;
    }
    let to = page.location().to_owned();
    for (_, typed) in fields {
        let typed = typed.to_lowercase();
        assert!(
            typed.len() < 4 || !to.to_lowercase().contains(&typed),
            "{to}"
        );
    }
    person.get(&to).await
}

/// Returns the names that a page lists, in order.
fn names(page: &Page) -> Vec<String> {
    let body = page.body.split("<tbody>").nth(1).unwrap_or_default();
    let cells = body.split("</th><td data-label=\"").skip(1);
    let cells = cells.filter_map(|cell| Some(cell.split_once('>')?.1));
    let text = |cell: &str| cell.split_once('<').unwrap().0.to_owned();
    cells.map(text).collect()
}

async fn finds_by_each_key(stores: Stores) {
    let area = Area::start(stores).await;
    let path = register_person(&area, "Ana Ejemplo", "1001", "Cali").await;
    register_person(&area, "Anabel Ejemplo", "AB-2002", "Bogotá").await;
    register_person(&area, "Óscar Inventado", "3003", "Cali").await;
    let mut clerk = log_in_clerk(&area, "oficina", &[]).await;
    let page = clerk.get(&path).await;
    let receipt = page.between("class=\"mono\">", "<").unwrap();
    let loose = receipt.to_lowercase().replace('-', " ");
    let cases: [(Fields<'_>, &[&str]); 10] = [
        (&[("what", "ana")], &["Ana Ejemplo", "Anabel Ejemplo"]),
        (&[("what", "OSCAR inv")], &["Óscar Inventado"]),
        (&[("what", "a%o")], &[]),
        (&[("what", "1.001")], &["Ana Ejemplo"]),
        (&[("what", "ab 2002")], &["Anabel Ejemplo"]),
        (&[("what", &receipt)], &["Ana Ejemplo"]),
        (&[("what", &loose)], &["Ana Ejemplo"]),
        (&[("what", "ana"), ("place", "bogota")], &["Anabel Ejemplo"]),
        (&[("place", "CALI")], &["Óscar Inventado", "Ana Ejemplo"]),
        (&[("until", "2020-01-01")], &[]),
    ];
    for (fields, expected) in cases {
        let page = search(&mut clerk, &area, fields).await;
        assert_eq!(page.status, 200);
        assert_eq!(names(&page), expected, "{fields:?}");
    }
    for wrong in [("what", "a"), ("place", "Narnia"), ("from", "ayer")] {
        let page = search(&mut clerk, &area, &[wrong]).await;
        assert_eq!(page.status, 422);
        assert!(page.body.contains(&format!("id=\"{}-error\"", wrong.0)));
        assert!(page.body.contains(&format!("value=\"{}\"", wrong.1)));
    }
    let entries = area.audit_entries(AuditAction::Search).await;
    let told = format!("{entries:?}");
    for secret in ["ana", "oscar", "1001", "2002", "Ejemplo"] {
        assert!(
            !told.to_lowercase().contains(&format!("\"{secret}\"")),
            "{secret}"
        );
    }
    let rows = entries
        .iter()
        .map(|entry| entry.record.event.detail["rows"].as_str());
    assert!(
        rows.eq(["0", "2", "1", "1", "1", "1", "1", "0", "1", "2"]),
        "{told}"
    );
}

#[tokio::test]
async fn registrations_are_found_by_each_key_on_one_machine() {
    finds_by_each_key(Stores::Embedded).await;
}

#[tokio::test]
async fn registrations_are_found_by_each_key_on_several_machines() {
    finds_by_each_key(Stores::Servers).await;
}

#[tokio::test]
async fn pages_of_results_have_no_gap() {
    let area = Area::start(Stores::Embedded).await;
    let mut all = Vec::new();
    for number in 0..60 {
        let name = format!("Ana {number:02}");
        register_person(&area, &name, &format!("1{number:03}"), "Cali").await;
        all.push(name);
    }
    let mut clerk = log_in_clerk(&area, "oficina", &[]).await;
    let mut page = search(&mut clerk, &area, &[("what", "ana")]).await;
    let mut seen = names(&page);
    while let Some(next) = page
        .between("rel=\"next\"", ">")
        .and(page.between("Páginas", "rel=\"next\""))
    {
        let address = next
            .rsplit("href=\"")
            .next()
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        let address = address.replace("&#38;", "&");
        page = clerk.get(&address).await;
        assert_eq!(page.status, 200);
        seen.extend(names(&page));
    }
    assert_eq!(seen, all);
}

#[tokio::test]
async fn a_clerk_finds_only_registrations_of_their_places() {
    let area = Area::start(Stores::Embedded).await;
    register_person(&area, "Ana Bogotana", "1001", "Bogotá").await;
    register_person(&area, "Ana Caleña", "2002", "Cali").await;
    let mut clerk = log_in_clerk(&area, "oficina", &["Bogotá"]).await;
    for what in ["", "ana"] {
        let page = search(&mut clerk, &area, &[("what", what)]).await;
        assert_eq!(names(&page), ["Ana Bogotana"]);
    }
    assert!(names(&search(&mut clerk, &area, &[("what", "2002")]).await).is_empty());
    let page = search(&mut clerk, &area, &[("place", "Cali")]).await;
    assert_eq!(page.status, 404);
    let last = &area.audit_entries(AuditAction::AccessDenied).await[0];
    assert_eq!(last.record.event.detail["place"], "Cali");
}

#[tokio::test]
async fn a_search_url_of_another_account_shows_nothing() {
    let area = Area::start(Stores::Embedded).await;
    register_person(&area, "Ana Ejemplo", "1001", "Cali").await;
    let mut ana = log_in_clerk(&area, "ana", &[]).await;
    let mut beto = log_in_clerk(&area, "beto", &[]).await;
    let path = format!("/staff/c/{}/registrations", area.app.campaign);
    ana.get(&path).await;
    let page = ana.post(&path, &[("what", "Ana Ejemplo")]).await;
    let address = page.location();
    assert_eq!(names(&ana.get(address).await), ["Ana Ejemplo"]);
    let page = beto.get(address).await;
    assert!(names(&page).is_empty() && !page.body.contains("Ejemplo"));
}

#[tokio::test]
async fn the_overview_shows_totals_to_a_viewer_and_links_to_a_clerk() {
    let area = Area::start(Stores::Embedded).await;
    register_person(&area, "Ana Ejemplo", "1001", "Cali").await;
    register_person(&area, "Beto Ejemplo", "2002", "Bogotá").await;
    area.app
        .wait_until("they are counted", async |app| app.total().await == Some(2))
        .await;
    let mut viewer = Person::logged_in(&area, "vera@example.org", Role::Viewer).await;
    let figures = |page: &Page| {
        let body = page
            .body
            .split(&format!("id=\"t-{}\"", area.app.campaign))
            .nth(1)
            .unwrap();
        let figures = body.split("<dd>").skip(1).take(2);
        figures
            .map(|rest| rest.split('<').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    // The count from the start of the instance is shown for a second.
    let deadline = Instant::now() + Duration::from_secs(20);
    let page = loop {
        let page = viewer.get("/staff").await;
        assert_eq!(page.status, 200);
        if figures(&page) == ["2", "2"] {
            break page;
        }
        assert!(Instant::now() < deadline, "{:?}", figures(&page));
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(!page.body.contains("Ejemplo"));
    let list = format!("/staff/c/{}/registrations", area.app.campaign);
    assert!(
        !page.body.contains(&list),
        "a viewer has no way to the registrations"
    );
    let mut clerk = log_in_clerk(&area, "oficina", &["Cali"]).await;
    let page = clerk.get("/staff").await;
    assert!(page.body.contains(&list));
    assert_eq!(figures(&page), ["1", "1"]);
    assert!(!page.body.contains("Bogotá</th>"));
}
