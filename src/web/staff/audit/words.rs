//! Texts of the actions in the audit log, in both languages.

use jornada_domain::Lang;
use jornada_domain::staff::audit::AuditAction;

/// Returns the text for the user interface.
pub(super) fn action_words(action: AuditAction, lang: Lang) -> &'static str {
    match action {
        AuditAction::Login => text!(lang, "staff-account-logged-in"),
        AuditAction::LoginFailed => text!(lang, "staff-action-login-failed"),
        AuditAction::LoginRateLimited => text!(lang, "staff-action-login-rate-limited"),
        AuditAction::Logout => text!(lang, "staff-action-logout"),
        AuditAction::PasswordSet => text!(lang, "staff-action-password-set"),
        AuditAction::PasswordChanged => text!(lang, "staff-action-password-changed"),
        AuditAction::SecondFactorEnabled => text!(lang, "staff-action-second-factor-enabled"),
        AuditAction::SecondFactorDisabled => text!(lang, "staff-action-second-factor-disabled"),
        AuditAction::SessionEnded => text!(lang, "staff-action-session-ended"),
        AuditAction::SessionsEnded => text!(lang, "staff-action-sessions-ended"),
        AuditAction::AccountAdded => text!(lang, "staff-action-account-added"),
        AuditAction::AccountChanged => text!(lang, "staff-action-account-changed"),
        AuditAction::AccountLink => text!(lang, "staff-action-account-link"),
        AuditAction::AccountClosed => text!(lang, "staff-action-account-closed"),
        AuditAction::TokenMade => text!(lang, "staff-action-token-made"),
        AuditAction::TokenRevoked => text!(lang, "staff-action-token-revoked"),
        AuditAction::Search => text!(lang, "staff-action-search"),
        AuditAction::ViewRegistration => text!(lang, "staff-action-view-registration"),
        AuditAction::ViewPhoto => text!(lang, "staff-action-view-photo"),
        AuditAction::Print => text!(lang, "staff-action-print"),
        AuditAction::Correct => text!(lang, "staff-action-correct"),
        AuditAction::Delete => text!(lang, "staff-action-delete"),
        AuditAction::Report => text!(lang, "staff-action-report"),
        AuditAction::ReportFile => text!(lang, "staff-action-report-file"),
        AuditAction::Close => text!(lang, "staff-action-close"),
        AuditAction::Reopen => text!(lang, "staff-action-reopen"),
        AuditAction::AuditRead => text!(lang, "staff-action-audit-read"),
        AuditAction::AuditExport => text!(lang, "staff-action-audit-export"),
        AuditAction::AccessDenied => text!(lang, "staff-action-access-denied"),
        AuditAction::PersonExport => text!(lang, "staff-action-person-export"),
        AuditAction::PhotosErased => text!(lang, "staff-action-photos-erased"),
        AuditAction::Sweep => text!(lang, "staff-action-sweep"),
        AuditAction::PhotoAltered => text!(lang, "staff-action-photo-altered"),
        AuditAction::ReportAltered => text!(lang, "staff-action-report-altered"),
        AuditAction::ReportCancelled => text!(lang, "staff-action-report-cancelled"),
    }
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
