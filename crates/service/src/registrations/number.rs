//! The holder of a number. A number has a first id; each time it is freed, the next id stands for it.

use std::sync::Arc;

use crate::key::InstallationSecret;
use jornada_domain::history::{Deletion, RegistrationHistory};
use jornada_domain::registration::UniqueKey;
use jornada_domain::{Answers, Campaign, RegistrationId};
use jornada_store::{Store, StoreError};

/// Maximum number of ids that are tried for one number. Only staff free one.
pub const MAX_IDS: usize = 32;

/// State of a number: free, or occupied by a registration or tombstone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Nothing.
    Nobody,
    /// A registration with this number.
    Registration(Box<RegistrationHistory>),
    /// A registration that had this number before a correction, or has it as an alias.
    Former {
        /// The registration.
        history: Box<RegistrationHistory>,
        /// Whether it is only an alias.
        is_alias: bool,
    },
    /// A registration that was deleted on request.
    Deleted {
        /// Its id.
        id: RegistrationId,
        /// The deletion.
        deletion: Deletion,
    },
}

/// The holder of a number, and the id that stands for the number once the holder has given it up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberState {
    /// Holder.
    pub holder: Holder,
    /// Id to claim.
    pub next: RegistrationId,
}

impl Holder {
    /// Returns a text that changes with the holder, so that nobody decides about another one than was shown.
    pub fn version(&self) -> String {
        match self {
            Self::Nobody => "-".to_owned(),
            Self::Registration(history) | Self::Former { history, .. } => {
                format!("{}-{}", history.registration.id, history.version)
            }
            Self::Deleted { id, .. } => format!("{id}-deleted"),
        }
    }

    /// Returns the registration, if any.
    pub fn history(&self) -> Option<&RegistrationHistory> {
        match self {
            Self::Registration(history) | Self::Former { history, .. } => Some(history),
            Self::Nobody | Self::Deleted { .. } => None,
        }
    }
}

/// Returns the first id of the number in these answers.
pub fn first_id(
    secret: &InstallationSecret,
    campaign: &Campaign,
    answers: &Answers,
) -> Option<RegistrationId> {
    let answer = campaign.unique_answer(answers)?;
    let key = UniqueKey::Answer(answer.to_owned());
    Some(RegistrationId::derive(secret.expose(), &campaign.id, &key))
}

/// Finds the holder of the number with this first id.
pub async fn find_holder(
    store: &Store,
    secret: &InstallationSecret,
    campaign: &Arc<Campaign>,
    number: RegistrationId,
) -> Result<NumberState, StoreError> {
    let has_number = |history: &RegistrationHistory| {
        first_id(secret, campaign, &history.registration.answers) == Some(number)
    };
    let mut id = number;
    let mut former = None;
    for _ in 0..MAX_IDS {
        let next = id.next_of_number(secret.expose(), &campaign.id);
        let state = |holder, next| Ok(NumberState { holder, next });
        if let Some(history) = store.history(campaign, id).await? {
            let history = Box::new(history);
            if has_number(&history) {
                return state(Holder::Registration(history), next);
            }
            // It keeps this id. Another registration may have the number under the next one.
            former = Some(history);
            id = next;
            continue;
        }
        if let Some(owner) = store.alias_owner(id).await? {
            if let Some(history) = store.history(campaign, owner).await? {
                let history = Box::new(history);
                return if has_number(&history) {
                    state(Holder::Registration(history), id)
                } else {
                    let is_alias = true;
                    state(Holder::Former { history, is_alias }, id)
                };
            }
            if let Some(deletion) = store.deletion(&campaign.id, owner).await? {
                return state(
                    Holder::Deleted {
                        id: owner,
                        deletion,
                    },
                    id,
                );
            }
        }
        match store.deletion(&campaign.id, id).await? {
            Some(deletion) if deletion.cause.frees_number() => id = next,
            Some(deletion) => return state(Holder::Deleted { id, deletion }, next),
            None => break,
        }
    }
    let is_alias = false;
    Ok(NumberState {
        holder: former.map_or(Holder::Nobody, |history| Holder::Former {
            history,
            is_alias,
        }),
        next: id,
    })
}
