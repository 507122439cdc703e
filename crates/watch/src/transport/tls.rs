//! TLS of the mail server, with the certificates of `JORNADA_SMTP_CA`.

use std::path::Path;

use anyhow::{Context, ensure};
use data_encoding::BASE64;
use lettre::transport::smtp::client::{Certificate, TlsParameters};

/// Marks of a certificate in a PEM file (RFC 7468).
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Ways to verify the mail server.
pub struct ServerTls {
    /// The certificate chain is verified.
    pub verified: TlsParameters,
    /// Only the name and the possession of the key are verified: the certificate must then be one of `own`.
    pub unverified: TlsParameters,
    /// Certificates of `JORNADA_SMTP_CA` (DER).
    pub own: Vec<Vec<u8>>,
}

impl ServerTls {
    /// Reads the certificates. They are accepted beside those of the system.
    pub fn new(host: &str, authority: Option<&Path>) -> anyhow::Result<Self> {
        let own = authority.map(read_certificates).transpose()?;
        let own = own.unwrap_or_default();
        let mut builder = TlsParameters::builder(host.to_owned());
        for der in &own {
            let certificate = Certificate::from_der(der.clone());
            builder = builder.add_root_certificate(
                certificate.context("JORNADA_SMTP_CA: cannot use a certificate")?,
            );
        }
        let unverified =
            TlsParameters::builder(host.to_owned()).dangerous_accept_invalid_certs(true);
        Ok(Self {
            verified: builder
                .build()
                .context("JORNADA_SMTP_CA: cannot use a certificate")?,
            unverified: unverified
                .build()
                .context("JORNADA_SMTP: cannot prepare TLS")?,
            own,
        })
    }
}

fn read_certificates(path: &Path) -> anyhow::Result<Vec<Vec<u8>>> {
    let shown = path.display();
    let pem = std::fs::read_to_string(path)
        .with_context(|| format!("JORNADA_SMTP_CA: cannot read {shown}"))?;
    let certificates: Option<Vec<_>> = pem
        .split(BEGIN)
        .skip(1)
        .map(|rest| {
            let (encoded, _) = rest.split_once(END)?;
            let encoded: String = encoded.split_whitespace().collect();
            BASE64.decode(encoded.as_bytes()).ok()
        })
        .collect();
    let certificates = certificates.unwrap_or_default();
    ensure!(
        !certificates.is_empty(),
        "JORNADA_SMTP_CA: {shown} contains no certificate in PEM format"
    );
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_rejected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let missing = ServerTls::new("mail", Some(&path)).err().unwrap();
        assert!(
            missing
                .to_string()
                .starts_with("JORNADA_SMTP_CA: cannot read")
        );
        let broken = format!("{BEGIN}\n!\n{END}\n");
        let no_certificate = format!("{BEGIN}\nAAAA\n{END}\n");
        for text in ["", "text", BEGIN, &broken, &no_certificate] {
            std::fs::write(&path, text).unwrap();
            let error = ServerTls::new("mail", Some(&path)).err().unwrap();
            assert!(error.to_string().starts_with("JORNADA_SMTP_CA"), "{error}");
        }
        assert!(ServerTls::new("mail", None).is_ok());
    }
}
