//! ICC profiles (ICC.1:2022): keeps the tags that define colours, rebuilt from their values. Names, texts, dates, serial
//! numbers and data outside the tags are removed.

/// Maximum length of a profile.
const MAX_LENGTH: usize = 64 * 1024;

const HEADER: usize = 128;

/// Maximum number of tags that are looked at; profiles have about 20.
const MAX_TAGS: usize = 100;

/// Tags that browsers use to convert colours.
const COLOUR_TAGS: [&[u8; 4]; 14] = [
    b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"wtpt", b"bkpt", b"chad",
    b"cicp", b"A2B0", b"A2B1", b"A2B2",
];

/// Tags without which a profile defines nothing, by colour space.
const REQUIRED_TAGS: [(&[u8; 4], &[&[u8; 4]]); 6] = [
    (
        b"RGB ",
        &[b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"],
    ),
    (b"RGB ", &[b"A2B0"]),
    (b"RGB ", &[b"cicp"]),
    (b"GRAY", &[b"kTRC"]),
    (b"GRAY", &[b"A2B0"]),
    (b"CMYK", &[b"A2B0"]),
];

/// White point of the profile connection space (D50).
const ILLUMINANT: &[u8] = b"\0\0\xF6\xD6\0\x01\0\0\0\0\xD3\x2D";

type Tag = ([u8; 4], Vec<u8>);

/// Returns the profile with its colours alone, or `None` if it is damaged, too large or without colours. Reducing the
/// result again changes nothing.
pub(super) fn reduce(profile: &[u8]) -> Option<Vec<u8>> {
    let length = be32(profile, 0)?;
    let profile = profile.get(..length)?;
    let header: &[u8; HEADER] = profile.first_chunk()?;
    let space = field(header, 16);
    let is_known = header[36..40] == *b"acsp"
        && matches!(header[8], 2..=4)
        && matches!(field(header, 12), b"mntr" | b"scnr" | b"prtr" | b"spac")
        && matches!(field(header, 20), b"XYZ " | b"Lab ");
    let tags = read_tags(profile)?;
    let has = |name: &&[u8; 4]| tags.iter().any(|(tag, _)| tag == *name);
    let defines_colours = REQUIRED_TAGS
        .iter()
        .any(|(of, names)| *of == space && names.iter().all(has));
    if !is_known || !defines_colours {
        return None;
    }
    let reduced = write(header, &tags)?;
    (reduced.len() <= MAX_LENGTH).then_some(reduced)
}

/// Reads the first of each colour tag.
fn read_tags(profile: &[u8]) -> Option<Vec<Tag>> {
    let count = be32(profile, HEADER)?;
    if count > MAX_TAGS {
        return None;
    }
    let mut tags: Vec<Tag> = Vec::new();
    for entry in profile
        .get(HEADER + 4..)?
        .get(..12 * count)?
        .chunks_exact(12)
    {
        let name = *entry.first_chunk()?;
        if !COLOUR_TAGS.contains(&&name) || tags.iter().any(|(tag, _)| *tag == name) {
            continue;
        }
        let start = be32(entry, 4)?;
        let value = profile.get(start..start.checked_add(be32(entry, 8)?)?)?;
        tags.push((name, read_value(value)?));
    }
    Some(tags)
}

/// Returns the value of a tag, exactly as long as its type says, with reserved bytes zero.
fn read_value(value: &[u8]) -> Option<Vec<u8>> {
    let kind = value.first_chunk()?;
    let count = |at: usize| value.get(at).map(|count| usize::from(*count));
    let (length, reserved) = match kind {
        b"XYZ " => (20, 4..8),
        b"curv" => (12 + be32(value, 8)?.checked_mul(2)?, 4..8),
        b"para" => {
            let parameters = *[1, 3, 4, 5, 7].get(usize::from(be16(value, 8)?))?;
            (12 + 4 * parameters, 10..12)
        }
        b"sf32" => (44, 4..8),
        b"cicp" => (12, 4..8),
        b"mft1" | b"mft2" => {
            let (inputs, outputs, points) = (count(8)?, count(9)?, count(10)?);
            let grid = points.checked_pow(u32::try_from(inputs).ok()?)?;
            let (start, wide, rows) = match kind {
                b"mft1" => (48, 1, (256, 256)),
                _ => (52, 2, (be16(value, 48)?.into(), be16(value, 50)?.into())),
            };
            let cells = grid.checked_mul(outputs)?;
            let cells = cells.checked_add(inputs * rows.0 + outputs * rows.1)?;
            (cells.checked_mul(wide)?.checked_add(start)?, 11..12)
        }
        _ => return None,
    };
    let mut value = value.get(..length)?.to_vec();
    value[4..8].fill(0);
    value[reserved].fill(0);
    Some(value)
}

/// Writes a profile. Tags with the same value share it.
fn write(header: &[u8; HEADER], tags: &[Tag]) -> Option<Vec<u8>> {
    let mut out = vec![0; HEADER];
    out[8..10].copy_from_slice(&header[8..10]);
    out[12..24].copy_from_slice(&header[12..24]);
    out[36..40].copy_from_slice(b"acsp");
    // Rendering intent, 0 to 3.
    out[67] = header[67] & 3;
    out[68..80].copy_from_slice(ILLUMINANT);
    out.extend(u32::try_from(tags.len()).ok()?.to_be_bytes());
    let mut data = Vec::new();
    let mut places: Vec<(&[u8], u32)> = Vec::new();
    let begin = out.len() + 12 * tags.len();
    for (name, value) in tags {
        let known = places.iter().find(|(other, _)| other == value);
        let place = if let Some((_, place)) = known {
            *place
        } else {
            let place = u32::try_from(begin + data.len()).ok()?;
            data.extend_from_slice(value);
            data.resize(data.len().next_multiple_of(4), 0);
            places.push((value, place));
            place
        };
        out.extend(name);
        out.extend(place.to_be_bytes());
        out.extend(u32::try_from(value.len()).ok()?.to_be_bytes());
    }
    out.extend(data);
    let length = u32::try_from(out.len()).ok()?;
    out[..4].copy_from_slice(&length.to_be_bytes());
    Some(out)
}

fn field(header: &[u8; HEADER], at: usize) -> &[u8; 4] {
    header[at..].first_chunk().unwrap_or(b"    ")
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes
        .get(at..)?
        .first_chunk()
        .copied()
        .map(u16::from_be_bytes)
}

fn be32(bytes: &[u8], at: usize) -> Option<usize> {
    let value = bytes
        .get(at..)?
        .first_chunk()
        .copied()
        .map(u32::from_be_bytes)?;
    usize::try_from(value).ok()
}
