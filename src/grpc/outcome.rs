//! Outcomes of votes, as messages.

use jornada_proto::v1::{Outcome, Status, Violation};

use crate::web::error::problem::FieldProblem;
use jornada_domain::Lang;
use jornada_service::votes::{CastError, CastStatus, CastVote};

/// Describes what became of vote number `index`.
pub fn outcome(index: u64, cast: &Result<CastVote, CastError>, lang: Lang) -> Outcome {
    let (id, status, violations) = match cast {
        Ok(CastVote { id, status }) => {
            let status = match status {
                CastStatus::Stored => Status::Stored,
                CastStatus::AlreadyStored => Status::AlreadyStored,
                CastStatus::Queued => Status::Queued,
            };
            (id.to_string(), status, Vec::new())
        }
        Err(CastError::Invalid(errors)) => {
            let problems = FieldProblem::from_field_errors(errors, lang);
            let violations = problems.into_iter().map(|problem| Violation {
                field: problem.field,
                code: problem.code.to_owned(),
                description: problem.message,
            });
            (String::new(), Status::Invalid, violations.collect())
        }
        Err(CastError::Conflict) => (String::new(), Status::Conflict, Vec::new()),
        Err(CastError::NotOpen { .. } | CastError::Busy | CastError::Store(_)) => {
            (String::new(), Status::Unavailable, Vec::new())
        }
    };
    Outcome {
        index,
        id,
        status: status.into(),
        violations,
    }
}
