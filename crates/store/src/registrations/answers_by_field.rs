//! Sorts answers by name into the order of the campaign's fields.

use jornada_domain::{Answers, Campaign};

/// Answers in the order of the fields, as far as they are read.
pub(crate) struct AnswersByField<'c> {
    campaign: &'c Campaign,
    values: Vec<Option<String>>,
    next: usize,
}

impl<'c> AnswersByField<'c> {
    pub(crate) fn new(campaign: &'c Campaign) -> Self {
        Self {
            campaign,
            values: vec![None; campaign.fields.len()],
            next: 0,
        }
    }

    /// Adds one answer; ignores a field that the campaign no longer has.
    pub(crate) fn put(&mut self, name: &str, text: String) {
        // Answers are stored in the order of the fields: the next field is nearly always the right one.
        let fields = &self.campaign.fields;
        let indexes = (self.next..fields.len()).chain(0..self.next);
        if let Some(place) = indexes
            .into_iter()
            .find(|place| fields[*place].name == name)
        {
            self.values[place] = Some(text);
            self.next = place + 1;
        }
    }

    pub(crate) fn into_answers(self) -> Answers {
        Answers::from_stored(self.values)
    }
}
