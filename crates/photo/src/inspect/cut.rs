//! Output buffer of the scanners: copies the kept parts of a file in long runs, or nothing if everything is kept.
//! Uses at most one extra buffer of the file's size, however many pieces a hostile file has.

use std::ops::Range;

use bytes::Bytes;

/// Copies a file without the removed ranges. Ranges are given in order and never overlap.
pub(super) struct Cut<'a> {
    source: &'a Bytes,
    /// `None` while the output equals the source.
    out: Option<Vec<u8>>,
    /// Start of the kept bytes that are not yet copied.
    run: usize,
}

impl<'a> Cut<'a> {
    pub(super) fn new(source: &'a Bytes) -> Self {
        Self {
            source,
            out: None,
            run: 0,
        }
    }

    /// Removes `range` of the source.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        self.replace(range, &[]);
    }

    /// Replaces `range` of the source by `with`. Free if the bytes are the same.
    pub(super) fn replace(&mut self, range: Range<usize>, with: &[u8]) {
        if self.source.get(range.clone()) == Some(with) {
            return;
        }
        let unchanged = self.source.get(self.run..range.start).unwrap_or_default();
        let out = self
            .out
            .get_or_insert_with(|| Vec::with_capacity(self.source.len()));
        out.extend_from_slice(unchanged);
        out.extend_from_slice(with);
        self.run = range.end;
    }

    /// Returns the length of the output if it ends at `end` of the source.
    pub(super) fn length(&self, end: usize) -> usize {
        self.out.as_ref().map_or(0, Vec::len) + end.saturating_sub(self.run)
    }

    /// Returns the output up to `end` of the source; drops the rest.
    pub(super) fn finish(self, end: usize) -> Bytes {
        let Some(mut out) = self.out else {
            return self.source.slice(..end.min(self.source.len()));
        };
        out.extend_from_slice(self.source.get(self.run..end).unwrap_or_default());
        Bytes::from(out)
    }

    /// Returns the output up to `end`, with its first bytes replaced by `head`. They must not have been cut.
    pub(super) fn finish_with_head(mut self, head: &[u8], end: usize) -> Bytes {
        if self.out.is_none() {
            self.replace(0..head.len(), head);
            return self.finish(end);
        }
        if let Some(old) = self.out.as_mut().and_then(|out| out.get_mut(..head.len())) {
            old.copy_from_slice(head);
        }
        self.finish(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_whole_is_not_copied() {
        let source = Bytes::from_static(b"abcdef");
        let mut cut = Cut::new(&source);
        cut.replace(1..3, b"bc");
        assert_eq!(cut.finish(5).as_ptr(), source.as_ptr());
    }

    #[test]
    fn runs_are_kept_in_order() {
        let source = Bytes::from_static(b"0123456789");
        let mut cut = Cut::new(&source);
        cut.remove(0..2);
        cut.replace(4..5, b"xyz");
        cut.remove(5..6);
        assert_eq!(cut.length(9), 8);
        assert_eq!(cut.finish(9), b"23xyz678"[..]);
    }

    #[test]
    fn the_head_is_written_last() {
        let source = Bytes::from_static(b"0123456789");
        let mut cut = Cut::new(&source);
        cut.remove(4..6);
        assert_eq!(cut.finish_with_head(b"ab", 9), b"ab23678"[..]);
        let unchanged = Cut::new(&source).finish_with_head(b"01", 9);
        assert_eq!(unchanged.as_ptr(), source.as_ptr());
        assert_eq!(Cut::new(&source).finish_with_head(b"ab", 4), b"ab23"[..]);
    }
}
