//! Answers read back by name, put into the places of the campaign's fields.

use crate::domain::{Answers, Campaign};

/// Answers on their way from names to places.
pub(super) struct Placed<'c> {
    campaign: &'c Campaign,
    values: Vec<Option<String>>,
    next: usize,
}

impl<'c> Placed<'c> {
    pub(super) fn new(campaign: &'c Campaign) -> Self {
        Self {
            campaign,
            values: vec![None; campaign.fields.len()],
            next: 0,
        }
    }

    /// Puts one answer; one to a question that the campaign no longer asks is left out.
    pub(super) fn put(&mut self, name: &str, text: String) {
        // Answers were written in the order of the fields: the place is nearly always just ahead.
        let fields = &self.campaign.fields;
        let ahead = (self.next..fields.len()).chain(0..self.next);
        if let Some(place) = ahead.into_iter().find(|place| fields[*place].name == name) {
            self.values[place] = Some(text);
            self.next = place + 1;
        }
    }

    pub(super) fn answers(self) -> Answers {
        Answers::from_kept(self.values)
    }
}
