//! Setting of the gRPC listener.

use std::net::SocketAddr;

use super::env::{Env, FromEnv, SettingError};

/// Where gRPC is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrpcListen {
    /// Nowhere.
    None,
    /// On the port of the site.
    Public,
    /// On a port of its own.
    Address(SocketAddr),
}

impl FromEnv for GrpcListen {
    /// Reads `JORNADA_GRPC_LISTEN`.
    fn from_env(env: &Env) -> Result<Self, SettingError> {
        let expected = "an address and a port, such as 127.0.0.1:4050, none or http";
        env.parse_with(
            "JORNADA_GRPC_LISTEN",
            "127.0.0.1:4050",
            expected,
            |raw| match raw {
                "none" => Some(Self::None),
                "http" => Some(Self::Public),
                _ => raw.parse().ok().map(Self::Address),
            },
        )
    }
}
