//! The gRPC API: messages, client and server, generated from `proto/jornada/v1/votes.proto`. Programs of others are
//! generated from the same file.

pub mod codec;

/// Package `jornada.v1`.
#[expect(clippy::pedantic, clippy::allow_attributes, reason = "generated code")]
pub mod v1 {
    tonic::include_proto!("jornada.v1");
}

/// Descriptors of all files, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
