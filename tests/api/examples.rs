//! The examples of `docs/examples`, in each language that is installed: each vote is stored once, although the first answer
//! is 503 and the whole program is run twice.

use std::io::{Read, Write, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::votes::Polls;
use jornada_testkit::instance::Stores;

const EXAMPLES: [(&str, &[&str]); 4] = [
    ("sh", &["votes.sh"]),
    ("python3", &["-B", "votes.py"]),
    ("node", &["votes.mjs"]),
    ("go", &["run", "votes.go"]),
];

/// Votes of one example.
const VOTES: u64 = 3;

/// Starts a front that answers the first request with 503 and passes everything else on. Returns its URL.
fn start_failing_front(instance: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let instance = instance.to_owned();
    thread::spawn(move || {
        let mut connections = listener.incoming().map_while(Result::ok);
        if let Some(mut first) = connections.next() {
            let _ = first.read(&mut [0; 16 * 1024]);
            let answer = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let _ = first.write_all(answer);
        }
        for client in connections {
            let server = TcpStream::connect(&instance).unwrap();
            let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || pass_on(from, to));
            thread::spawn(move || pass_on(server, client));
        }
    });
    url
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let _ = copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

/// Runs an example; false if its language is not installed.
fn run(site: &str, campaign: &str, (language, arguments): (&str, &[&str])) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/examples");
    let program = Command::new(language)
        .args(arguments)
        .arg(format!("run-of-{language}"))
        .current_dir(folder)
        .env("JORNADA_SITE", site)
        .env("JORNADA_CAMPAIGN", campaign)
        .env_remove("JORNADA_TOKEN")
        .stdout(Stdio::piped())
        .spawn();
    let Ok(program) = program else {
        eprintln!("{language} is not installed: its example is not tested");
        return false;
    };
    let output = program.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{language}: {text}");
    assert!(
        text.contains("stored") && !text.contains("invalid"),
        "{language}: {text}"
    );
    true
}

#[tokio::test]
async fn examples_store_each_vote_once() {
    let polls = Polls::start(Stores::Embedded).await;
    let instance = polls
        .app
        .base
        .trim_start_matches("http://")
        .trim_end_matches('/')
        .to_owned();
    let campaign = polls.installation.election.clone();
    let runs = EXAMPLES.map(|example| {
        let (instance, campaign) = (instance.clone(), campaign.clone());
        tokio::task::spawn_blocking(move || {
            let site = start_failing_front(&instance);
            run(&site, &campaign, example) && run(&site, &campaign, example)
        })
    });
    let mut languages = 0;
    for run in runs {
        languages += u64::from(run.await.unwrap());
    }
    assert!(languages > 0);
    polls.wait_for_total("sedes", languages * VOTES).await;
}
