//! The SDK's client, for buckets, listings and report files, and its errors.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Credentials, Region, RequestChecksumCalculation, ResponseChecksumValidation,
    SharedHttpClient, StalledStreamProtectionConfig,
};
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use futures_util::FutureExt;
use secrecy::ExposeSecret;

use super::failure::service_error;
use super::http::CONNECT_TIMEOUT;
use super::object_client::{ATTEMPT_TIMEOUT, MAX_ATTEMPTS, OPERATION_TIMEOUT};
use crate::error::{ObjectError, Result};
use crate::setting::S3Setting;

/// Creates the client. Does not connect yet.
pub(super) fn build_client(setting: &S3Setting) -> Client {
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(build_http_client(setting))
        .region(Region::new(setting.region.clone()))
        .credentials_provider(credentials(setting))
        .timeout_config(timeouts(ATTEMPT_TIMEOUT, OPERATION_TIMEOUT))
        // The timeouts limit every attempt, and measuring the throughput of each body costs as much as reading it.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .retry_config(RetryConfig::standard().with_max_attempts(MAX_ATTEMPTS))
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired);
    if let Some(endpoint) = &setting.endpoint {
        config = config
            .endpoint_url(endpoint.as_str())
            .force_path_style(true);
    }
    Client::from_conf(config.build())
}

/// Returns the access key of the settings.
pub(super) fn credentials(setting: &S3Setting) -> Credentials {
    let session = setting.session_token.as_ref();
    Credentials::new(
        &setting.access_key,
        setting.secret_key.expose_secret(),
        session.map(|token| token.expose_secret().to_owned()),
        None,
        "environment",
    )
}

/// Returns the URL of the bucket as the SDK builds it: the bucket is part of the host on AWS, of the path elsewhere.
/// Returns `None` if bucket or region are invalid.
pub(super) fn bucket_url(setting: &S3Setting) -> Option<String> {
    let endpoint = setting.endpoint.as_ref();
    let params = Params::builder()
        .bucket(&setting.bucket)
        .region(&setting.region)
        .set_endpoint(endpoint.map(ToString::to_string))
        .force_path_style(endpoint.is_some())
        .build();
    let (rules, params) = (DefaultResolver::new(), params.ok()?);
    let resolved = ResolveEndpoint::resolve_endpoint(&rules, &params).now_or_never()?;
    Some(resolved.ok()?.url().trim_end_matches('/').to_owned())
}

/// Returns the timeouts of a request: of each attempt, and of all together.
pub(super) fn timeouts(attempt: Duration, operation: Duration) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(attempt)
        .operation_timeout(operation)
        .build()
}

fn build_http_client(setting: &S3Setting) -> SharedHttpClient {
    let builder = aws_smithy_http_client::Builder::new();
    let plain = setting
        .endpoint
        .as_ref()
        .is_some_and(|endpoint| endpoint.scheme() == "http");
    // Loading the root certificates takes tens of milliseconds; skip it for plain HTTP.
    if plain {
        builder.build_http()
    } else {
        builder
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https()
    }
}

/// Returns `None` if the object or bucket does not exist.
pub(super) fn if_exists<T, E>(result: Result<T, SdkError<E>>) -> Result<Option<T>>
where
    E: ProvideErrorMetadata,
{
    match result {
        Err(SdkError::ServiceError(error)) if error.raw().status().as_u16() == 404 => Ok(None),
        result => result.map(Some).map_err(to_object_error),
    }
}

/// Converts an error by its code alone: the messages of S3 repeat the key.
pub(super) fn to_object_error<E: ProvideErrorMetadata>(error: SdkError<E>) -> ObjectError {
    match error {
        SdkError::TimeoutError(_) => ObjectError::timed_out(),
        SdkError::DispatchFailure(_) => ObjectError::Unavailable("cannot connect".into()),
        SdkError::ResponseError(_) => ObjectError::Unavailable("invalid response".into()),
        SdkError::ServiceError(service) => {
            service_error(service.raw().status().as_u16(), service.err().code())
        }
        _ => ObjectError::Failed("cannot build the request".into()),
    }
}
