//! Which store is used.

use std::path::PathBuf;

use secrecy::SecretString;

/// `JORNADA_STORE`.
#[derive(Clone, Debug)]
pub enum StoreSetting {
    /// `sqlite:PATH`.
    Sqlite(PathBuf),
    /// `mongodb://…/DATABASE` or `mongodb+srv://…`, whole, as the driver reads it.
    Mongo(SecretString),
}
