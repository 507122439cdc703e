//! Generates messages, client, server and descriptors from the files in `proto/`, without protoc.

use std::error::Error;
use std::path::Path;

use protox::prost::Message;

#[expect(
    clippy::disallowed_methods,
    reason = "Cargo passes the folder as a variable"
)]
fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../../proto");
    let files = protox::compile(["jornada/v1/votes.proto"], ["../../proto"])?;
    let folder = std::env::var("OUT_DIR")?;
    std::fs::write(
        Path::new(&folder).join("descriptors.bin"),
        files.encode_to_vec(),
    )?;
    tonic_prost_build::configure()
        .build_transport(false)
        .btree_map(".")
        .codec_path("crate::codec::BoundedCodec")
        .compile_fds(files)?;
    Ok(())
}
