//! The cost of following does not grow with the campaigns: one change stream, and the same calls to Redis.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_util::TryStreamExt;
use jiff::Timestamp;
use jornada::app::metrics::Metrics;
use jornada_domain::registration::UniqueKey;
use jornada_domain::{Campaign, FormData, Registration, RegistrationId};
use jornada_service::tally::follower::Follower;
use jornada_service::tally::live_totals::{LiveTotals, TotalsSource};
use jornada_store::{InsertOutcome, NewRegistration, Store, StoreSetting};
use jornada_testkit::servers::{random_name, variable};
use mongodb::bson::{Document, doc};
use tokio_util::sync::CancellationToken;

use crate::follow::wait_until;
use crate::tally::{campaign, redis as in_redis};

const REGISTRATIONS: usize = 400;

/// Calls by kind.
type Calls = BTreeMap<String, usize>;

/// Returns the commands with this text that Redis executes from now on, without those of scripts.
fn monitor(text: String) -> Arc<Mutex<Vec<String>>> {
    let url = variable("JORNADA_TEST_REDIS");
    let address = url.trim_start_matches("redis://").trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(b"MONITOR\r\n").unwrap();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if line.contains(&text) && !line.contains(" lua] ") {
                seen.lock().unwrap().push(line);
            }
        }
    });
    lines
}

fn kind_of_command(line: &str) -> String {
    let command = line.split('"').nth(1).unwrap_or_default().to_uppercase();
    let keys = [":lease", ":counts:", ":meta"];
    let key = keys.iter().find(|key| line.contains(*key));
    format!("{command} {}", key.unwrap_or(&""))
}

/// Everything that one instance does for totals of so many campaigns.
struct Site {
    store: Store,
    campaigns: Vec<Arc<Campaign>>,
    live_totals: LiveTotals,
    database: mongodb::Database,
    commands: Arc<Mutex<Vec<String>>>,
    _stop: tokio_util::sync::DropGuard,
}

impl Site {
    async fn start(number: usize) -> Self {
        let name = format!("/test_{}?", random_name());
        let url = variable("JORNADA_TEST_MONGODB").replacen("/?", &name, 1);
        let client = mongodb::Client::with_uri_str(&url).await.unwrap();
        let database = client.default_database().unwrap();
        let store = Store::open(&StoreSetting::Mongo(url.into())).await.unwrap();
        let id = store.id().await.unwrap();
        database.run_command(doc! { "profile": 2 }).await.unwrap();
        let commands = monitor(format!("{{{}}}", id.simple()));
        let campaigns: Vec<_> = (0..number)
            .map(|number| campaign(&format!("c{number}")))
            .collect();
        let (stop, metrics) = (CancellationToken::new(), Metrics::new().unwrap().tally);
        let follower = Follower {
            store: store.clone(),
            cache: in_redis(id, "one"),
            campaigns: campaigns.clone(),
            metrics: metrics.clone(),
        };
        tokio::spawn(follower.run(stop.clone()));
        let live_totals = LiveTotals::new(campaigns.iter().map(|campaign| &campaign.id));
        let source = TotalsSource {
            cache: in_redis(id, "one"),
            store: store.clone(),
            campaigns: campaigns.clone(),
        };
        tokio::spawn(
            live_totals
                .clone()
                .refresh_until(source, metrics, stop.clone()),
        );
        Self {
            store,
            campaigns,
            live_totals,
            database,
            commands,
            _stop: stop.drop_guard(),
        }
    }

    fn total(&self) -> Option<u64> {
        let totals = self
            .campaigns
            .iter()
            .map(|campaign| self.live_totals.latest(&campaign.id));
        totals.map(|totals| Some(totals?.total)).sum()
    }

    /// Registers one after the other, in each campaign in turn.
    async fn register(&self) {
        for (number, campaign) in (0..REGISTRATIONS).zip(self.campaigns.iter().cycle()) {
            let parts = vec![("lugar".into(), "Cali".into())];
            let form = FormData {
                parts,
                has_photo: false,
            };
            let answers = campaign.validate(&form).unwrap();
            let key = UniqueKey::Answer(number.to_string());
            let registration = Registration {
                id: RegistrationId::derive(&[3; 32], &campaign.id, &key),
                campaign: campaign.id.clone(),
                tally_value: campaign.tally_value(&answers),
                digest: answers.digest(campaign, None),
                answers,
                photo: None,
                received_at: Timestamp::now(),
            };
            let campaign = Arc::clone(campaign);
            let record = NewRegistration {
                campaign,
                registration,
            };
            let outcomes = self.store.insert(vec![record]).await;
            assert!(matches!(outcomes[..], [Ok(InsertOutcome::Inserted)]));
        }
    }

    /// Returns the operations of MongoDB so far, without those that register. All of them read one change stream.
    async fn operations(&self) -> Calls {
        let profile = self.database.collection::<Document>("system.profile");
        let ours = doc! { "ns": { "$not": { "$regex": "system.profile$" } } };
        let entries: Vec<_> = profile
            .find(ours)
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();
        let (mut calls, mut streams) = (Calls::new(), BTreeSet::new());
        for entry in entries {
            let command = entry.get_document("command").unwrap();
            let name = command.keys().next().unwrap();
            if name == "insert" {
                continue;
            }
            // Opening a change stream is in no profile, but each has a cursor.
            streams.extend(command.get_i64("getMore"));
            *calls.entry(name.clone()).or_default() += 1;
        }
        assert!(streams.len() <= 1, "{streams:?}");
        calls
    }

    fn commands(&self) -> Calls {
        let mut calls = Calls::new();
        for line in self.commands.lock().unwrap().drain(..) {
            *calls.entry(kind_of_command(&line)).or_default() += 1;
        }
        calls
    }
}

/// Returns the operations and commands while people register.
async fn cost(campaigns: usize) -> (Calls, Calls, Duration) {
    let site = Site::start(campaigns).await;
    wait_until("all are counted", async || site.total() == Some(0)).await;
    wait_until("the stream is read", async || {
        site.operations().await.contains_key("getMore")
    })
    .await;
    let before = site.operations().await;
    assert_eq!(before["aggregate"], campaigns, "one count each: {before:?}");
    site.commands();
    let start = Instant::now();
    site.register().await;
    let total = Some(REGISTRATIONS as u64);
    wait_until("all are shown", async || site.total() == total).await;
    let seconds = start.elapsed();
    let (mut operations, commands) = (site.operations().await, site.commands());
    for (kind, number) in before {
        *operations.get_mut(&kind).unwrap() -= number;
    }
    operations.retain(|_, number| *number > 0);
    site.database.drop().await.unwrap();
    (operations, commands, seconds)
}

#[tokio::test]
async fn a_hundred_campaigns_cost_the_follower_what_one_does() {
    for campaigns in [1, 100] {
        let (operations, commands, time) = cost(campaigns).await;
        println!("{campaigns} campaigns, {time:?}: {operations:?}, {commands:?}");
        let batches = operations.get("getMore").copied().unwrap_or(0);
        assert_eq!(
            operations.len(),
            1,
            "only the stream is read: {operations:?}"
        );
        // Each batch renews the lease, and adds what it holds.
        let scripts = |key: &str| {
            commands
                .get(&format!("EVALSHA {key}"))
                .copied()
                .unwrap_or(0)
        };
        assert!(
            scripts(":lease") <= batches + 3
                && scripts(":counts:") + scripts(":meta") <= batches + 3
        );
        let polls = 2 * usize::try_from(time.as_secs()).unwrap() + 4;
        assert!(commands["HGETALL :meta"] <= polls, "{commands:?}");
        // Counts are read for each campaign that changed since the last poll: those of its tally and those by minute.
        assert!(
            commands["HGETALL :counts:"] <= polls * campaigns * 2,
            "{commands:?}"
        );
    }
}
