//! Texts of the actions in the audit log, in both languages.

use crate::domain::Lang;
use crate::domain::staff::audit::Action;

/// Returns the text for the user interface.
pub(super) fn action_words(action: Action, lang: Lang) -> &'static str {
    let (es, en) = match action {
        Action::Login => ("Entró", "Logged in"),
        Action::LoginFailed => ("No pudo entrar", "Failed to log in"),
        Action::LoginSlowed => ("Debió esperar para entrar", "Had to wait to log in"),
        Action::Logout => ("Salió", "Logged out"),
        Action::PasswordSet => (
            "Puso una contraseña con un enlace",
            "Set a password by a link",
        ),
        Action::PasswordChanged => ("Cambió su contraseña", "Changed their password"),
        Action::SecondOn => ("Activó el segundo paso", "Switched the second step on"),
        Action::SecondOff => ("Desactivó el segundo paso", "Switched the second step off"),
        Action::SessionEnded => ("Cerró una sesión", "Ended a session"),
        Action::SessionsEnded => ("Cerró todas las sesiones", "Ended all sessions"),
        Action::AccountAdded => ("Agregó una cuenta", "Added an account"),
        Action::AccountChanged => ("Cambió una cuenta", "Changed an account"),
        Action::AccountLink => ("Creó un enlace de contraseña", "Made a password link"),
        Action::AccountClosed => ("Cerró una cuenta", "Closed an account"),
        Action::TokenMade => ("Creó una clave", "Made a token"),
        Action::TokenRevoked => ("Revocó una clave", "Revoked a token"),
        Action::Search => ("Buscó registros", "Searched registrations"),
        Action::Look => ("Vio un registro", "Looked at a registration"),
        Action::Photo => ("Vio una foto", "Looked at a photo"),
        Action::Print => ("Imprimió un registro", "Printed a registration"),
        Action::Correct => ("Corrigió un registro", "Corrected a registration"),
        Action::Delete => ("Borró un registro", "Deleted a registration"),
        Action::Report => ("Pidió una lista", "Asked for a list"),
        Action::ReportFile => ("Descargó una lista", "Downloaded a list"),
        Action::Close => ("Cerró una campaña", "Closed a campaign"),
        Action::Reopen => ("Reabrió una campaña", "Reopened a campaign"),
        Action::AuditRead => ("Leyó la auditoría", "Read the audit"),
        Action::AuditExport => ("Descargó la auditoría", "Downloaded the audit"),
        Action::Refused => (
            "Pidió algo que no le corresponde",
            "Asked for what is not theirs",
        ),
        Action::PersonExport => ("Sacó todo lo de una persona", "Took out all of one person"),
        Action::PhotosErased => ("Borró fotos vencidas", "Erased photos that were over"),
        Action::Sweep => ("Borró lo vencido", "Swept away what was over"),
        Action::PhotoAltered => ("Encontró una foto alterada", "Met an altered photo"),
        Action::ReportAltered => ("Encontró una lista alterada", "Met an altered list"),
        Action::ReportCancelled => ("Canceló una lista", "Cancelled a list"),
    };
    lang.pick(es, en)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_has_words_of_its_own() {
        for lang in [Lang::Es, Lang::En] {
            let words: BTreeSet<_> = Action::ALL.map(|action| action_words(action, lang)).into();
            assert_eq!(words.len(), Action::ALL.len());
        }
    }
}
