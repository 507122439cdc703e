//! Who may see the lists: for now whoever holds a token.

pub mod token;
