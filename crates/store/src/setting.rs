//! Setting that selects the store.

use std::path::PathBuf;

use secrecy::SecretString;

/// Value of `JORNADA_STORE`.
#[derive(Clone, Debug)]
pub enum StoreSetting {
    /// `sqlite:PATH`.
    Sqlite(PathBuf),
    /// `mongodb://…/DATABASE` or `mongodb+srv://…`, passed to the driver unchanged.
    Mongo(SecretString),
}
