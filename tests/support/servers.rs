//! The real servers that `test.sh` starts, found by their variables.

/// The variable's value; a test without its server fails and says how to get it.
#[expect(
    clippy::disallowed_methods,
    reason = "tests find their servers by variables"
)]
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!("{name} is not set: run `bash test.sh`, which starts the servers")
    })
}

/// A name that no other test uses: 16 letters.
pub fn random_name() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..16].to_owned()
}
