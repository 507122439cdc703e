//! Output for operators and programs: setting errors, readiness, metrics, logs, the API description, campaign checks.

use std::time::{Duration, Instant};

use serde_json::Value;

use jornada_testkit::instance::{Installation, Stores, form_with_photo};

#[tokio::test]
async fn an_invalid_setting_is_reported_in_one_line_that_names_it() {
    for (name, value) in [
        ("JORNADA_LISTEN", "everywhere"),
        ("JORNADA_STORE", "postgres://x"),
        ("JORNADA_SECRET", "short"),
        ("JORNADA_PHOTO_KEY", "short"),
        ("JORNADA_PHOTO_KEY_FILE", "/nowhere"),
        ("JORNADA_UPLOAD_MEMORY", "1"),
        ("JORNADA_PENDING_PHOTOS", "10 GiB"),
        ("JORNADA_MAX_REQUESTS", "0"),
        ("JORNADA_CAMPAIGNS", "/nowhere"),
        ("JORNADA_PUBLIC_URL", "jornada"),
        ("JORNADA_ADMIN_TOTP", "sometimes"),
        ("JORNADA_LOG_FORMAT", "xml"),
        ("JORNADA_LOG", "jornada=loud=no"),
        ("JORNADA_LOKI", "loki:3100"),
    ] {
        let mut installation = Installation::new(Stores::Embedded);
        installation.set(name, value);
        let ended = installation.command(&[]).output().unwrap();
        let stderr = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success());
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        assert!(
            stderr.starts_with(&format!("jornada: {name}: ")),
            "{stderr}"
        );
    }
}

#[tokio::test]
async fn a_port_in_use_is_reported() {
    let mut installation = Installation::new(Stores::Embedded);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    installation.set("JORNADA_LISTEN", &taken.local_addr().unwrap().to_string());
    let ended = installation.command(&["serve"]).output().unwrap();
    assert!(
        String::from_utf8(ended.stderr)
            .unwrap()
            .starts_with("jornada: JORNADA_LISTEN: cannot listen on")
    );
}

#[tokio::test]
async fn readiness_names_each_dependency() {
    let app = Installation::new(Stores::Servers).start().await;
    let ready: Value = app
        .http
        .get(format!("{}/readyz", app.ops))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    for dependency in ["store", "photos", "cache"] {
        assert_eq!(ready[dependency]["up"], true, "{ready}");
    }
    assert_eq!(
        app.get("/metrics").await.status(),
        404,
        "metrics are not public"
    );
    assert_eq!(app.get("/readyz").await.status(), 404);
    assert_eq!(app.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn health_reports_by_its_exit_code() {
    let mut installation = Installation::new(Stores::Embedded);
    let app = installation.start().await;
    installation.set("JORNADA_OPS_LISTEN", app.ops.trim_start_matches("http://"));
    let alive = installation.command(&["health"]).output().unwrap();
    assert!(alive.status.success());
    app.signal("-STOP");
    let start = Instant::now();
    let stopped = installation.command(&["health"]).output().unwrap();
    assert!(!stopped.status.success());
    assert!(start.elapsed() < Duration::from_secs(10));
    drop(app);
    let dead = installation.command(&["health"]).output().unwrap();
    assert!(!dead.status.success());
}

#[tokio::test]
async fn metrics_are_labelled_by_route_and_logs_name_no_person() {
    let app = Installation::new(Stores::Embedded).start().await;
    app.register("Marcada Persona", "9876543210", "Leticia")
        .await;
    app.register("Otra Marcada", "9876543210", "Leticia").await;
    app.get("/9876543210?nombre=Marcada").await;
    let field = form_with_photo("Ana Ejemplo", "9876543210", "Leticia").text("Marcada", "Marcada");
    app.send(field, None).await;
    let metrics = app
        .http
        .get(format!("{}/metrics", app.ops))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let accepted = format!(
        "jornada_registrations_total{{campaign=\"{}\",outcome=\"accepted\"}} 1",
        app.campaign
    );
    assert!(metrics.contains(&accepted), "{metrics}");
    assert!(metrics.contains("route=\"unknown\""));
    assert!(metrics.contains("reason=\"not-asked\"} 1"));
    app.wait_until("the last request is logged", async |app| {
        app.log().iter().any(|line| line.contains(" 422 in "))
    })
    .await;
    let log = app.log().join("\n");
    assert!(log.contains("\"status\":201"));
    for output in [&metrics, &log] {
        for secret in ["Marcada", "9876543210"] {
            assert!(!output.contains(secret), "{secret} is leaked");
        }
    }
    // City totals are public; no log line tells the city of a person.
    assert!(!log.contains("Leticia"));
}

#[tokio::test]
async fn each_operation_of_each_dependency_is_timed() {
    let app = Installation::new(Stores::Servers).start().await;
    app.register("Ana Prueba", "123456", "Cali").await;
    app.wait_until("the chart has the registration", async |app| {
        app.total().await == Some(1)
    })
    .await;
    let metrics = app.http.get(format!("{}/metrics", app.ops));
    let metrics = metrics.send().await.unwrap().text().await.unwrap();
    for operation in [
        "dependency=\"store\",operation=\"keep\"",
        "dependency=\"photos\",operation=\"put\"",
        "dependency=\"cache\",operation=\"add\"",
    ] {
        let timed = format!("jornada_dependency_operation_duration_seconds_count{{{operation}}} 1");
        let failed = format!("jornada_dependency_errors_total{{{operation}}} 0");
        assert!(
            metrics.contains(&timed) && metrics.contains(&failed),
            "{metrics}"
        );
    }
    for dependency in ["store", "photos", "cache"] {
        let up = format!("jornada_dependency_up{{dependency=\"{dependency}\"}} 1");
        assert!(metrics.contains(&up), "{metrics}");
    }
    let city = format!(
        "jornada_tally_registrations{{campaign=\"{}\",value=\"Cali\"}} 1",
        app.campaign
    );
    assert!(metrics.contains(&city), "{metrics}");
}

#[tokio::test]
async fn the_api_description_is_openapi_3_1() {
    let app = Installation::new(Stores::Embedded).start().await;
    let description: Value = app.get("/api/v1/openapi.json").await.json().await.unwrap();
    assert!(description["openapi"].as_str().unwrap().starts_with("3.1"));
    let paths = description["paths"].as_object().unwrap();
    for path in ["registrations", "chart", "chart/events", "reports/{file}"] {
        let path = format!("/api/v1/campaigns/{{campaign}}/{path}");
        assert!(paths.contains_key(&path), "{path}");
    }
}

#[tokio::test]
async fn campaign_check_names_line_and_field() {
    let installation = Installation::new(Stores::Embedded);
    let folder = installation.folder.path().join("campaigns");
    let file = folder.join("vacunacion.toml");
    let right = installation.command(&[
        "campaign",
        "check",
        "campaigns/vacunacion.toml",
        "campaigns/mejor-disco.toml",
    ]);
    let right = { right }.output().unwrap();
    assert!(
        right.status.success(),
        "{}",
        String::from_utf8_lossy(&right.stdout)
    );
    let wrong = std::fs::read_to_string(&file)
        .unwrap()
        .replace("kind = \"place\"", "kind = \"city\"");
    std::fs::write(&file, wrong).unwrap();
    let wrong = installation
        .command(&["campaign", "check", "campaigns/vacunacion.toml"])
        .output()
        .unwrap();
    let stdout = String::from_utf8(wrong.stdout).unwrap();
    assert!(!wrong.status.success());
    assert!(
        stdout.contains("vacunacion.toml:")
            && stdout.contains("fields[ciudad].kind: expected text, document"),
        "{stdout}"
    );
}

#[tokio::test]
async fn campaign_check_warns_of_tallies_that_tell_small_counts_together() {
    let installation = Installation::new(Stores::Embedded);
    let check = |tallies: &str| {
        installation.edit_campaign("vacunacion.toml", |text| {
            let (file, _) = text.split_once("\n[[tallies]]").unwrap();
            format!("{file}\n{tallies}")
        });
        let checked = installation.command(&["campaign", "check", "campaigns/vacunacion.toml"]);
        let checked = { checked }.output().unwrap();
        assert!(checked.status.success());
        String::from_utf8(checked.stdout).unwrap()
    };
    let one = "[[tallies]]\nid = \"a\"\nby = [\"ciudad\"]\n";
    assert!(!check(one).contains("warning"));
    let warned = check(&format!("{one}{}", one.replace("\"a\"", "\"b\"")));
    let warnings: Vec<_> = warned
        .lines()
        .filter(|line| line.contains("warning"))
        .collect();
    assert_eq!(warnings.len(), 1, "{warned}");
    assert!(warnings[0].contains("vacunacion.toml: warning: tallies: suppress_below"));
}
