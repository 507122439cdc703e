//! nginx with the shipped `nginx.conf`, on free ports, in front of chosen instances.

use std::fmt::Write as _;
use std::fs::{File, Permissions};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;

use crate::instance::DEFAULT_TIMEOUT;

/// A running nginx; stopped on drop. Exempts clients at 127.0.0.1 from its limits, but no others on loopback, and
/// trusts `X-Real-Ip` from 127.0.0.3 alone.
pub struct Nginx {
    child: Child,
    folder: TempDir,
    /// `http://host:port` of the site.
    pub base: String,
    /// `http://host:port` for gRPC.
    pub grpc: String,
    /// `http://host:port` of `stub_status`.
    pub status: String,
}

impl Nginx {
    /// Starts in front of the instances at these addresses (`host:port`) and waits until it answers.
    pub async fn start(instances: &[&str]) -> Self {
        Self::start_with_grpc(instances, &[]).await
    }

    /// Starts also in front of gRPC listeners at these addresses.
    pub async fn start_with_grpc(instances: &[&str], grpc_instances: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let addresses = [free_address(), free_address(), free_address()];
        write_config(folder.path(), instances, grpc_instances, addresses);
        let [site, grpc, status] = addresses;
        let log = File::create(folder.path().join("access.log")).unwrap();
        let child = Command::new("/usr/sbin/nginx")
            .args(["-e", "stderr", "-g", "daemon off;", "-p"])
            .arg(folder.path())
            .arg("-c")
            .arg(folder.path().join("nginx.conf"))
            .stdout(Stdio::from(log))
            .spawn()
            .expect("nginx: run `bash test.sh`, which installs it");
        let nginx = Self {
            child,
            folder,
            base: format!("http://{site}"),
            grpc: format!("http://{grpc}"),
            status: format!("http://{status}"),
        };
        nginx.wait_until_ready().await;
        nginx
    }

    async fn wait_until_ready(&self) {
        let start = Instant::now();
        let page = format!("{}/nginx_status", self.status);
        while Client::new().get(&page).send().await.is_err() {
            assert!(start.elapsed() < DEFAULT_TIMEOUT, "nginx does not answer");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Returns all lines of the access log so far.
    pub fn log(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.folder.path().join("access.log")).unwrap();
        let line = |line| serde_json::from_str(line).expect("each line is JSON");
        text.lines().map(line).collect()
    }

    /// Returns the number of answers in the cache.
    pub fn cached_files(&self) -> usize {
        let folders = std::fs::read_dir(self.folder.path().join("chart")).unwrap();
        let folders = folders.map(|folder| folder.unwrap().path());
        folders
            .map(|folder| std::fs::read_dir(folder).unwrap().count())
            .sum()
    }

    /// Returns when a part of a response was last spooled to disk. nginx unlinks the file at once, which changes the
    /// folder.
    pub fn last_spooled(&self) -> SystemTime {
        let folder = std::fs::metadata(self.folder.path().join("proxy")).unwrap();
        folder.modified().unwrap()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // SIGTERM stops its workers too; SIGKILL would leave them running.
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().ok();
        self.child.wait().ok();
    }
}

/// Returns a loopback address with a free port.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn servers(instances: &[&str]) -> String {
    let mut servers = String::new();
    for instance in instances {
        let _ = writeln!(
            servers,
            "    server {instance} max_fails=4 fail_timeout=4s;"
        );
    }
    servers
}

fn write_config(
    folder: &Path,
    instances: &[&str],
    grpc_instances: &[&str],
    [site, grpc, status]: [SocketAddr; 3],
) {
    let shipped = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let here = folder.join("here");
    std::fs::create_dir(&here).unwrap();
    std::fs::copy(shipped.join("nginx.conf"), folder.join("nginx.conf")).unwrap();
    std::fs::copy(shipped.join("nginx/words.conf"), here.join("words.conf")).unwrap();
    std::fs::write(here.join("server.conf"), format!("listen {site};\n")).unwrap();
    std::fs::write(here.join("grpc.conf"), format!("listen {grpc} http2;\n")).unwrap();
    let upstream = |name: &str, instances: &[&str]| {
        let servers = servers(instances);
        format!(
            "upstream {name} {{\n    zone {name} 128k;\n    least_conn;\n{servers}    keepalive 64;\n    keepalive_timeout 20s;\n}}\n"
        )
    };
    let site = upstream("jornada", instances);
    // An upstream needs a server; nothing listens on port 1.
    let grpc = match grpc_instances {
        [] => upstream("jornada-grpc", &["127.0.0.1:1"]),
        some => upstream("jornada-grpc", some),
    };
    let http = format!(
        "{site}{grpc}\
         geo $exempt {{ default 0; 127.0.0.1 1; }}\n\
         set_real_ip_from 127.0.0.3;\n\
         server {{ listen {status}; access_log off; location = /nginx_status {{ stub_status; }} }}\n"
    );
    std::fs::write(here.join("http.conf"), http).unwrap();
    // Started by root, nginx runs its workers as another user, who needs access to its temporary files.
    std::fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
}
