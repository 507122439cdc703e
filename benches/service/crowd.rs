//! People who register over several connections, each with a different document, city and photo of 50 KiB.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use reqwest::{Client, header};
use tokio::task::JoinSet;

use jornada_testkit::photos::jpeg_of_size;

const BOUNDARY: &str = "----------------------------1234567890";
const PHOTO_BYTES: usize = 50 * 1024;
/// Bytes of the photo's last block that hold its number: any digit is a coefficient.
const MARK: usize = 10;

/// Sends registrations of different people.
pub struct Crowd {
    http: Client,
    url: String,
    chart: String,
    cities: Vec<String>,
    photo: Vec<u8>,
    next: AtomicUsize,
}

impl Crowd {
    /// Creates a crowd for a campaign of the instance at `base`.
    pub fn new(http: Client, base: &str, campaign: &str) -> Self {
        let list = include_str!("../../campaigns/ciudades-colombia.csv");
        let cities = list
            .lines()
            .skip(1)
            .filter_map(|line| line.split(',').next());
        Self {
            http,
            url: format!("{base}/api/v1/campaigns/{campaign}/registrations"),
            chart: format!("{base}/api/v1/campaigns/{campaign}/chart"),
            cities: cities.map(str::to_owned).collect(),
            photo: jpeg_of_size(PHOTO_BYTES),
            next: AtomicUsize::new(0),
        }
    }

    /// Registers `people` over several connections as fast as possible; returns the time of each request.
    pub async fn register(
        self: &Arc<Self>,
        people: usize,
        connections: usize,
    ) -> Result<Vec<Duration>> {
        let mut sending = JoinSet::new();
        for _ in 0..connections {
            let crowd = Arc::clone(self);
            sending.spawn(async move {
                let mut times = Vec::new();
                for _ in 0..people / connections {
                    times.push(crowd.register_next().await?);
                }
                anyhow::Ok(times)
            });
        }
        let mut times = Vec::with_capacity(people);
        while let Some(done) = sending.join_next().await {
            times.extend(done??);
        }
        Ok(times)
    }

    /// Registers the next person; returns the time of the request.
    pub async fn register_next(&self) -> Result<Duration> {
        let body = self.body(self.next.fetch_add(1, Ordering::Relaxed));
        let request = self.http.post(&self.url).body(body);
        let request = request.header(
            header::CONTENT_TYPE,
            format!("multipart/form-data; boundary={BOUNDARY}"),
        );
        let begun = Instant::now();
        let answer = request.send().await.context("no answer")?;
        let status = answer.status();
        let told = answer.text().await?;
        ensure!(status == 201, "answered {status}: {told}");
        Ok(begun.elapsed())
    }

    /// Reads the public totals; returns the time of the request.
    pub async fn read_totals(&self) -> Result<Duration> {
        let begun = Instant::now();
        let answer = self.http.get(&self.chart).send().await?;
        ensure!(answer.status() == 200, "answered {}", answer.status());
        answer.bytes().await?;
        Ok(begun.elapsed())
    }

    fn body(&self, number: usize) -> Bytes {
        let city = &self.cities[number % self.cities.len()];
        let document = format!("{:0MARK$}", 5_000_000_000_usize + number);
        let mut body = Vec::with_capacity(PHOTO_BYTES + 1024);
        for (name, value) in [
            ("nombre", "Ana Ejemplo Ñandú"),
            ("documento", &document),
            ("ciudad", city),
            ("consent", "true"),
        ] {
            let part = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend(part.as_bytes());
        }
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"foto\"; filename=\"foto.jpg\"\r\n\
             Content-Type: image/jpeg\r\n\r\n"
        );
        body.extend(head.as_bytes());
        let end = body.len() + self.photo.len() - 2;
        body.extend(&self.photo);
        body[end - MARK..end].copy_from_slice(document.as_bytes());
        body.extend(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        body.into()
    }
}
