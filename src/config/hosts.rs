//! Host names of the site, and addresses that are exempt from its rate limits.

use std::collections::HashSet;
use std::net::IpAddr;

use axum::http::uri::Authority;
use ipnet::IpNet;
use url::Url;

use super::env::{Env, SettingError};

/// `JORNADA_HOSTS`: valid values of the `Host` header. `localhost` and loopback addresses are always valid, for probes
/// and the load generator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// Any name: neither `JORNADA_HOSTS` nor `JORNADA_PUBLIC_URL` is set.
    Any,
    /// These names, without port.
    Listed(HashSet<String>),
}

impl Hosts {
    /// Reads `JORNADA_HOSTS` and adds the host of `public_url`.
    pub fn from_env(env: &Env, public_url: Option<&str>) -> Result<Self, SettingError> {
        let name = "JORNADA_HOSTS";
        let expected = "comma-separated host names without port, or *";
        let value = env.get(name);
        if value.as_deref() == Some("*") {
            return Ok(Self::Any);
        }
        let mut hosts = HashSet::new();
        for host in value
            .iter()
            .flat_map(|value| value.split(','))
            .map(str::trim)
        {
            let authority: Option<Authority> = host.parse().ok();
            let bare_host = authority.as_ref().and_then(parse_host);
            let bare_host = bare_host.filter(|bare_host| *bare_host == host.trim_end_matches('.'));
            let bare_host = bare_host.ok_or_else(|| SettingError::new(name, host, expected))?;
            hosts.insert(bare_host.to_ascii_lowercase());
        }
        let public = public_url.and_then(|url| Url::parse(url).ok());
        hosts.extend(public.and_then(|url| url.host_str().map(str::to_owned)));
        Ok(if hosts.is_empty() {
            Self::Any
        } else {
            Self::Listed(hosts)
        })
    }

    /// Returns whether the site answers to this name.
    pub fn contains(&self, authority: &Authority) -> bool {
        parse_host(authority).is_some_and(|host| match self {
            Self::Any => true,
            Self::Listed(hosts) => {
                let known = |known: &String| known.eq_ignore_ascii_case(host);
                hosts.iter().any(known) || is_loopback(host)
            }
        })
    }
}

/// Returns the host, or `None` if user information precedes it.
fn parse_host(authority: &Authority) -> Option<&str> {
    let host = authority.host().trim_end_matches('.');
    (!host.is_empty() && !authority.as_str().contains('@')).then_some(host)
}

/// Returns whether a host is `localhost` or a loopback address.
pub fn is_loopback(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Reads `JORNADA_EXEMPT`: addresses and networks without rate limits.
pub fn read_exempt(env: &Env) -> Result<Vec<IpNet>, SettingError> {
    read_networks(env, "JORNADA_EXEMPT", "127.0.0.0/8,::1")
}

/// Reads a setting of comma-separated addresses and networks, or `none`.
pub fn read_networks(env: &Env, name: &str, default: &str) -> Result<Vec<IpNet>, SettingError> {
    let value = env.get_or(name, default);
    if value == "none" {
        return Ok(Vec::new());
    }
    let network = |text: &str| {
        let alone = || text.parse::<IpAddr>().map(IpNet::from);
        let network = text.parse().or_else(|_| alone());
        network.map_err(|_| {
            let expected = "comma-separated addresses or networks such as 10.1.0.0/16, or none";
            SettingError::new(name, text, expected)
        })
    };
    value.split(',').map(str::trim).map(network).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn know(hosts: &str, public: Option<&str>, asked: &str) -> bool {
        let env = Env::from_pairs(&[("JORNADA_HOSTS", hosts)]);
        let hosts = Hosts::from_env(&env, public).unwrap();
        asked.parse().is_ok_and(|asked| hosts.contains(&asked))
    }

    #[test]
    fn the_public_host_and_loopback_names_are_accepted() {
        let public = Some("https://jornada.example.org");
        for asked in [
            "jornada.example.org",
            "Jornada.Example.org.:8443",
            "localhost:4000",
            "127.0.0.1",
            "[::1]:4000",
            "otro.example.org:80",
        ] {
            assert!(know("otro.example.org", public, asked), "{asked}");
        }
        for asked in [
            "evil.example",
            "jornada.example.org.evil.example",
            "x@jornada.example.org",
            "192.0.2.1",
            "",
        ] {
            assert!(!know("otro.example.org", public, asked), "{asked}");
        }
        assert!(know("", None, "evil.example") && know("*", public, "evil.example"));
        assert!(!know("", None, "x@evil.example"));
    }

    #[test]
    fn an_invalid_value_is_reported_with_its_setting() {
        for wrong in ["https://x.example", "a b", "x.example:80", "a,,b"] {
            let env = Env::from_pairs(&[("JORNADA_HOSTS", wrong)]);
            let told = Hosts::from_env(&env, None).unwrap_err().to_string();
            assert!(told.starts_with("JORNADA_HOSTS: "), "{told}");
        }
        let env = Env::from_pairs(&[("JORNADA_EXEMPT", "10.0.0.0/33")]);
        let told = read_exempt(&env).unwrap_err().to_string();
        assert!(told.starts_with("JORNADA_EXEMPT: '10.0.0.0/33'"), "{told}");
        let env = Env::from_pairs(&[("JORNADA_EXEMPT", "10.1.2.3, 2001:db8::/32")]);
        assert_eq!(read_exempt(&env).unwrap().len(), 2);
    }
}
