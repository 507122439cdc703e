//! Where the servers of a test are: `bash test.sh` starts them and says so in the environment.

/// The address in this variable; a missing one fails the test, so that nothing is skipped silently.
pub fn address(variable: &str) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the addresses of test servers are no settings of the program"
    )]
    let address = std::env::var(variable);
    address.unwrap_or_else(|_| panic!("{variable} is not set: run bash test.sh"))
}
