//! Output buffer of the scanners: a list of edits of the file, applied once. The file is shared if nothing changes.

use std::ops::Range;

use bytes::Bytes;

/// Edits of a file: ranges to remove or replace, in any order, which never overlap.
pub(super) struct Cut<'a> {
    source: &'a Bytes,
    edits: Vec<Edit>,
}

struct Edit {
    range: Range<usize>,
    with: Box<[u8]>,
}

impl<'a> Cut<'a> {
    pub(super) fn new(source: &'a Bytes) -> Self {
        Self {
            source,
            edits: Vec::new(),
        }
    }

    /// Removes `range` of the source. Adjacent ranges are one edit, however many pieces a hostile file has.
    pub(super) fn remove(&mut self, range: Range<usize>) {
        match self.edits.last_mut() {
            _ if range.is_empty() => {}
            Some(last) if last.range.end == range.start => last.range.end = range.end,
            _ => self.edits.push(Edit {
                range,
                with: Box::default(),
            }),
        }
    }

    /// Replaces `range` of the source by `with`. Free if the bytes are the same.
    pub(super) fn replace(&mut self, range: Range<usize>, with: &[u8]) {
        if with.is_empty() {
            return self.remove(range);
        }
        if self.source.get(range.clone()) != Some(with) {
            self.edits.push(Edit {
                range,
                with: with.into(),
            });
        }
    }

    /// Replaces `range`, and drops the edits within it.
    pub(super) fn replace_all(&mut self, range: Range<usize>, with: &[u8]) {
        for edit in &mut self.edits {
            if edit.range.start < range.start {
                edit.range.end = edit.range.end.min(range.start);
            } else if edit.range.start < range.end {
                edit.with = Box::default();
                edit.range.start = range.end.min(edit.range.end);
            }
        }
        self.edits.retain(|edit| !edit.range.is_empty());
        self.edits.push(Edit {
            range,
            with: with.into(),
        });
    }

    /// Returns the length of the edited source up to `end`.
    pub(super) fn length(&self, end: usize) -> usize {
        let edits = || self.edits.iter().filter(|edit| edit.range.start < end);
        let removed: usize = edits().map(|edit| edit.range.len()).sum();
        end - removed + edits().map(|edit| edit.with.len()).sum::<usize>()
    }

    /// Returns the edited source up to `end`, and then `tail`.
    pub(super) fn finish(mut self, mut end: usize, mut tail: &[u8]) -> Bytes {
        if self.source.get(end..end + tail.len()) == Some(tail) {
            end += tail.len();
            tail = &[];
        }
        self.edits.retain(|edit| edit.range.start < end);
        if self.edits.is_empty() && tail.is_empty() {
            return self.source.slice(..end.min(self.source.len()));
        }
        self.edits.sort_by_key(|edit| edit.range.start);
        let mut out = Vec::with_capacity(self.source.len() + tail.len());
        let mut run = 0;
        for edit in &self.edits {
            out.extend_from_slice(self.source.get(run..edit.range.start).unwrap_or_default());
            out.extend_from_slice(&edit.with);
            run = edit.range.end;
        }
        out.extend_from_slice(self.source.get(run..end).unwrap_or_default());
        out.extend_from_slice(tail);
        Bytes::from(out)
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
        cut.remove(2..2);
        assert_eq!(cut.finish(4, b"e").as_ptr(), source.as_ptr());
    }

    #[test]
    fn runs_are_kept_in_order() {
        let source = Bytes::from_static(b"0123456789");
        let mut cut = Cut::new(&source);
        cut.replace(4..5, b"xyz");
        cut.remove(5..6);
        cut.remove(0..2);
        cut.remove(9..10);
        assert_eq!(cut.length(8), 7);
        assert_eq!(cut.finish(8, b"!"), b"23xyz67!"[..]);
    }

    #[test]
    fn a_range_is_replaced_with_its_edits() {
        let source = Bytes::from_static(b"0123456789");
        let mut cut = Cut::new(&source);
        cut.remove(1..4);
        cut.replace(5..6, b"xyz");
        cut.remove(6..8);
        cut.replace_all(3..7, b"-");
        assert_eq!(cut.finish(10, b""), b"0-89"[..]);
    }
}
