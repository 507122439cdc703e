//! Settings, data and campaigns that several instances share.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::servers::{random_name, variable};

/// Where an instance stores its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stores {
    /// SQLite, a folder and memory.
    Embedded,
    /// MongoDB, S3 and Redis.
    Servers,
}

/// The settings and data that several instances share.
pub struct Installation {
    pub folder: TempDir,
    pub settings: Vec<(String, String)>,
    /// Id of the campaign with photo; random, so that tests can share Redis and S3.
    pub campaign: String,
    /// Id of the campaign without photo and document, which takes in registrations.
    pub vote: String,
    /// Id of the shipped campaign `elecciones`, which takes in votes.
    pub election: String,
    /// Id of the shipped campaign `mejor-disco`, which takes in votes of existing programs, too.
    pub contest: String,
}

impl Installation {
    pub fn new(stores: Stores) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = random_name();
        let (campaign, vote) = (format!("vac-{name}"), format!("voto-{name}"));
        let (election, contest) = (format!("elec-{name}"), format!("disco-{name}"));
        let ids = [
            ("vacunacion", &campaign),
            ("elecciones", &election),
            ("mejor-disco", &contest),
            ("simulacro", &format!("sim-{name}")),
        ];
        let campaigns = folder.path().join("campaigns");
        write_campaigns(&campaigns, &ids);
        write_contest_of_registrations(&campaigns, &contest, &vote);
        let path = |name: &str| folder.path().join(name).display().to_string();
        let mut settings = vec![
            ("JORNADA_LISTEN".into(), "127.0.0.1:0".into()),
            ("JORNADA_OPS_LISTEN".into(), "127.0.0.1:0".into()),
            ("JORNADA_GRPC_LISTEN".into(), "127.0.0.1:0".into()),
            ("JORNADA_CAMPAIGNS".into(), path("campaigns")),
            ("JORNADA_LOG_FORMAT".into(), "json".into()),
            (
                "JORNADA_SECRET".into(),
                format!("a secret of the tests {name}"),
            ),
        ];
        settings.extend(match stores {
            Stores::Embedded => vec![
                (
                    "JORNADA_STORE".into(),
                    format!("sqlite:{}", path("data/jornada.db")),
                ),
                (
                    "JORNADA_PHOTOS".into(),
                    format!("file:{}", path("data/photos")),
                ),
            ],
            Stores::Servers => server_settings(&name),
        });
        Self {
            folder,
            settings,
            campaign,
            vote,
            election,
            contest,
        }
    }

    /// Changes the text of a campaign file before the start.
    pub fn edit_campaign(&self, file: &str, edit: impl FnOnce(String) -> String) {
        let path = self.folder.path().join("campaigns").join(file);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, edit(text)).unwrap();
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.into(), value.into()));
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(program());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.settings.clone());
        command
    }

    /// Creates an API token.
    pub fn create_token(&self) -> String {
        let made = self.command(&["token", "new", "test"]).output().unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    }
}

/// Returns the path of the binary, which Cargo builds for the tests and benchmarks of the root package.
#[expect(
    clippy::disallowed_methods,
    reason = "Cargo passes the path as a variable"
)]
fn program() -> OsString {
    std::env::var_os("CARGO_BIN_EXE_jornada").expect("run by Cargo as a test of the root package")
}

fn server_settings(name: &str) -> Vec<(String, String)> {
    let mongodb = variable("JORNADA_TEST_MONGODB").replacen("/?", &format!("/test_{name}?"), 1);
    let s3 = variable("JORNADA_TEST_S3");
    vec![
        ("JORNADA_STORE".into(), mongodb),
        (
            "JORNADA_PHOTOS".into(),
            format!("s3://jornada-test?endpoint={s3}&region=us-east-1"),
        ),
        ("JORNADA_CACHE".into(), variable("JORNADA_TEST_REDIS")),
        ("JORNADA_PHOTO_KEY".into(), "a1".repeat(32)),
        (
            "AWS_ACCESS_KEY_ID".into(),
            variable("JORNADA_TEST_S3_ACCESS_KEY"),
        ),
        (
            "AWS_SECRET_ACCESS_KEY".into(),
            variable("JORNADA_TEST_S3_SECRET_KEY"),
        ),
    ]
}

/// The tally of the campaign with persons: shows the small counts that are hidden by default.
const EVERY_COUNT: &str = "\n[[tallies]]\nid = \"ciudad\"\nby = [\"ciudad\"]\nsuppress_below = 0\n";

/// Copies the shipped campaigns under other ids, and lets the one with persons show every count.
/// Writes a copy of `mejor-disco` that takes in registrations.
fn write_contest_of_registrations(folder: &Path, contest: &str, vote: &str) {
    let text = std::fs::read_to_string(folder.join("mejor-disco.toml")).unwrap();
    let (text, _) = text.split_once("[[tallies]]").unwrap();
    let text = text.replace("kind = \"vote\"\n", "").replace(contest, vote);
    // Two campaigns of one title could not be told apart on a page.
    let text = text.replace("El mejor disco", "Un buen disco");
    let text = text.replace("The best album", "A good album");
    std::fs::write(folder.join("voto.toml"), text).unwrap();
}

fn write_campaigns(folder: &Path, ids: &[(&str, &String)]) {
    let shipped = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../campaigns");
    std::fs::create_dir(folder).unwrap();
    for entry in std::fs::read_dir(shipped).unwrap() {
        let from = entry.unwrap().path();
        let to = folder.join(from.file_name().unwrap());
        let text = std::fs::read_to_string(&from).unwrap();
        let text = ids.iter().fold(text, |text, (shipped, id)| {
            text.replace(&format!("{shipped:?}"), &format!("{id:?}"))
        });
        let text = if from.ends_with("vacunacion.toml") {
            text + EVERY_COUNT
        } else {
            text
        };
        std::fs::write(to, text).unwrap();
    }
}
