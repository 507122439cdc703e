//! How often one client may register and look receipts up, over all instances. A family and a town behind one address of
//! their mobile operator pass; a machine that tries document numbers or receipts does not.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::Timestamp;

use super::address::ClientAddress;
use super::error::Error;
use crate::abuse::rate::{Draw, Rate};
use crate::abuse::{Counts, network};
use crate::config::{LimitsSetting, Secret};
use crate::domain::CampaignId;
use crate::key::Key;
use crate::telemetry::metrics::AbuseMetrics;

/// Who is counted, and where.
#[derive(Debug)]
pub struct Limits {
    counts: Counts,
    key: Key,
    exempt: Vec<IpNet>,
    rates: LimitsSetting,
    metrics: AbuseMetrics,
}

/// Drawn before the answer is known; it is given back unless the answer is one that tells something, also when the client
/// goes away before it. So many requests at once find out no more than one after the other.
#[derive(Debug)]
#[must_use]
pub struct Held<'a> {
    limits: &'a Limits,
    draw: Option<Draw>,
}

impl Limits {
    /// Puts the parts together.
    #[must_use]
    pub fn new(
        secret: &Secret,
        counts: Counts,
        (exempt, rates): (Vec<IpNet>, LimitsSetting),
        metrics: AbuseMetrics,
    ) -> Self {
        Self {
            counts,
            key: Key::of(secret, "limits: who sends and looks up"),
            exempt,
            rates,
            metrics,
        }
    }

    /// Whether no limit counts this client.
    #[must_use]
    pub fn exempt(&self, ClientAddress(from): ClientAddress) -> bool {
        let from = from.to_canonical();
        self.exempt.iter().any(|network| network.contains(&from))
    }

    /// Before a registration. What is held is for the answers that tell that a document is known, or was: once
    /// that is used up every registration of the client waits, or the wait itself would tell.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn register(
        &self,
        from: ClientAddress,
        campaign: &CampaignId,
    ) -> Result<Held<'_>, Error> {
        let whole = self.draw(
            "registrations",
            from.0,
            campaign.as_str(),
            self.rates.registrations,
        );
        let harder = self.draw("conflicts", from.0, campaign.as_str(), self.rates.conflicts);
        self.hold(from, whole, harder).await
    }

    /// Before a receipt is looked up. What is held is for the answer that there is none.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub async fn look_up(&self, from: ClientAddress) -> Result<Held<'_>, Error> {
        let whole = self.draw("receipts", from.0, "", self.rates.receipts);
        let harder = self.draw("misses", from.0, "", self.rates.misses);
        self.hold(from, whole, harder).await
    }

    async fn hold(
        &self,
        from: ClientAddress,
        whole: Draw,
        harder: Draw,
    ) -> Result<Held<'_>, Error> {
        let limits = self;
        if self.exempt(from) {
            return Ok(Held { limits, draw: None });
        }
        let kind = whole.name.split(':').next().map(str::to_owned);
        let draws = [whole, harder];
        let done = self.counts.draw(&draws, Timestamp::now()).await;
        let [_, harder] = draws;
        done.map_err(|wait| {
            self.metrics.limited(&kind.unwrap_or_default());
            Error::RateLimited(wait)
        })?;
        Ok(Held {
            limits,
            draw: Some(harder),
        })
    }

    fn draw(&self, kind: &str, from: IpAddr, campaign: &str, rate: Rate) -> Draw {
        let who = self.key.name(&format!("{campaign} {}", network(from)));
        Draw {
            name: format!("{kind}:{who}"),
            rate,
        }
    }
}

impl Held<'_> {
    /// Gives it back, if the answer told nothing.
    pub async fn release_if(mut self, told_nothing: bool) {
        if let Some(draw) = self.draw.take().filter(|_| told_nothing) {
            self.limits.counts.give_back(&draw, Timestamp::now()).await;
        }
    }
}

impl Drop for Held<'_> {
    /// Whoever has gone was told nothing.
    fn drop(&mut self) {
        if let Some(draw) = self.draw.take() {
            let counts = self.limits.counts.clone();
            tokio::spawn(async move { counts.give_back(&draw, Timestamp::now()).await });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{CacheSetting, Env};
    use crate::key::tests::key;
    use crate::telemetry::metrics::Metrics;

    #[tokio::test]
    async fn whoever_goes_away_before_the_answer_used_nothing_up() {
        let env = Env::of(&[("JORNADA_LIMIT_CONFLICTS", "1+1")]);
        let limits = Limits {
            counts: Counts::open(&CacheSetting::Memory).unwrap(),
            key: key("limits"),
            exempt: Vec::new(),
            rates: LimitsSetting::from_env(&env).unwrap(),
            metrics: Metrics::new().unwrap().abuse,
        };
        let campaign = CampaignId::parse("vacunacion").unwrap();
        let from = ClientAddress(IpAddr::from([192, 0, 2, 7]));
        for _ in 0..3 {
            drop(limits.register(from, &campaign).await.unwrap());
            // What gives it back runs beside.
            tokio::task::yield_now().await;
        }
        let told = limits.register(from, &campaign).await.unwrap();
        told.release_if(false).await;
        let waits = limits.register(from, &campaign).await.map(drop);
        assert!(matches!(waits, Err(Error::RateLimited(_))));
    }
}
