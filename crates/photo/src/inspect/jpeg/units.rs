//! Shared parts of the decoders of sequential and of progressive scans.

use super::bits::BitReader;

/// Skips the minimum coded units of a scan.
pub(super) trait UnitSkipper {
    /// Skips one unit. `index` counts the units of the scan.
    fn skip(&mut self, reader: &mut BitReader<'_>, index: usize);

    /// Forgets what restart markers reset.
    fn restart(&mut self) {}
}
