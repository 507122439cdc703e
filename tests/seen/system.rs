//! The real system: three instances on the real servers, a queue of votes with a consumer, nginx, exporters, a watcher, and
//! Prometheus with the shipped rules, but a scrape interval of 1 s instead of 10 s.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::process::Process;
use crate::repository_path;
use jornada_testkit::instance::{
    Installation, RunningInstance, Stores, form_with_photo, form_without_photo,
};
use jornada_testkit::nginx::{Nginx, free_address};
use jornada_testkit::servers::variable;

/// The interpreter of the operating system.
const PYTHON: &str = "/usr/bin/python3";

/// All running processes.
pub struct System {
    pub prometheus: Process,
    apps: Vec<RunningInstance>,
    nginx: Nginx,
    token: String,
    /// Id of the campaign of votes.
    election: String,
    _exporters: Vec<Process>,
    _folder: TempDir,
}

impl System {
    /// Starts all processes and configures every scrape target.
    pub async fn start() -> Self {
        let mut installation = Installation::new(Stores::Servers);
        let queue = create_queue(&mut installation);
        installation.set("JORNADA_LIMIT_VOTES", "100000+100000");
        let mut apps = Vec::new();
        for name in ["app1", "app2", "app3"] {
            installation.set("JORNADA_INSTANCE", name);
            // One instance is busy as soon as it has one request in flight, to see it reject others.
            let limit = if name == "app3" { "1" } else { "100" };
            installation.set("JORNADA_MAX_REQUESTS", limit);
            // One instance inserts votes directly, to see it do so.
            let queue = if name == "app2" { "direct:" } else { &queue };
            installation.set("JORNADA_QUEUE", queue);
            apps.push(installation.start().await);
        }
        let sites: Vec<_> = apps[..2]
            .iter()
            .map(|app| host_and_port(&app.base))
            .collect();
        let nginx = Nginx::start(&sites).await;
        let folder = tempfile::tempdir().unwrap();
        let mut targets: Vec<_> = apps
            .iter()
            .zip(["app1", "app2", "app3"])
            .map(|(app, name)| ("jornada", name, host_and_port(&app.ops).to_owned()))
            .collect();
        let mut exporters = start_exporters(folder.path(), &nginx, &mut targets).await;
        exporters.push(start_watcher(&mut installation, &mut targets).await);
        exporters.push(start_consumer(&mut installation, &mut targets).await);
        Self {
            prometheus: start_prometheus(folder.path(), &targets).await,
            token: installation.create_token(),
            election: installation.election.clone(),
            apps,
            nginx,
            _exporters: exporters,
            _folder: folder,
        }
    }

    /// Sends a little of everything: a registration, a rejected one, an unknown page, a chart, a report, votes. `turn`
    /// selects the person.
    pub async fn simulate_usage(&self, turn: usize) {
        let app = &self.apps[turn % 2];
        let document = format!("{}", 1_000_000 + turn);
        let city = ["Cali", "Bogotá", "Leticia"][turn % 3];
        let sent = |form| {
            let path = app.registrations_url(&app.campaign);
            let url = path.replace(&app.base, &self.nginx.base);
            app.http.post(url).multipart(form).send()
        };
        let accepted = sent(form_with_photo("Ana Ejemplo", &document, city))
            .await
            .unwrap();
        assert_eq!(accepted.status(), 201);
        sent(form_without_photo("Ana Ejemplo", "x", "Macondo"))
            .await
            .unwrap();
        app.get("/nothing").await;
        app.get(&format!("/c/{}/chart", app.campaign)).await;
        app.report("_all.csv", &self.token).await;
        self.vote(app, turn).await;
    }

    /// Sends a vote, another one with its key, which becomes a dead letter if it gets into the queue, and a rejected one.
    async fn vote(&self, app: &RunningInstance, turn: usize) {
        let url = format!("{}/api/v1/campaigns/{}/votes", app.base, self.election);
        for place in [17, 18, 0] {
            let vote = json!({
                "sede": place, "departamento": "Guatemala", "municipio": "Mixco", "papeleta": "Blanca", "partido": "UNE"
            });
            let key = format!("mesa-17-voto-{turn}");
            let request = app.http.post(&url).header("Idempotency-Key", key);
            request.json(&vote).send().await.unwrap();
        }
    }

    /// Sends requests to the busy instance until one is answered with 503.
    pub async fn trigger_busy_response(&self) {
        let app = &self.apps[2];
        app.wait_until("it is busy", async |app| {
            // Started again each time: the GET may have arrived first and taken the only slot.
            let _held = start_upload(app);
            tokio::time::sleep(Duration::from_millis(50)).await;
            app.get("/").await.status() == 503
        })
        .await;
    }
}

/// Starts an upload that announces 1000 bytes and sends none.
fn start_upload(app: &RunningInstance) -> TcpStream {
    let mut stream = TcpStream::connect(host_and_port(&app.base)).unwrap();
    write!(
        stream,
        "POST /api/v1/campaigns/{}/registrations HTTP/1.1\r\nHost: x\r\n\
         Content-Type: multipart/form-data; boundary=B\r\nContent-Length: 1000\r\n\r\n",
        app.campaign
    )
    .unwrap();
    stream
}

/// Returns `host:port` of a URL.
fn host_and_port(base: &str) -> &str {
    base.trim_start_matches("http://")
}

/// Creates a topic of Kafka and returns the setting.
fn create_queue(installation: &mut Installation) -> String {
    let broker = variable("JORNADA_TEST_KAFKA");
    let queue = format!("kafka://{broker}/{}", installation.election);
    installation.set("JORNADA_QUEUE", &queue);
    let created = installation.command(&["queue", "create"]).output();
    assert!(created.unwrap().status.success());
    queue
}

/// Starts a consumer of the queue.
async fn start_consumer(
    installation: &mut Installation,
    targets: &mut Vec<(&'static str, &'static str, String)>,
) -> Process {
    let address = free_address();
    installation.set("JORNADA_INSTANCE", "consumer1");
    installation.set("JORNADA_OPS_LISTEN", &address.to_string());
    targets.push(("consumer", "consumer1", address.to_string()));
    let mut command = installation.command(&["consume"]);
    Process::start(installation.folder.path(), address, &mut command).await
}

/// Starts the watcher of the three instances.
async fn start_watcher(
    installation: &mut Installation,
    targets: &mut Vec<(&'static str, &'static str, String)>,
) -> Process {
    let address = free_address();
    let watched = targets.iter().filter(|(job, ..)| *job == "jornada");
    let watched: Vec<_> = watched.map(|(.., ops)| format!("http://{ops}")).collect();
    installation.set("JORNADA_WATCH", &watched.join(","));
    installation.set("JORNADA_WATCH_LISTEN", &address.to_string());
    targets.push(("watch", "watch", address.to_string()));
    let mut command = installation.command(&["watch"]);
    Process::start(installation.folder.path(), address, &mut command).await
}

async fn start_exporters(
    folder: &Path,
    nginx: &Nginx,
    targets: &mut Vec<(&'static str, &'static str, String)>,
) -> Vec<Process> {
    let mut started = Vec::new();
    for (job, name) in [
        ("node", "host"),
        ("nginx", "nginx"),
        ("redis", "redis"),
        ("mongodb", "mongod1"),
    ] {
        let address = free_address();
        let mut command = exporter_command(job, folder, nginx, address);
        started.push(Process::start(folder, address, &mut command).await);
        targets.push((job, name, address.to_string()));
    }
    started
}

fn exporter_command(job: &str, folder: &Path, nginx: &Nginx, address: SocketAddr) -> Command {
    let mut command = Command::new(format!("prometheus-{job}-exporter"));
    match job {
        "node" => {
            command.arg(format!("--web.listen-address={address}"));
        }
        "nginx" => {
            let page = format!("{}/nginx_status", nginx.status);
            command.args(["-nginx.scrape-uri", &page]);
            command.arg("-web.listen-address").arg(address.to_string());
        }
        "redis" => {
            let redis = variable("JORNADA_TEST_REDIS");
            command.args(["-redis.addr", redis.trim_end_matches('/')]);
            command.arg("-web.listen-address").arg(address.to_string());
        }
        _ => {
            let servers = variable("JORNADA_TEST_MONGODB");
            let alone = servers.replace("/?replicaSet=rs0", "/?directConnection=true");
            let members = folder.join("members");
            std::fs::write(&members, format!("mongod1 {alone}\n")).unwrap();
            command = Command::new(PYTHON);
            command
                .arg(repository_path("ops/mongodb_exporter.py"))
                .arg(members);
            command.arg(address.port().to_string());
        }
    }
    command
}

/// Writes the shipped configuration with these targets, as `init.sh` does, and starts Prometheus.
async fn start_prometheus(folder: &Path, targets: &[(&str, &str, String)]) -> Process {
    let here = folder.join("here");
    std::fs::create_dir(&here).unwrap();
    let rules = folder.join("rules");
    std::fs::create_dir(&rules).unwrap();
    for file in std::fs::read_dir(repository_path("prometheus/rules")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), rules.join(file.file_name())).unwrap();
    }
    let config = std::fs::read_to_string(repository_path("prometheus/prometheus.yml")).unwrap();
    let often = config
        .replace("interval: 10s", "interval: 1s")
        .replace("timeout: 5s", "timeout: 1s");
    std::fs::write(folder.join("prometheus.yml"), often).unwrap();
    for (job, name, address) in targets {
        let file = here.join(format!("{job}.yml"));
        let known = std::fs::read_to_string(&file).unwrap_or_default();
        let target = format!(
            "{known}- targets: [\"{address}\"]\n  labels: {{ instance: {name}, __param_target: {name} }}\n"
        );
        std::fs::write(&file, target).unwrap();
    }
    let address = free_address();
    let mut command = Command::new("prometheus");
    command
        .arg(format!(
            "--config.file={}",
            folder.join("prometheus.yml").display()
        ))
        .arg(format!(
            "--storage.tsdb.path={}",
            folder.join("data").display()
        ))
        .arg(format!("--web.listen-address={address}"));
    Process::start(folder, address, &mut command).await
}
