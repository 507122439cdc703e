//! Rate limits of logins: shared by all instances, equal for known and unknown accounts, local while Redis is
//! unavailable.

use jornada_domain::staff::Role;

use crate::area::{Area, PASSWORD};
use crate::person::Person;
use jornada_testkit::instance::{Installation, RunningInstance, Stores};
use jornada_testkit::servers::random_name;

/// Sends `count` wrong logins to these instances in turn and returns the statuses.
async fn send_wrong_logins(
    instances: &[&RunningInstance],
    mail: &str,
    from: &str,
    count: usize,
) -> Vec<u16> {
    let mut statuses = Vec::new();
    for number in 0..count {
        let mut person = Person::new(instances[number % instances.len()]);
        person.from = from.into();
        let page = person.log_in(mail, "no es la correcta", "").await;
        if page.status == 429 {
            assert!(page.headers.contains_key("retry-after"));
            assert!(page.body.contains("Demasiados intentos"));
        }
        statuses.push(page.status);
    }
    statuses
}

fn random_address() -> String {
    // Random, since Redis is shared with other tests.
    let bytes = uuid::Uuid::new_v4().into_bytes();
    format!(
        "2001:db8:{:x}{:02x}:{:x}{:02x}::1",
        bytes[0], bytes[1], bytes[2], bytes[3]
    )
}

#[tokio::test]
async fn two_instances_count_together() {
    let area = Area::start(Stores::Servers).await;
    let other = area.installation.start().await;
    let both = [&area.app, &other];
    let mail = format!("ana-{}@example.org", random_name());
    Person::invited(&area, &mail, Role::Clerk, &[]).await;
    let statuses = send_wrong_logins(&both, &mail, &random_address(), 9).await;
    // On a busy machine the sixth login may come after the first second of delay.
    assert_eq!(statuses[..5], [422; 5]);
    assert!(statuses[5..].contains(&429), "{statuses:?}");
    let unknown = format!("nadie-{}@example.org", random_name());
    let statuses = send_wrong_logins(&both, &unknown, &random_address(), 9).await;
    assert_eq!(statuses[..5], [422; 5]);
    assert!(
        statuses[5..].contains(&429),
        "unknown ones alike: {statuses:?}"
    );
}

#[tokio::test]
async fn a_successful_login_resets_the_count() {
    let area = Area::start(Stores::Servers).await;
    let mail = format!("ana-{}@example.org", random_name());
    let mut ana = Person::invited(&area, &mail, Role::Clerk, &[]).await;
    ana.from = random_address();
    for _ in 0..3 {
        let statuses = send_wrong_logins(&[&area.app], &mail, &ana.from, 4).await;
        assert_eq!(statuses, [422; 4]);
        assert_eq!(ana.log_in(&mail, PASSWORD, "").await.status, 303);
        ana.cookies.clear();
    }
}

#[tokio::test]
async fn without_redis_each_instance_counts_by_itself() {
    let mut installation = Installation::new(Stores::Embedded);
    installation.set("JORNADA_CACHE", "redis://127.0.0.1:1/");
    let area = Area::start_with(installation).await;
    let statuses = send_wrong_logins(&[&area.app], "nadie@example.org", "192.0.2.7", 9).await;
    assert_eq!(statuses[..5], [422; 5]);
    assert!(statuses[5..].contains(&429), "{statuses:?}");
    let metrics = area.app.http.get(format!("{}/metrics", area.app.ops));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    assert!(
        metrics.contains("jornada_staff_logins_total{outcome=\"refused\"} "),
        "{metrics}"
    );
}
