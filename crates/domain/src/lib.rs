//! Rules of campaigns, answers, registrations, reports and staff. Pure: no clock, network or files.
//! Knows neither HTTP nor the store. Start reading at [`Campaign`] and [`Answers`].

pub mod answers;
pub mod campaign;
mod campaign_id;
pub mod choice;
pub mod consent;
pub mod day_range;
pub mod dead_letter;
pub mod dispute;
pub mod document;
pub mod early_closure;
pub mod field;
pub mod history;
pub mod idempotency_key;
pub mod job;
pub mod json_object;
pub mod lang;
pub mod moment;
pub mod person_name;
pub mod place;
pub mod queue_record;
pub mod reason;
pub mod registration;
pub mod selection;
pub mod similar;
pub mod staff;
pub mod tally;
pub mod text;
pub mod validation_error;
pub mod vote;

pub use answers::{Answers, FormData};
pub use campaign::Campaign;
pub use campaign_id::CampaignId;
pub use dead_letter::{DeadLetter, DeadLetterId, DeadLetterReason};
pub use field::{Field, FieldKind};
pub use idempotency_key::IdempotencyKey;
pub use job::{JobState, ReportJob};
pub use lang::{Lang, LocalizedText};
pub use queue_record::QueueRecord;
pub use registration::{ReceiptNumber, Registration, RegistrationId};
pub use selection::RegistrationSelection;
pub use tally::Tally;
pub use validation_error::{FieldError, RejectionReason, ValidationError};
pub use vote::{Door, Vote};

pub use jornada_photo::PhotoFormat;
