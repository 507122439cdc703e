//! Decryption of a stored file: each chunk is verified before it is passed on, and the whole against its digest.

use std::io::{self, ErrorKind};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

use super::{MAGIC, encrypted_length, next_chunk_length};
use crate::encryption::cipher::{ChunkDecryptor, TAG_BYTES, ZERO_PREFIX};
use crate::encryption::{Encryptor, HEADER_BYTES};
use crate::key::{ObjectKey, ObjectReader};
use crate::{ObjectError, Result};
use jornada_domain::job::ReportFile;

/// Maximum wait for the next bytes of a file.
const STALL_TIMEOUT: Duration = Duration::from_secs(30);

/// Remaining part of a file.
struct DecryptedStream {
    reader: ObjectReader,
    cipher: ChunkDecryptor,
    aad: String,
    digest: Sha256,
    remaining: u64,
    sha256: [u8; 32],
}

impl Encryptor {
    /// Decrypts a stored file of the given length. Reads the first chunk at once: most files have no other, and its
    /// errors are reported before anything is passed on.
    pub(crate) async fn decrypt_file(
        &self,
        key: &ObjectKey,
        (bytes, mut reader): (u64, ObjectReader),
        known: ReportFile,
    ) -> Result<impl Stream<Item = io::Result<Bytes>> + Send + use<>> {
        if bytes != encrypted_length(known.bytes) {
            return Err(ObjectError::Altered);
        }
        let head = read_bytes(&mut reader, HEADER_BYTES).await;
        let head = head.map_err(|error| to_object_error(&error))?;
        let aad = key.to_string();
        let data_key = self.unwrap_data_key(MAGIC, &aad, &head)?;
        let decrypted = DecryptedStream {
            cipher: ChunkDecryptor::new(data_key.expose_secret().into(), &ZERO_PREFIX.into()),
            aad,
            reader,
            digest: Sha256::new(),
            remaining: known.bytes,
            sha256: known.sha256,
        };
        let (first, rest) = decrypted
            .next_and_rest()
            .await
            .map_err(|error| to_object_error(&error))?;
        let rest = stream::try_unfold(rest, async |rest| match rest {
            Some(rest) => rest.next_and_rest().await.map(Some),
            None => Ok(None),
        });
        Ok(stream::iter([Ok(first)]).chain(rest))
    }
}

fn to_object_error(error: &io::Error) -> ObjectError {
    if is_altered(error) {
        ObjectError::Altered
    } else {
        ObjectError::Unavailable(error.kind().to_string())
    }
}

/// Returns whether a stream failed because the file was altered, not because the store did not answer.
pub fn is_altered(error: &io::Error) -> bool {
    error.kind() == ErrorKind::InvalidData
}

impl DecryptedStream {
    async fn next_and_rest(mut self) -> io::Result<(Bytes, Option<Self>)> {
        let (plain, aad) = (next_chunk_length(self.remaining), self.aad.as_bytes());
        let mut chunk = read_bytes(&mut self.reader, plain + TAG_BYTES).await?;
        self.remaining -= plain as u64;
        let altered = |_| io::Error::from(ErrorKind::InvalidData);
        if self.remaining > 0 {
            let decrypted = self.cipher.decrypt_next_in_place(aad, &mut chunk);
            decrypted.map_err(altered)?;
            self.digest.update(&chunk);
            return Ok((chunk.into(), Some(self)));
        }
        let decrypted = self.cipher.decrypt_last_in_place(aad, &mut chunk);
        decrypted.map_err(altered)?;
        if self.digest.chain_update(&chunk).finalize().as_slice() != self.sha256 {
            return Err(ErrorKind::InvalidData.into());
        }
        Ok((chunk.into(), None))
    }
}

async fn read_bytes(reader: &mut ObjectReader, bytes: usize) -> io::Result<Vec<u8>> {
    let mut read = vec![0; bytes];
    let whole = timeout(STALL_TIMEOUT, reader.read_exact(&mut read)).await;
    whole.map_err(|_| ErrorKind::TimedOut)??;
    Ok(read)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Cursor, Read, Seek, Write};

    use uuid::Uuid;

    use super::*;
    use crate::encryption::file::CHUNK_BYTES;
    use crate::encryption::tests::new_key;
    use jornada_domain::CampaignId;
    use jornada_domain::job::ReportFormat;

    const CHUNK: usize = CHUNK_BYTES + TAG_BYTES;

    /// Returns the key of an attempt at the same job.
    fn key(attempt: u32) -> ObjectKey {
        ObjectKey::Report {
            campaign: CampaignId::parse("vacunacion").unwrap(),
            job: Uuid::nil(),
            attempt,
            format: ReportFormat::Csv,
        }
    }

    /// Returns the first `bytes` bytes of a report.
    fn list(bytes: usize) -> Vec<u8> {
        (1..)
            .flat_map(|number| format!("Ana Ejemplo,{number},Cali\r\n").into_bytes())
            .take(bytes)
            .collect()
    }

    fn encrypted(encryptor: &Encryptor, plain: &[u8]) -> (ReportFile, Vec<u8>) {
        let mut file: File = tempfile::tempfile().unwrap();
        file.write_all(plain).unwrap();
        let (known, encrypted) = encryptor.encrypt_file(&key(1), file, || ()).unwrap();
        let (mut file, mut bytes) = (encrypted.file(), Vec::new());
        file.rewind().unwrap();
        file.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes.len() as u64, encrypted.bytes);
        assert_eq!(Sha256::digest(&bytes).as_slice(), encrypted.sha256);
        (known, bytes)
    }

    async fn start(
        encryptor: &Encryptor,
        key: &ObjectKey,
        bytes: &[u8],
        known: ReportFile,
    ) -> Result<impl Stream<Item = io::Result<Bytes>> + use<>> {
        let reading: ObjectReader = Box::pin(Cursor::new(bytes.to_vec()));
        encryptor
            .decrypt_file(key, (bytes.len() as u64, reading), known)
            .await
    }

    /// Returns the file, or the number of bytes that were passed on before it was rejected.
    async fn decrypt(
        encryptor: &Encryptor,
        bytes: &[u8],
        known: ReportFile,
    ) -> Result<Vec<u8>, usize> {
        let mut chunks = match start(encryptor, &key(1), bytes, known).await {
            Ok(chunks) => std::pin::pin!(chunks),
            Err(ObjectError::Altered) => return Err(0),
            Err(error) => panic!("{error}"),
        };
        let mut whole = Vec::new();
        while let Some(chunk) = chunks.next().await {
            match chunk {
                Ok(chunk) => whole.extend(chunk),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::InvalidData);
                    return Err(whole.len());
                }
            }
        }
        Ok(whole)
    }

    /// Returns a file of three chunks, the last one short.
    fn three() -> (Encryptor, ReportFile, Vec<u8>, Vec<u8>) {
        let (encryptor, plain) = (Encryptor::new(new_key(1)), list(2 * CHUNK_BYTES + 100));
        let (known, whole) = encrypted(&encryptor, &plain);
        (encryptor, known, plain, whole)
    }

    #[tokio::test]
    async fn a_file_of_any_length_opens_and_shows_nothing() {
        let encryptor = Encryptor::new(new_key(1));
        for (plain, chunks) in [
            (0, 1),
            (1, 1),
            (CHUNK_BYTES - 1, 1),
            (CHUNK_BYTES, 1),
            (CHUNK_BYTES + 1, 2),
            (3 * CHUNK_BYTES, 3),
            (3 * CHUNK_BYTES + 7, 4),
        ] {
            let plain = list(plain);
            let (known, whole) = encrypted(&encryptor, &plain);
            assert_eq!(known.bytes, plain.len() as u64);
            assert_eq!(whole.len(), HEADER_BYTES + plain.len() + chunks * TAG_BYTES);
            assert_eq!(whole.len() as u64, encrypted_length(known.bytes));
            assert!(!whole.windows(8).any(|part| part == b" Ejemplo"));
            assert!(decrypt(&encryptor, &whole, known).await == Ok(plain));
        }
    }

    #[tokio::test]
    async fn one_that_was_altered_is_refused_where_it_was() {
        let (encryptor, known, plain, whole) = three();
        let (second, third) = (HEADER_BYTES + CHUNK, HEADER_BYTES + 2 * CHUNK);
        for (place, handed_out) in [
            (0, 0),
            (12, 0),
            (HEADER_BYTES - 1, 0),
            (HEADER_BYTES, 0),
            (second - 1, 0),
            (second, CHUNK_BYTES),
            (third, 2 * CHUNK_BYTES),
            (whole.len() - 1, 2 * CHUNK_BYTES),
        ] {
            let mut altered = whole.clone();
            altered[place] ^= 1;
            let told = decrypt(&encryptor, &altered, known).await;
            assert_eq!(told, Err(handed_out), "byte {place}");
        }
        let other = ReportFile {
            sha256: [0; 32],
            ..known
        };
        let told = decrypt(&encryptor, &whole, other).await;
        assert_eq!(told, Err(2 * CHUNK_BYTES), "not of this digest");
        assert!(decrypt(&encryptor, &whole, known).await == Ok(plain));
    }

    #[tokio::test]
    async fn one_that_was_cut_or_made_longer_is_refused() {
        let (encryptor, known, _, whole) = three();
        let third = HEADER_BYTES + 2 * CHUNK;
        let longer = [&whole, &whole[HEADER_BYTES..HEADER_BYTES + CHUNK]].concat();
        for bytes in [&whole[..third], &whole[..whole.len() - 1], &[], &longer] {
            assert_eq!(
                decrypt(&encryptor, bytes, known).await,
                Err(0),
                "{}",
                bytes.len()
            );
        }
        // Even if the stated length matches.
        let told = |bytes| ReportFile { bytes, ..known };
        let cut = decrypt(&encryptor, &whole[..third], told(2 * CHUNK_BYTES as u64)).await;
        assert_eq!(cut, Err(CHUNK_BYTES), "it was not the last chunk");
        let (_, whole) = encrypted(&encryptor, &list(2 * CHUNK_BYTES));
        let longer = [&whole, &whole[HEADER_BYTES..HEADER_BYTES + CHUNK]].concat();
        let longer = decrypt(&encryptor, &longer, told(3 * CHUNK_BYTES as u64)).await;
        assert_eq!(longer, Err(CHUNK_BYTES), "it was the last chunk");
    }

    #[tokio::test]
    async fn what_was_exchanged_is_refused() {
        let (encryptor, known, plain, whole) = three();
        let chunk = |number| HEADER_BYTES + number * CHUNK..HEADER_BYTES + (number + 1) * CHUNK;
        let (head, first, second) = (&whole[..HEADER_BYTES], &whole[chunk(0)], &whole[chunk(1)]);
        let last = &whole[HEADER_BYTES + 2 * CHUNK..];
        let reordered = [head, second, first, last].concat();
        assert_eq!(decrypt(&encryptor, &reordered, known).await, Err(0));
        let doubled = [head, first, first, last].concat();
        assert_eq!(decrypt(&encryptor, &doubled, known).await, Err(CHUNK_BYTES));
        let (_, again) = encrypted(&encryptor, &plain);
        assert!(again != whole, "each has a data key of its own");
        let mixed = [head, first, &again[chunk(1)], last].concat();
        assert_eq!(decrypt(&encryptor, &mixed, known).await, Err(CHUNK_BYTES));
        let told = start(&encryptor, &key(2), &whole, known).await.map(drop);
        assert!(matches!(told, Err(ObjectError::Altered)), "of another file");
    }

    #[tokio::test]
    async fn a_key_that_is_missing_is_told_from_an_altered_file() {
        let two = new_key(2);
        let (known, whole) = encrypted(&Encryptor::new(two.clone()), b"Ana Ejemplo");
        let (encryptor, id) = (Encryptor::new(new_key(1)), two.id());
        let told = start(&encryptor, &key(1), &whole, known).await.map(drop);
        assert!(matches!(told, Err(ObjectError::UnknownKey(told)) if told == id));
        encryptor.add_key(two);
        assert_eq!(
            decrypt(&encryptor, &whole, known).await.unwrap(),
            b"Ana Ejemplo"
        );
    }

    #[tokio::test]
    async fn one_that_is_not_sealed_is_refused() {
        let (encryptor, known, plain, whole) = three();
        assert_eq!(decrypt(&encryptor, &plain, known).await, Err(0));
        // Even with the length of an encrypted file.
        let mut longer = plain;
        longer.resize(whole.len(), b' ');
        assert_eq!(decrypt(&encryptor, &longer, known).await, Err(0));
    }
}
