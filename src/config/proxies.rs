//! Proxies in front of the site: which may name the client of a request, and how.

use std::net::IpAddr;

use ipnet::IpNet;

use super::env::{Env, SettingError};
use super::hosts::read_networks;

/// This machine and private networks (RFC 1918, RFC 4193).
const DEFAULT_NETWORKS: &str = "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7";
/// Maximum of `JORNADA_FORWARDED`.
const MAX_POSITION: usize = 10;

/// Proxies in front of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxies {
    /// `JORNADA_PROXY`: addresses and networks that may name the client.
    networks: Vec<IpNet>,
    /// `JORNADA_FORWARDED`: position of the client in `X-Forwarded-For`, counted from the right, beginning with 1. With 0
    /// the client is in `X-Client-Address`.
    pub forwarded_position: usize,
}

impl Proxies {
    /// Reads `JORNADA_PROXY` and `JORNADA_FORWARDED`.
    pub fn from_env(env: &Env) -> Result<Self, SettingError> {
        let expected = "0 for X-Client-Address, else the place of the client in X-Forwarded-For, from the right, from 1 to 10";
        Ok(Self {
            networks: read_networks(env, "JORNADA_PROXY", DEFAULT_NETWORKS)?,
            forwarded_position: env.parse_with("JORNADA_FORWARDED", "0", expected, |raw| {
                raw.parse()
                    .ok()
                    .filter(|position| *position <= MAX_POSITION)
            })?,
        })
    }

    /// Returns whether a peer may name the client.
    pub fn contains(&self, peer: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&peer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(settings: &[(&str, &str)]) -> Result<Proxies, SettingError> {
        Proxies::from_env(&Env::from_pairs(settings))
    }

    #[test]
    fn by_default_near_peers_name_the_client() {
        let proxies = read(&[]).unwrap();
        assert_eq!(proxies.forwarded_position, 0);
        for (peer, expected) in [
            ("127.0.0.1", true),
            ("::1", true),
            ("172.18.0.2", true),
            ("fd00::2", true),
            ("198.51.100.7", false),
            ("169.254.1.1", false),
            ("2001:db8::1", false),
        ] {
            assert_eq!(proxies.contains(peer.parse().unwrap()), expected, "{peer}");
        }
        let none = read(&[("JORNADA_PROXY", "none")]).unwrap();
        assert!(!none.contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn an_invalid_value_is_reported_with_its_setting() {
        for (name, value) in [
            ("JORNADA_PROXY", "nginx"),
            ("JORNADA_PROXY", "10.0.0.0/33"),
            ("JORNADA_FORWARDED", "-1"),
            ("JORNADA_FORWARDED", "11"),
            ("JORNADA_FORWARDED", "x-forwarded-for"),
        ] {
            let told = read(&[(name, value)]).expect_err(value).to_string();
            assert!(told.starts_with(&format!("{name}: '{value}'")), "{told}");
        }
    }
}
