//! Digest of a file while it is read. Carriage returns are left out, because they would falsify the numbers of lines.

use std::io::{self, Read};

use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

/// Reads all but carriage returns, and digests everything.
#[derive(Debug)]
pub(super) struct DigestingReader<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> DigestingReader<R> {
    pub(super) fn new(inner: R) -> Self {
        let hash = Sha256::new();
        Self { inner, hash }
    }

    /// Returns the SHA-256 of all bytes so far, as 64 hexadecimal digits.
    pub(super) fn digest(&self) -> String {
        HEXLOWER.encode(&self.hash.clone().finalize())
    }
}

impl<R: Read> Read for DigestingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.inner.read(buffer)?;
            self.hash.update(&buffer[..count]);
            let mut kept = 0;
            for index in 0..count {
                if buffer[index] != b'\r' {
                    buffer[kept] = buffer[index];
                    kept += 1;
                }
            }
            // 0 would mean the end.
            if kept > 0 || count == 0 {
                return Ok(kept);
            }
        }
    }
}
