//! Target of a load. Accepts only this machine unless other machines are explicitly allowed, so that a typing error
//! cannot flood a foreign site.

use url::{Host, Url};

use jornada_domain::CampaignId;

/// A site that may receive load.
#[derive(Clone, Debug)]
pub struct LoadTarget {
    base: Url,
}

/// A rejected target URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Not `http://HOST[:PORT]`.
    #[error("invalid URL '{0}': expected http://HOST:PORT without a path")]
    Malformed(String),
    /// Another machine, which was not allowed.
    #[error("'{0}' is not this machine: expected 127.0.0.1, [::1] or localhost")]
    OtherMachine(String),
}

impl LoadTarget {
    /// Parses a base URL. Rejects other machines unless they are allowed.
    pub fn parse(raw: &str, allows_other_machines: bool) -> Result<Self, TargetError> {
        let shape = || TargetError::Malformed(raw.to_owned());
        let base = Url::parse(raw).map_err(|_| shape())?;
        let is_bare = base.scheme() == "http" && base.path() == "/" && base.query().is_none();
        let host = base.host().filter(|_| is_bare).ok_or_else(shape)?;
        if allows_other_machines || is_this_machine(&host) {
            Ok(Self { base })
        } else {
            Err(TargetError::OtherMachine(raw.to_owned()))
        }
    }

    /// Returns the URL to which registrations are sent.
    #[must_use]
    pub fn registrations_url(&self, campaign: &CampaignId) -> Url {
        self.api_url(campaign, "registrations")
    }

    /// Returns the URL of the public totals.
    #[must_use]
    pub fn chart_url(&self, campaign: &CampaignId) -> Url {
        self.api_url(campaign, "chart")
    }

    fn api_url(&self, campaign: &CampaignId, page: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/api/v1/campaigns/{campaign}/{page}"));
        url
    }
}

fn is_this_machine(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => *name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_taken_by_each_of_its_names() {
        for raw in [
            "http://127.0.0.1:4000",
            "http://[::1]/",
            "http://localhost:80",
        ] {
            assert!(LoadTarget::parse(raw, false).is_ok(), "{raw}");
        }
    }

    #[test]
    fn another_machine_only_when_it_is_allowed() {
        for raw in [
            "http://10.0.0.1",
            "http://example.org",
            "http://127.0.0.1.example.org",
        ] {
            let refused = LoadTarget::parse(raw, false).unwrap_err();
            assert_eq!(refused, TargetError::OtherMachine(raw.into()));
            assert!(LoadTarget::parse(raw, true).is_ok());
        }
    }

    #[test]
    fn it_is_a_base() {
        for raw in [
            "",
            "localhost:80",
            "https://localhost",
            "http://localhost/c",
        ] {
            assert_eq!(
                LoadTarget::parse(raw, true).unwrap_err(),
                TargetError::Malformed(raw.into())
            );
        }
        let campaign = CampaignId::parse("simulacro").unwrap();
        let target = LoadTarget::parse("http://127.0.0.1:4000", false).unwrap();
        assert_eq!(
            target.chart_url(&campaign).as_str(),
            "http://127.0.0.1:4000/api/v1/campaigns/simulacro/chart"
        );
    }
}
