//! Names that browsers send and store, taken from the forms of every page, and the headings of exported files.

use std::collections::BTreeSet;

use jornada_domain::staff::Role;
use serde_json::Value;

use crate::area::Area;
use crate::check;
use crate::person::Person;
use jornada_testkit::instance::Stores;

#[tokio::test]
async fn fields_of_forms_cookies_and_headings() {
    let area = Area::start(Stores::Embedded).await;
    let answer = area.app.register("Ana Ejemplo", "1001", "Cali").await;
    let receipt: Value = answer.json().await.unwrap();
    let mut person = Person::logged_in(&area, "admin@example.org", Role::Admin).await;
    let account = area.store.accounts().await.unwrap()[0].id.to_string();
    area.installation.create_token();
    let mut lines = BTreeSet::new();
    let campaign = format!("/staff/c/{}", area.app.campaign);
    let one = format!(
        "{campaign}/registrations/{}",
        receipt["id"].as_str().unwrap()
    );
    let public = [
        format!("/c/{}", area.app.campaign),
        "/staff/login".to_owned(),
    ];
    for path in public {
        let page = Person::new(&area.app).get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        lines.extend(controls(&page.body).map(|control| format!("{path}: {control}")));
    }
    for path in [
        "/staff/account".to_owned(),
        "/staff/account/second".to_owned(),
        "/staff/accounts".to_owned(),
        format!("/staff/accounts/{account}"),
        "/staff/tokens".to_owned(),
        "/staff/audit".to_owned(),
        format!("{campaign}/registrations"),
        one.clone(),
        format!("{one}/correct"),
        format!("{one}/delete"),
        format!("{campaign}/close"),
        format!("{campaign}/reports"),
    ] {
        let page = person.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        lines.extend(controls(&page.body).map(|control| format!("{path}: {control}")));
    }
    for scheme in ["http", "https"] {
        let mut visitor = Person::new(&area.app);
        scheme.clone_into(&mut visitor.scheme);
        visitor
            .log_in("admin@example.org", crate::area::PASSWORD, "")
            .await;
        lines.extend(
            visitor
                .cookies
                .keys()
                .map(|name| format!("cookie over {scheme}: {name}")),
        );
    }
    let token = area.installation.create_token();
    let list = area
        .app
        .report("_all.csv", &token)
        .await
        .text()
        .await
        .unwrap();
    lines.insert(format!("list: {}", list.lines().next().unwrap()));
    let audit = person.get("/staff/audit/export.csv").await.body;
    lines.insert(format!("audit: {}", audit.lines().next().unwrap()));
    let tidy = |line: String| {
        let line = line
            .replace(&area.app.campaign, "{campaign}")
            .replace(&area.app.vote, "{vote}");
        line.replace(receipt["id"].as_str().unwrap(), "{id}")
            .replace(&account, "{account}")
    };
    check(
        "forms.txt",
        lines.into_iter().map(tidy).collect::<BTreeSet<_>>(),
    );
}

/// The controls of a page: name, and the value where the page fixes it to a word.
fn controls(page: &str) -> impl Iterator<Item = String> {
    let mut select = String::new();
    page.split('<').skip(1).filter_map(move |tag| {
        let (kind, rest) = tag.split_once([' ', '>'])?;
        let attributes = rest.split_once('>').map_or(rest, |(inside, _)| inside);
        let value = |name: &str| {
            let (_, after) = format!(" {attributes}")
                .split_once(&format!(" {name}=\""))
                .map(|(a, b)| (a.to_owned(), b.to_owned()))?;
            after.split_once('"').map(|(value, _)| value.to_owned())
        };
        let name = value("name");
        if kind == "select" {
            select = name.clone().unwrap_or_default();
        }
        let is_fixed = |value: &String| {
            value
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
                && value != "acronym"
        };
        match kind {
            "option" => Some(format!("{select}={}", value("value").filter(is_fixed)?)),
            "select" | "textarea" => name,
            "input" | "button" => {
                let fixed = matches!(value("type").as_deref(), Some("radio" | "checkbox"))
                    .then(|| value("value"))
                    .flatten();
                Some(name? + &fixed.map(|value| format!("={value}")).unwrap_or_default())
            }
            "form" => Some(format!(
                "form {} {}",
                value("method").unwrap_or_default(),
                value("action").unwrap_or_default()
            )),
            _ => None,
        }
    })
}
