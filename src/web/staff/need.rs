//! Requirements of routes.

use jornada_domain::staff::Permission;

/// Requirement of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing, as for the login page.
    Nothing,
    /// An account of any role with a session.
    Account,
    /// A permission, by account or API token.
    Permission(Permission),
}
