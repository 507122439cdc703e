//! Name with which the watcher greets the mail server. Strict servers refuse an address, and a name without a dot.

use std::net::IpAddr;

use super::env::{Env, SettingError};

const HELLO: &str = "JORNADA_MAIL_HELLO";
const EXPECTED: &str = "a full host name, such as jornada.example.org, or an address in brackets";
/// Maximum length of a domain name (RFC 1035).
const MAX_NAME_BYTES: usize = 253;

/// Returns `JORNADA_MAIL_HELLO`, else the full name of this machine if it has a dot, else the domain of the sender.
pub(super) fn read_hello(env: &Env, sender_domain: &str) -> Result<String, SettingError> {
    let parse = |raw: &str| is_hello_name(raw).then(|| raw.to_owned());
    if let Some(name) = env.parse_optional(HELLO, EXPECTED, parse)? {
        return Ok(name);
    }
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let machine = full_name(&read("/proc/sys/kernel/hostname"), &read("/etc/hosts"));
    Ok(machine.unwrap_or_else(|| sender_domain.to_owned()))
}

/// Returns the full name of a machine: its host name, or the first name of its line in `/etc/hosts`.
fn full_name(host_name: &str, hosts: &str) -> Option<String> {
    let host_name = host_name.trim();
    let is_full = |name: &&str| name.contains('.') && is_hello_name(name);
    let lines = hosts
        .lines()
        .filter_map(|line| line.split('#').next()?.split_once(char::is_whitespace));
    let mut listed = lines
        .map(|(_, names)| names.split_whitespace())
        .filter(|names| names.clone().any(|name| name == host_name))
        .filter_map(|mut names| names.next());
    let known = Some(host_name).filter(is_full);
    known.or_else(|| listed.find(is_full)).map(str::to_owned)
}

/// Returns whether a text is a domain name, or an address literal (RFC 5321, section 4.1.3).
fn is_hello_name(text: &str) -> bool {
    if let Some(literal) = text
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return match literal.strip_prefix("IPv6:") {
            Some(address) => address.parse().is_ok_and(|ip: IpAddr| ip.is_ipv6()),
            None => literal.parse().is_ok_and(|ip: IpAddr| ip.is_ipv4()),
        };
    }
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    text.len() <= MAX_NAME_BYTES && text.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_counts_first() {
        let read = |raw: &str| read_hello(&Env::from_pairs(&[(HELLO, raw)]), "example.org");
        for name in [
            "mx.example.org",
            "relay",
            "[192.0.2.1]",
            "[IPv6:2001:db8::1]",
        ] {
            assert_eq!(read(name).unwrap(), name);
        }
        for name in [
            "a b",
            "-a.org",
            "a..org",
            "[2001:db8::1]",
            "bogotá.co",
            "a\r\nMAIL",
        ] {
            assert!(
                read(name).unwrap_err().to_string().starts_with(HELLO),
                "{name}"
            );
        }
    }

    #[test]
    fn the_machine_has_a_name_with_a_dot_or_none() {
        let hosts = "127.0.0.1 localhost\n127.0.1.1 app.example.org app # here\n::1 localhost\n";
        let full = Some("app.example.org".to_owned());
        assert_eq!(full_name("app\n", hosts), full);
        assert_eq!(full_name("app.example.org\n", ""), full);
        assert_eq!(
            full_name("4f2a9c81d0be\n", "172.17.0.2\t4f2a9c81d0be\n"),
            None
        );
        assert_eq!(full_name("", ""), None);
        assert_eq!(full_name("other\n", hosts), None);
    }
}
