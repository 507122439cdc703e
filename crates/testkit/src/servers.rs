//! The real servers that `test.sh` starts, addressed by environment variables.

/// Returns the value of a variable. Panics without it and names the command that starts the servers.
#[expect(
    clippy::disallowed_methods,
    reason = "tests find their servers by variables"
)]
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `bash test.sh`, which starts the servers")
    })
}

/// Returns a unique name of 16 hexadecimal digits.
pub fn random_name() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..16].to_owned()
}
