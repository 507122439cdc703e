//! EXIF orientation, the only EXIF field that the image needs.
//! Everything else (place, time, camera, thumbnail) is removed by writing a new EXIF with this field alone.

/// Length of a minimal EXIF: TIFF header, one directory with one entry, no next directory.
const MINIMAL_LENGTH: usize = 26;

/// EXIF orientation, 2 to 8. The default, 1 (as coded), needs no EXIF.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Orientation(u8);

impl Orientation {
    /// Reads the orientation from the first directory of a TIFF structure. Returns `None` if it is 1 or unreadable,
    /// which viewers treat alike.
    pub(super) fn read(tiff: &[u8]) -> Option<Self> {
        // The shortest directory with an entry. The output is therefore never longer than the input.
        if tiff.len() < MINIMAL_LENGTH {
            return None;
        }
        let order = match tiff.first_chunk()? {
            b"II*\0" => ByteOrder::Little,
            b"MM\0*" => ByteOrder::Big,
            _ => return None,
        };
        let start = usize::try_from(order.u32(tiff.get(4..)?)?).ok()?;
        let directory = tiff.get(start..)?;
        let count = usize::from(order.u16(directory)?);
        let entry = directory
            .get(2..)?
            .chunks_exact(12)
            .take(count)
            .find(|entry| order.u16(entry) == Some(0x0112))?;
        // Type 3 (16 bits), one value; viewers ignore any other form.
        let shaped = order.u16(entry.get(2..)?)? == 3 && order.u32(entry.get(4..)?)? == 1;
        let value = u8::try_from(order.u16(entry.get(8..)?)?).ok()?;
        (shaped && (2..=8).contains(&value)).then_some(Self(value))
    }

    /// Returns an EXIF (a TIFF structure, without the `Exif` prefix of JPEG) with the orientation alone.
    pub(super) fn to_exif(self) -> [u8; MINIMAL_LENGTH] {
        let mut tiff = *b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0";
        tiff[18] = self.0;
        tiff
    }
}

/// Byte order of a TIFF structure.
#[derive(Clone, Copy)]
enum ByteOrder {
    Little,
    Big,
}

impl ByteOrder {
    fn u16(self, bytes: &[u8]) -> Option<u16> {
        let read = match self {
            Self::Little => u16::from_le_bytes,
            Self::Big => u16::from_be_bytes,
        };
        bytes.first_chunk().copied().map(read)
    }

    fn u32(self, bytes: &[u8]) -> Option<u32> {
        let read = match self {
            Self::Little => u32::from_le_bytes,
            Self::Big => u32::from_be_bytes,
        };
        bytes.first_chunk().copied().map(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for value in 2..=8 {
            let orientation = Orientation(value);
            assert_eq!(Orientation::read(&orientation.to_exif()), Some(orientation));
        }
    }

    #[test]
    fn big_endian_is_read() {
        let tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        assert_eq!(Orientation::read(tiff), Some(Orientation(6)));
    }

    #[test]
    fn upright_and_unreadable_are_none() {
        for value in [0, 1, 9, 255] {
            assert_eq!(Orientation::read(&Orientation(value).to_exif()), None);
        }
        let whole = Orientation(6).to_exif();
        for length in 0..whole.len() {
            assert_eq!(Orientation::read(&whole[..length]), None);
        }
        for (at, byte) in [(0, b'X'), (4, 200), (12, 4), (14, 2)] {
            let mut broken = whole;
            broken[at] = byte;
            assert_eq!(Orientation::read(&broken), None);
        }
    }
}
