//! Texts of the actions in the audit log, in both languages.

use crate::domain::Lang;
use crate::domain::staff::audit::AuditAction;

/// Returns the text for the user interface.
pub(super) fn action_words(action: AuditAction, lang: Lang) -> &'static str {
    let (es, en) = match action {
        AuditAction::Login => ("Entró", "Logged in"),
        AuditAction::LoginFailed => ("No pudo entrar", "Failed to log in"),
        AuditAction::LoginRateLimited => ("Debió esperar para entrar", "Had to wait to log in"),
        AuditAction::Logout => ("Salió", "Logged out"),
        AuditAction::PasswordSet => (
            "Puso una contraseña con un enlace",
            "Set a password by a link",
        ),
        AuditAction::PasswordChanged => ("Cambió su contraseña", "Changed their password"),
        AuditAction::SecondFactorEnabled => {
            ("Activó el segundo paso", "Switched the second step on")
        }
        AuditAction::SecondFactorDisabled => {
            ("Desactivó el segundo paso", "Switched the second step off")
        }
        AuditAction::SessionEnded => ("Cerró una sesión", "Ended a session"),
        AuditAction::SessionsEnded => ("Cerró todas las sesiones", "Ended all sessions"),
        AuditAction::AccountAdded => ("Agregó una cuenta", "Added an account"),
        AuditAction::AccountChanged => ("Cambió una cuenta", "Changed an account"),
        AuditAction::AccountLink => ("Creó un enlace de contraseña", "Made a password link"),
        AuditAction::AccountClosed => ("Cerró una cuenta", "Closed an account"),
        AuditAction::TokenMade => ("Creó una clave", "Made a token"),
        AuditAction::TokenRevoked => ("Revocó una clave", "Revoked a token"),
        AuditAction::Search => ("Buscó registros", "Searched registrations"),
        AuditAction::ViewRegistration => ("Vio un registro", "Looked at a registration"),
        AuditAction::ViewPhoto => ("Vio una foto", "Looked at a photo"),
        AuditAction::Print => ("Imprimió un registro", "Printed a registration"),
        AuditAction::Correct => ("Corrigió un registro", "Corrected a registration"),
        AuditAction::Delete => ("Borró un registro", "Deleted a registration"),
        AuditAction::Report => ("Pidió una lista", "Asked for a list"),
        AuditAction::ReportFile => ("Descargó una lista", "Downloaded a list"),
        AuditAction::Close => ("Cerró una campaña", "Closed a campaign"),
        AuditAction::Reopen => ("Reabrió una campaña", "Reopened a campaign"),
        AuditAction::AuditRead => ("Leyó la auditoría", "Read the audit"),
        AuditAction::AuditExport => ("Descargó la auditoría", "Downloaded the audit"),
        AuditAction::AccessDenied => (
            "Pidió algo que no le corresponde",
            "Asked for what is not theirs",
        ),
        AuditAction::PersonExport => ("Sacó todo lo de una persona", "Took out all of one person"),
        AuditAction::PhotosErased => ("Borró fotos vencidas", "Erased photos that were over"),
        AuditAction::Sweep => ("Borró lo vencido", "Swept away what was over"),
        AuditAction::PhotoAltered => ("Encontró una foto alterada", "Met an altered photo"),
        AuditAction::ReportAltered => ("Encontró una lista alterada", "Met an altered list"),
        AuditAction::ReportCancelled => ("Canceló una lista", "Cancelled a list"),
    };
    lang.pick(es, en)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use strum::VariantArray;

    use super::*;

    #[test]
    fn every_action_has_words_of_its_own() {
        for lang in [Lang::Es, Lang::En] {
            let words: BTreeSet<_> = AuditAction::VARIANTS
                .iter()
                .map(|action| action_words(*action, lang))
                .collect();
            assert_eq!(words.len(), AuditAction::VARIANTS.len());
        }
    }
}
