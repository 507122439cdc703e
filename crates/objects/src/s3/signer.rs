//! Signatures of requests (AWS Signature Version 4), made by the SDK's signer.

use std::time::SystemTime;

use aws_sdk_s3::config::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use aws_smithy_runtime_api::client::identity::Identity;
use hyper::header::HeaderValue;
use hyper::{Method, Request};

use super::failure::Failure;

/// Signs requests with one access key.
#[derive(Debug)]
pub(super) struct Signer {
    identity: Identity,
    region: String,
    settings: SigningSettings,
}

impl Signer {
    /// Creates a signer with the settings that S3 requires.
    pub(super) fn new(keys: Credentials, region: &str) -> Self {
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        Self {
            identity: keys.into(),
            region: region.to_owned(),
            settings,
        }
    }

    /// Adds signature and time to the headers of a request, which must have no body unless its method is PUT.
    pub(super) fn sign<B>(&self, request: &mut Request<B>) -> Result<(), Failure> {
        let body = if request.method() == Method::PUT {
            // The checksum header, which is signed, detects damage in transit. Deliberate changes are detected on
            // decryption, so signing a digest of the whole body would add nothing.
            SignableBody::UnsignedPayload
        } else {
            SignableBody::Bytes(&[])
        };
        let invalid = |_| Failure::invalid_request();
        let params = SigningParams::builder()
            .identity(&self.identity)
            .region(&self.region)
            .name("s3")
            .time(SystemTime::now())
            .settings(self.settings.clone())
            .build()
            .map_err(|_| Failure::invalid_request())?
            .into();
        let headers = request.headers().iter();
        let headers =
            headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)));
        let url = request.uri().to_string();
        let signable = SignableRequest::new(request.method().as_str(), url, headers, body);
        let (signature, _) = sign(signable.map_err(invalid)?, &params)
            .map_err(invalid)?
            .into_parts();
        // The signer's own function panics on credentials that no header can hold.
        for header in signature.into_parts().0 {
            let mut value =
                HeaderValue::try_from(header.value()).map_err(|_| Failure::invalid_request())?;
            value.set_sensitive(header.sensitive());
            request.headers_mut().insert(header.name(), value);
        }
        Ok(())
    }
}
