//! Texts of all errors in Spanish and English: what is wrong and how to fix it.

use jiff::Timestamp;

use super::photo::photo_message;
use super::{Error, retry_seconds};
use jornada_domain::{Campaign, Lang};

impl Error {
    /// Returns the problem type for programs; part of version 1 of the API.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoSuchPage => "no-such-page",
            Self::MethodNotAllowed | Self::NoProxy => "method-not-allowed",
            Self::WrongHost => "wrong-host",
            Self::NoSuchCampaign => "no-such-campaign",
            Self::NoSuchValue => "no-such-value",
            Self::NoSuchRegistration => "no-such-registration",
            Self::NoSuchReport => "no-such-report",
            Self::RegistrationDeleted(_) => "registration-removed",
            Self::NotOpen { .. } => "not-open",
            Self::Invalid(_) => "invalid-answers",
            Self::Photo { error: refusal, .. } if refusal.is_too_large() => "too-large",
            Self::Photo { .. } => "invalid-photo",
            Self::AlreadyRegistered { .. } => "already-registered",
            Self::PreviouslyDeleted => "registration-deleted",
            Self::TooLarge | Self::TextTooLarge => "too-large",
            Self::MediaType { .. } => "unsupported-media-type",
            Self::Malformed(_) => "malformed",
            Self::BodyTimeout => "timeout",
            Self::Busy | Self::Unavailable(_) => "unavailable",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::InvalidCsrfToken => "stale-form",
            Self::RateLimited(_) => "too-many-requests",
            Self::TooFast(_) => "too-fast",
            Self::HoneypotFilled => "hidden-field",
            Self::FormExpired => "old-form",
            Self::ProofRequired => "proof-of-work",
            Self::NoSuchLink => "no-such-link",
            Self::Internal(_) => "internal",
        }
    }

    /// Returns a short title.
    #[must_use]
    pub fn title(&self, lang: Lang) -> &'static str {
        match self {
            Self::NoSuchPage => lang.pick("Esta página no existe", "This page does not exist"),
            Self::MethodNotAllowed | Self::NoProxy => {
                lang.pick("Método no permitido", "Method not allowed")
            }
            Self::WrongHost => lang.pick(
                "Este sitio no tiene ese nombre",
                "This site has not that name",
            ),
            Self::NoSuchCampaign => {
                lang.pick("Esta campaña no existe", "This campaign does not exist")
            }
            Self::NoSuchValue => lang.pick("No está en la lista", "It is not in the list"),
            Self::NoSuchRegistration => {
                lang.pick("No hay tal registro", "There is no such registration")
            }
            Self::NoSuchReport => lang.pick("No hay tal lista", "There is no such report"),
            Self::NotOpen { .. } => {
                lang.pick("La campaña no está abierta", "The campaign is not open")
            }
            Self::Invalid(_) => {
                lang.pick("Hay respuestas por corregir", "Some answers need mending")
            }
            Self::Photo { .. } => lang.pick("La foto no sirve", "The photo cannot be used"),
            Self::AlreadyRegistered { .. } => lang.pick("Ya está registrado", "Already registered"),
            Self::PreviouslyDeleted | Self::RegistrationDeleted(_) => lang.pick(
                "Este registro fue eliminado",
                "This registration was deleted",
            ),
            Self::TooLarge => lang.pick("La foto es demasiado grande", "The photo is too large"),
            Self::TextTooLarge => lang.pick("El texto es demasiado largo", "The text is too long"),
            Self::MediaType { .. } => lang.pick("Formato no admitido", "Unsupported media type"),
            Self::Malformed(_) => {
                lang.pick("La solicitud no se entiende", "The request cannot be read")
            }
            Self::BodyTimeout => {
                lang.pick("Tardó demasiado en llegar", "It took too long to arrive")
            }
            Self::Busy | Self::Unavailable(_) => {
                lang.pick("Intente de nuevo en un momento", "Try again in a moment")
            }
            Self::Unauthorized => lang.pick("Solo para el personal", "Staff only"),
            Self::Forbidden => lang.pick("No tiene permiso", "Not allowed"),
            Self::InvalidCsrfToken | Self::FormExpired => {
                lang.pick("El formulario venció", "The form is too old")
            }
            Self::RateLimited(_) => {
                lang.pick("Demasiados envíos seguidos", "Too many requests in a row")
            }
            Self::TooFast(_) => lang.pick("Muy rápido", "Too fast"),
            Self::HoneypotFilled => {
                lang.pick("Se llenó un campo oculto", "A hidden field was filled in")
            }
            Self::ProofRequired => lang.pick("Falta una comprobación", "A check is missing"),
            Self::NoSuchLink => lang.pick("El enlace ya no sirve", "The link is no good any more"),
            Self::Internal(_) => lang.pick("Algo falló", "Something failed"),
        }
    }

    /// Returns what is wrong and how to fix it.
    #[must_use]
    pub fn detail(&self, lang: Lang) -> String {
        match self {
            Self::NotOpen {
                campaign,
                closes_at,
            } => describe_period(campaign, *closes_at, lang),
            Self::RegistrationDeleted(deletion) => lang.pick(
                format!("La administración lo eliminó. Motivo: {}", deletion.reason),
                format!("An administrator deleted it. Reason: {}", deletion.reason),
            ),
            Self::Malformed(what) => lang.pick(
                format!("No se pudo leer la solicitud: {what}. No se guardó nada."),
                format!("The request could not be read: {what}. Nothing was kept."),
            ),
            Self::Photo { error: refusal, .. } => photo_message(refusal, lang),
            Self::RateLimited(wait) => {
                let seconds = retry_seconds(*wait);
                lang.pick(
                    format!("Desde su red llegaron muchas solicitudes. Espere {seconds} segundos e intente de nuevo."),
                    format!("Many requests came from your network. Wait {seconds} seconds and try again."),
                )
            }
            other => other.fixed_detail(lang).to_owned(),
        }
    }

    fn fixed_detail(&self, lang: Lang) -> &'static str {
        match self {
            Self::NoSuchPage => lang.pick("Revise la dirección.", "Check the address."),
            Self::WrongHost => lang.pick("Escriba la dirección como aparece en el anuncio o en su comprobante.", "Type the address as it stands in the announcement or on your receipt."),
            Self::MethodNotAllowed | Self::NoProxy => lang.pick("Esta dirección no admite ese método.", "This address does not take that method."),
            Self::NoSuchCampaign => lang.pick("Revise la dirección: no hay una campaña con ese nombre.", "Check the address: there is no campaign of that name."),
            Self::NoSuchValue => lang.pick("La campaña no tiene ese valor. Escríbalo como en la lista.", "The campaign has no such value. Write it as in the list."),
            Self::NoSuchReport => lang.pick("Las listas se guardan un día, y menos si un registro se corrige o elimina. Pídala otra vez.", "Reports are kept for a day, and less if a registration is corrected or deleted. Ask for it again."),
            Self::NoSuchRegistration => lang.pick("Revise el número del comprobante.", "Check the number on the receipt."),
            Self::Invalid(_) => lang.pick("No se guardó nada. Corrija los campos indicados y envíe de nuevo.", "Nothing was kept. Mend the fields named and send again."),
            Self::AlreadyRegistered { by_key: true } => lang.pick(
                "Este formulario ya se envió con otros datos, y esos datos quedaron registrados. Para registrar a otra persona abra un formulario nuevo.",
                "This form was already sent with other answers, and those are registered. To register another person open a new form.",
            ),
            Self::AlreadyRegistered { by_key: false } => lang.pick(
                "Ya hay un registro con este documento y otros datos. No se cambió nada. Si hay un error, avise al personal de la jornada.",
                "There is already a registration with this document and other answers. Nothing was changed. If that is a mistake, tell the staff.",
            ),
            Self::PreviouslyDeleted => lang.pick(
                "El personal de la jornada eliminó este registro. Enviarlo otra vez no lo trae de vuelta. Si debe estar registrado, avise al personal.",
                "The staff deleted this registration. Sending it again does not bring it back. If you should be registered, tell the staff.",
            ),
            Self::TooLarge => lang.pick("La foto puede tener como máximo 8 MiB. Elija una más pequeña o tómela de nuevo.", "The photo may have at most 8 MiB. Choose a smaller one or take it again."),
            Self::TextTooLarge => lang.pick("Los textos juntos pueden tener como máximo 64 KiB. Acórtelos.", "All texts together may have at most 64 KiB. Shorten them."),
            Self::MediaType { json: true } => lang.pick("Envíe multipart/form-data o application/json.", "Send multipart/form-data or application/json."),
            Self::MediaType { json: false } => lang.pick("Envíe multipart/form-data.", "Send multipart/form-data."),
            Self::BodyTimeout => lang.pick("La conexión es muy lenta. No se guardó nada; intente de nuevo.", "The connection is very slow. Nothing was kept; try again."),
            Self::Busy | Self::Unavailable(_) => lang.pick("Hay mucha gente o una parte del sistema no responde. Sus datos siguen en el formulario: envíelos de nuevo en unos segundos.", "There are many people, or a part of the system does not answer. Your answers are still in the form: send them again in a few seconds."),
            Self::Unauthorized => lang.pick("Entre con su cuenta del personal (/staff/login) o envíe una clave que sirva.", "Log in with your staff account (/staff/login), or send a token that is good."),
            Self::Forbidden => lang.pick("Su cuenta o su clave no sirve para esto. Pídalo a la administración.", "Your account or token is not for this. Ask an administrator."),
            Self::TooFast(_) => lang.pick("El formulario llegó antes de lo que tarda una persona. No se guardó nada: espere unos segundos y envíelo de nuevo.", "The form came sooner than a person can fill it in. Nothing was kept: wait a few seconds and send it again."),
            Self::HoneypotFilled => lang.pick("Algo en su navegador llenó un campo que las personas no ven. No se guardó nada. Ya lo vaciamos: revise sus respuestas y envíe de nuevo.", "Something in your browser filled in a field that people do not see. Nothing was kept. We emptied it: look through your answers and send again."),
            Self::FormExpired => lang.pick("Esta página llevaba demasiado tiempo abierta. No se guardó nada. Cárguela de nuevo, revise sus respuestas y envíelas.", "This page was open for too long. Nothing was kept. Load it again, look through your answers and send them."),
            Self::ProofRequired => lang.pick("Esta campaña pide a su navegador una comprobación contra programas automáticos, y para eso necesita JavaScript. Actívelo, cargue la página de nuevo y envíe; o acérquese al personal de la jornada. No se guardó nada.", "This campaign asks your browser for a check against automatic programs, which needs JavaScript. Turn it on, load the page again and send; or ask the staff. Nothing was kept."),
            Self::InvalidCsrfToken => lang.pick("No se cambió nada. Abra la página de nuevo y repita el cambio.", "Nothing was changed. Open the page again and repeat the change."),
            Self::NoSuchLink => lang.pick("Sirve una sola vez y durante 48 horas. Pida otro a la administración.", "It is good once, and for 48 hours. Ask an administrator for another one."),
            Self::NotOpen { .. } | Self::RegistrationDeleted(_) | Self::Photo { .. } | Self::Malformed(_) | Self::RateLimited(_) | Self::Internal(_) => lang.pick("Fue un error nuestro. Intente de nuevo; si sigue, avise con el número de solicitud.", "It was our fault. Try again; if it goes on, tell us the request number."),
        }
    }
}

fn describe_period(campaign: &Campaign, closes_at: Timestamp, lang: Lang) -> String {
    let local = |at: Timestamp| {
        at.to_zoned(campaign.time_zone.clone())
            .strftime("%Y-%m-%d %H:%M")
            .to_string()
    };
    let (opens, closes) = (local(campaign.opens_at), local(closes_at));
    lang.pick(
        format!("Recibe registros desde {opens} hasta {closes}."),
        format!("It takes registrations from {opens} to {closes}."),
    )
}
