//! Huffman codes of JPEG (ITU-T T.81, annexes C and F), read without computing coefficients.

use super::super::InspectionError;
use super::super::picture::ensure;
use super::bits::BitReader;

/// Codes up to this length are found by one look-up.
const PREFIX: u32 = 10;
const PREFIXES: usize = 1 << PREFIX;

/// Advance of the end of a block: beyond every coefficient.
const END_OF_BLOCK: u32 = 64;

/// A Huffman table.
pub(super) struct Codes {
    /// For each prefix the length of its code and its symbol; length 0 if the code is longer.
    short: [(u8, u8); PREFIXES],
    /// For each length the codes below this limit exist; counted from the first code of that length.
    limits: [u32; 17],
    /// For each length what to add to a code for the index of its symbol, wrapping.
    offsets: [u32; 17],
    symbols: Vec<u8>,
}

impl Codes {
    /// Builds a table from its definition: class and number, 16 counts, and the symbols. Rejects what libjpeg rejects:
    /// more codes than a length has, a code of ones alone, and DC symbols above 15.
    pub(super) fn parse(definition: &[u8]) -> Result<Self, InspectionError> {
        let Some(([id, counts @ ..], symbols)) = definition.split_first_chunk::<17>() else {
            return Err(InspectionError::Damaged);
        };
        ensure(id & 0x10 != 0 || symbols.iter().all(|symbol| *symbol < 16))?;
        let mut codes = Self {
            short: [(0, 0); PREFIXES],
            limits: [0; 17],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
        };
        let mut code = 0_u32;
        let mut first = 0_u32;
        for (length, count) in (1_u32..).zip(counts) {
            let count = u32::from(*count);
            let index = length as usize;
            codes.offsets[index] = first.wrapping_sub(code);
            codes.add_short(
                length,
                code,
                symbols.get(first as usize..(first + count) as usize),
            )?;
            code += count;
            first += count;
            ensure(count == 0 || code < 1 << length)?;
            codes.limits[index] = code;
            code <<= 1;
        }
        Ok(codes)
    }

    /// Enters the codes of one length, which begin with `code`.
    fn add_short(
        &mut self,
        length: u32,
        code: u32,
        symbols: Option<&[u8]>,
    ) -> Result<(), InspectionError> {
        let symbols = symbols.ok_or(InspectionError::Damaged)?;
        if length > PREFIX {
            return Ok(());
        }
        let width = 1 << (PREFIX - length);
        let start = (code as usize) << (PREFIX - length);
        let slots = self.short.get_mut(start..start + width * symbols.len());
        let slots = slots.ok_or(InspectionError::Damaged)?;
        for (slots, symbol) in slots.chunks_exact_mut(width).zip(symbols) {
            slots.fill((length.to_le_bytes()[0], *symbol));
        }
        Ok(())
    }

    /// Returns length and symbol of the next code, from filled bits. A code that does not exist is 17 bits and symbol 0,
    /// as in libjpeg, which only warns.
    #[inline]
    pub(super) fn find(&self, reader: &BitReader<'_>) -> (u32, u8) {
        match self.short[reader.peek(PREFIX)] {
            (0, _) => self.find_long(reader),
            (length, symbol) => (length.into(), symbol),
        }
    }

    fn find_long(&self, reader: &BitReader<'_>) -> (u32, u8) {
        for length in PREFIX + 1..=16 {
            let code = u32::try_from(reader.peek(length)).unwrap_or_default();
            if code < self.limits[length as usize] {
                let index = code.wrapping_add(self.offsets[length as usize]);
                return (
                    length,
                    self.symbols
                        .get(index as usize)
                        .copied()
                        .unwrap_or_default(),
                );
            }
        }
        (17, 0)
    }

    /// Reads a symbol.
    #[inline]
    pub(super) fn read(&self, reader: &mut BitReader<'_>) -> u8 {
        reader.fill();
        let (length, symbol) = self.find(reader);
        reader.consume(length);
        symbol
    }

    /// Skips a DC coefficient: its size and as many bits.
    #[inline]
    pub(super) fn skip_dc(&self, reader: &mut BitReader<'_>) {
        reader.fill();
        let (length, size) = self.find(reader);
        reader.consume(length + u32::from(size));
    }
}

/// Skips the AC coefficients of sequential JPEGs, several at a time.
pub(super) struct BlockSkipper {
    codes: Codes,
    steps: Box<[Step; PREFIXES]>,
}

/// Decoded content of a prefix: its first coefficient, and all coefficients whose codes are in it.
#[derive(Clone, Copy, Default)]
struct Step {
    /// Bits of the first code and its coefficient; 0 if the code is longer than the prefix.
    bits: u8,
    advance: u8,
    all_bits: u8,
    /// Advance of all coefficients, without the end of the block, below 64.
    all_advance: u8,
    ends_block: bool,
}

impl BlockSkipper {
    pub(super) fn new(codes: Codes) -> Self {
        let mut steps = Box::new([Step::default(); PREFIXES]);
        for (prefix, step) in steps.iter_mut().enumerate() {
            *step = Step::of(&codes, prefix);
        }
        Self { codes, steps }
    }

    /// Skips the coefficients of a block.
    #[inline]
    pub(super) fn skip_ac(&self, reader: &mut BitReader<'_>) {
        let mut k = 1;
        while k < END_OF_BLOCK {
            reader.fill();
            let step = self.steps[reader.peek(PREFIX)];
            let next = k + u32::from(step.all_advance);
            if next < END_OF_BLOCK && step.bits > 0 {
                reader.consume(step.all_bits.into());
                if step.ends_block {
                    return;
                }
                k = next;
            } else if step.bits > 0 {
                reader.consume(step.bits.into());
                k += u32::from(step.advance);
            } else {
                let (length, symbol) = self.codes.find_long(reader);
                reader.consume(length + u32::from(symbol & 15));
                k += advance(symbol);
            }
        }
    }
}

impl Step {
    fn of(codes: &Codes, prefix: usize) -> Self {
        let mut step = Self::default();
        let mut used = 0_u32;
        while used < PREFIX {
            let (length, symbol) = codes.short[prefix << used & (PREFIXES - 1)];
            if length == 0 || used + u32::from(length) > PREFIX {
                break;
            }
            let by = advance(symbol);
            used += u32::from(length) + u32::from(symbol & 15);
            if step.bits == 0 {
                step.bits = used.to_le_bytes()[0];
                step.advance = by.to_le_bytes()[0];
            }
            if by == END_OF_BLOCK {
                step.all_bits = used.to_le_bytes()[0];
                step.ends_block = true;
                break;
            }
            if u32::from(step.all_advance) + by >= END_OF_BLOCK {
                break;
            }
            step.all_bits = used.to_le_bytes()[0];
            step.all_advance += by.to_le_bytes()[0];
        }
        step
    }
}

/// Returns by how many coefficients a symbol of sequential JPEGs advances: zeros and one other, 16 zeros, or the rest of
/// the block.
fn advance(symbol: u8) -> u32 {
    match (symbol >> 4, symbol & 15) {
        (15, 0) => 16,
        (_, 0) => END_OF_BLOCK,
        (zeros, _) => u32::from(zeros) + 1,
    }
}
