//! Target of a load. Accepts only this machine unless other machines are explicitly allowed, so that a typing error
//! cannot flood a foreign site.

use anyhow::{Context, ensure};
use url::Url;

use crate::config::is_loopback;
use jornada_domain::CampaignId;

/// A site that may receive load.
#[derive(Clone, Debug)]
pub struct LoadTarget {
    base: Url,
}

impl LoadTarget {
    /// Parses a base URL. Rejects other machines unless they are allowed.
    pub fn parse(raw: &str, allows_other_machines: bool) -> anyhow::Result<Self> {
        let shape = || format!("invalid URL '{raw}': expected http://HOST:PORT without a path");
        let base = Url::parse(raw).ok().with_context(shape)?;
        let is_bare = base.scheme() == "http" && base.path() == "/" && base.query().is_none();
        let host = base.host_str().filter(|_| is_bare).with_context(shape)?;
        ensure!(
            allows_other_machines || is_loopback(host),
            "'{raw}' is not this machine: expected 127.0.0.1, [::1] or localhost"
        );
        Ok(Self { base })
    }

    /// Returns the URL of a page below the API of a campaign.
    pub fn api_url(&self, campaign: &CampaignId, page: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("/api/v1/campaigns/{campaign}/{page}"));
        url
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
            let expected = format!("'{raw}' is not this machine: ");
            assert!(refused.to_string().starts_with(&expected), "{refused}");
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
            let refused = LoadTarget::parse(raw, true).unwrap_err().to_string();
            assert!(
                refused.starts_with(&format!("invalid URL '{raw}': ")),
                "{refused}"
            );
        }
        let campaign = CampaignId::parse("simulacro").unwrap();
        let target = LoadTarget::parse("http://127.0.0.1:4000", false).unwrap();
        assert_eq!(
            target.api_url(&campaign, "chart").as_str(),
            "http://127.0.0.1:4000/api/v1/campaigns/simulacro/chart"
        );
    }
}
