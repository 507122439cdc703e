//! The real system as operators have it: three instances on the real servers, nginx, exporters, and Prometheus with
//! the shipped rules, which collects every second instead of every ten.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::Process;
use crate::shipped;
use crate::support::app::{App, Installation, Stores, person, texts};
use crate::support::nginx::{Nginx, free_address};
use crate::support::servers::variable;

/// Where another than us has installed it.
const PYTHON: &str = "/usr/bin/python3";

/// Everything that runs.
pub struct System {
    pub prometheus: Process,
    apps: Vec<App>,
    nginx: Nginx,
    token: String,
    _exporters: Vec<Process>,
    _folder: TempDir,
}

impl System {
    /// Starts it all; `Prometheus` has found every target.
    pub async fn start() -> Self {
        let mut installation = Installation::new(Stores::Servers);
        let mut apps = Vec::new();
        for name in ["app1", "app2", "app3"] {
            installation.set("JORNADA_INSTANCE", name);
            // One that is busy as soon as one request is in work, to see it refuse.
            let most = if name == "app3" { "1" } else { "100" };
            installation.set("JORNADA_MAX_REQUESTS", most);
            apps.push(installation.start().await);
        }
        let sites: Vec<_> = apps[..2].iter().map(|app| host(&app.base)).collect();
        let nginx = Nginx::before(&sites).await;
        let folder = tempfile::tempdir().unwrap();
        let mut targets: Vec<_> = apps
            .iter()
            .zip(["app1", "app2", "app3"])
            .map(|(app, name)| ("jornada", name, host(&app.ops).to_owned()))
            .collect();
        let mut exporters = exporters(folder.path(), &nginx, &mut targets).await;
        exporters.push(watch(&mut installation, &mut targets).await);
        Self {
            prometheus: prometheus(folder.path(), &targets).await,
            token: installation.token(),
            apps,
            nginx,
            _exporters: exporters,
            _folder: folder,
        }
    }

    /// A little of everything that people do: registrations, refusals, what is not there, a report, a chart.
    /// `turn` makes the people others.
    pub async fn use_a_little(&self, turn: usize) {
        let app = &self.apps[turn % 2];
        let document = format!("{}", 1_000_000 + turn);
        let city = ["Cali", "Bogotá", "Leticia"][turn % 3];
        let sent = |form| {
            let path = app.registrations_url(&app.campaign);
            let url = path.replace(&app.base, &self.nginx.base);
            app.http.post(url).multipart(form).send()
        };
        let accepted = sent(person("Ana Ejemplo", &document, city)).await.unwrap();
        assert_eq!(accepted.status(), 201);
        sent(texts("Ana Ejemplo", "x", "Macondo")).await.unwrap();
        app.get("/nothing").await;
        app.get(&format!("/c/{}/chart", app.campaign)).await;
        app.report("_all.csv", &self.token).await;
    }

    /// One request that meets a busy instance, and is answered with 503.
    pub async fn meet_a_busy_one(&self) {
        let app = &self.apps[2];
        app.until("it is busy", async |app| {
            // Begun anew each time: the question may have come first and taken the only place.
            let _held = begin_upload(app);
            tokio::time::sleep(Duration::from_millis(50)).await;
            app.get("/").await.status() == 503
        })
        .await;
    }
}

/// Begins an upload that announces 1000 bytes and sends none of them.
fn begin_upload(app: &App) -> TcpStream {
    let mut stream = TcpStream::connect(host(&app.base)).unwrap();
    write!(
        stream,
        "POST /api/v1/campaigns/{}/registrations HTTP/1.1\r\nHost: x\r\n\
         Content-Type: multipart/form-data; boundary=B\r\nContent-Length: 1000\r\n\r\n",
        app.campaign
    )
    .unwrap();
    stream
}

/// `host:port` of an address.
fn host(base: &str) -> &str {
    base.trim_start_matches("http://")
}

/// The watch over the three instances, in the installation of which they are.
async fn watch(
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

async fn exporters(
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
        let mut command = exporter(job, folder, nginx, address);
        started.push(Process::start(folder, address, &mut command).await);
        targets.push((job, name, address.to_string()));
    }
    started
}

fn exporter(job: &str, folder: &Path, nginx: &Nginx, address: SocketAddr) -> Command {
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
            command.arg(shipped("ops/mongodb_exporter.py")).arg(members);
            command.arg(address.port().to_string());
        }
    }
    command
}

/// Lays out the shipped configuration with these targets, as `init.sh` does, and starts Prometheus.
async fn prometheus(folder: &Path, targets: &[(&str, &str, String)]) -> Process {
    let here = folder.join("here");
    std::fs::create_dir(&here).unwrap();
    let rules = folder.join("rules");
    std::fs::create_dir(&rules).unwrap();
    for file in std::fs::read_dir(shipped("prometheus/rules")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), rules.join(file.file_name())).unwrap();
    }
    let config = std::fs::read_to_string(shipped("prometheus/prometheus.yml")).unwrap();
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
