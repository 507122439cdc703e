//! Errors of accounts, photos and reports as errors of the web.

use super::Error;
use jornada_objects::ObjectError;
use jornada_service::registrations::photo_repository::PhotoError;
use jornada_service::reports::ReportError;
use jornada_service::staff::AccountsError;
use jornada_service::staff::password::PasswordError;

impl From<AccountsError> for Error {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::Store(error) => error.into(),
            AccountsError::Password(PasswordError::Busy) | AccountsError::Contended => Self::Busy,
            AccountsError::Password(PasswordError::Failed(_)) | AccountsError::Randomness(_) => {
                Self::Internal(error.into())
            }
        }
    }
}

impl From<PasswordError> for Error {
    fn from(error: PasswordError) -> Self {
        AccountsError::from(error).into()
    }
}

impl From<getrandom::Error> for Error {
    fn from(error: getrandom::Error) -> Self {
        AccountsError::from(error).into()
    }
}

impl From<PhotoError> for Error {
    fn from(error: PhotoError) -> Self {
        match error {
            PhotoError::Store(error) => error.into(),
            PhotoError::Objects(ObjectError::Unavailable(_)) | PhotoError::BufferFull => {
                Self::Unavailable(error.into())
            }
            PhotoError::Objects(
                ObjectError::Failed(_) | ObjectError::UnknownKey(_) | ObjectError::Altered,
            ) => Self::Internal(error.into()),
        }
    }
}

impl From<ReportError> for Error {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Busy => Self::Busy,
            ReportError::Store(error) => error.into(),
            ReportError::RowsMissing { .. }
            | ReportError::File(_)
            | ReportError::Workbook(_)
            | ReportError::Cancelled
            | ReportError::WriterFailed => Self::Internal(error.into()),
        }
    }
}
