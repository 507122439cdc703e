//! Paths of the calls, which are also their names in logs and metrics.

pub const CAST: &str = "/jornada.v1.Votes/Cast";
pub const CAST_BATCH: &str = "/jornada.v1.Votes/CastBatch";
pub const CAST_STREAM: &str = "/jornada.v1.Votes/CastStream";
pub const CHECK: &str = "/grpc.health.v1.Health/Check";
pub const WATCH: &str = "/grpc.health.v1.Health/Watch";
pub const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
