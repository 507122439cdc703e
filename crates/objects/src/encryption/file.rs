//! Encryption of finished files at rest: like photos, but in chunks, because no file may be in memory as a whole.
//!
//! ```text
//! "JRS1" | key encryption key id: 8 | nonce: 24, data key: 32, tag: 16 | chunks of the file, each with its tag: 16
//! ```
//!
//! Every chunk holds 64 KiB of the file, except the last, which holds the rest and may be empty. Each is bound to its
//! position, to being the last or not (STREAM), and to the file's [key](ObjectKey): none can be removed, added or
//! exchanged.

mod decrypted_stream;

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::cipher::{ChunkEncryptor, TAG_BYTES, ZERO_PREFIX};
use super::{Encryptor, HEADER_BYTES, new_header};
use crate::ObjectKey;
use crate::aead;
pub use decrypted_stream::is_altered;
use jornada_domain::job::ReportFile;

const MAGIC: &[u8; 4] = b"JRS1";
/// Bytes of the file per encrypted chunk. Part of the format.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

/// An encrypted file without a name, deleted when it is closed.
#[derive(Debug)]
pub struct EncryptedFile {
    file: File,
    pub(crate) bytes: u64,
    pub(crate) sha256: [u8; 32],
}

impl EncryptedFile {
    /// Returns the file; read it from its start.
    pub fn file(&self) -> &File {
        &self.file
    }
}

fn encrypted_length(plain: u64) -> u64 {
    let chunks = plain.div_ceil(CHUNK_BYTES as u64).max(1);
    HEADER_BYTES as u64 + plain + chunks * TAG_BYTES as u64
}

/// Returns the length of the next chunk if `left` bytes remain.
fn next_chunk_length(left: u64) -> usize {
    usize::try_from(left).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES))
}

impl Encryptor {
    /// Encrypts a file from its start under a fresh data key; also returns its length and digest. Calls `throttle`
    /// between chunks.
    pub fn encrypt_file(
        &self,
        key: &ObjectKey,
        mut plain: File,
        mut throttle: impl FnMut(),
    ) -> io::Result<(ReportFile, EncryptedFile)> {
        let aad = key.to_string();
        let nonce = aead::generate_nonce().map_err(io::Error::other)?;
        let (head, data_key) =
            new_header(MAGIC, &self.current_key, nonce, &aad).map_err(io::Error::other)?;
        let mut chunks = ChunkEncryptor::new(data_key.expose_secret().into(), &ZERO_PREFIX.into());
        let (mut file, mut encrypted_digest) = (tempfile::tempfile()?, Sha256::new());
        let mut write = |bytes: &[u8]| {
            encrypted_digest.update(bytes);
            file.write_all(bytes)
        };
        write(&head)?;
        plain.rewind()?;
        let bytes = plain.metadata()?.len();
        let (mut left, mut digest) = (bytes, Sha256::new());
        let mut chunk = Vec::with_capacity(CHUNK_BYTES + TAG_BYTES);
        loop {
            chunk.resize(next_chunk_length(left), 0);
            plain.read_exact(&mut chunk)?;
            digest.update(&chunk);
            left -= chunk.len() as u64;
            if left == 0 {
                break;
            }
            let encrypted = chunks.encrypt_next_in_place(aad.as_bytes(), &mut chunk);
            encrypted.map_err(io::Error::other)?;
            write(&chunk)?;
            throttle();
        }
        let encrypted = chunks.encrypt_last_in_place(aad.as_bytes(), &mut chunk);
        encrypted.map_err(io::Error::other)?;
        write(&chunk)?;
        let known = ReportFile {
            bytes,
            sha256: digest.finalize().into(),
        };
        let encrypted = EncryptedFile {
            file,
            bytes: encrypted_length(bytes),
            sha256: encrypted_digest.finalize().into(),
        };
        Ok((known, encrypted))
    }
}
