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

/// Drawn before the answer is known; it is given back unless the answer is one that tells something. So many requests at
/// once find out no more than one after the other.
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

    /// Before a registration. What is held is for the answer `already-registered`, which tells that a document is known:
    /// once that is used up every registration of the client waits, or the wait itself would tell.
    ///
    /// # Errors
    /// [`Error::TooMany`].
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
    /// [`Error::TooMany`].
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
            Error::TooMany(wait)
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
    pub async fn release_if(self, told_nothing: bool) {
        if let Some(draw) = self.draw.filter(|_| told_nothing) {
            self.limits.counts.give_back(&draw, Timestamp::now()).await;
        }
    }
}
