use aws_sdk_s3::presigning::PresigningConfig;
use hyper::Uri;
use url::Url;

use super::*;
use crate::s3::sdk::{bucket_url, build_client, credentials};
use crate::setting::S3Setting;

const HOUR: Duration = Duration::from_hours(1);

fn setting(bucket: &str, endpoint: &str, region: &str) -> S3Setting {
    S3Setting {
        bucket: bucket.into(),
        endpoint: Url::parse(endpoint).ok(),
        region: region.into(),
        access_key: "the-access-key".into(),
        secret_key: "the-secret-key".into(),
        session_token: Some("the-token".into()),
    }
}

fn client(setting: &S3Setting) -> ObjectClient {
    let signer = Signer::new(credentials(setting), &setting.region);
    let url = bucket_url(setting).unwrap();
    // Without TLS, so that the test needs no root certificates.
    let http = build_http_client(false).unwrap();
    ObjectClient {
        http,
        signer: Arc::new(signer),
        bucket_url: url,
    }
}

fn signed(setting: &S3Setting) -> Result<Request<()>, Failure> {
    let request = client(setting).request(Method::PUT, "a/key");
    let mut request = request
        .header(CONTENT_LENGTH, 7)
        .header("x-amz-checksum-crc32", "AAAAAA==")
        .body(())
        .unwrap();
    client(setting).signer.sign(&mut request)?;
    Ok(request)
}

#[tokio::test]
async fn urls_are_those_of_the_sdk() {
    let every_character: String = (' '..='~').filter(|letter| *letter != '.').collect();
    let keys = [
        "vacunacion/0a/1b.jpg",
        "_reports/a/b.csv",
        "ñ/漢 字",
        &every_character,
    ];
    for (bucket, endpoint, region) in [
        ("fotos", "http://127.0.0.1:8333", "us-east-1"),
        ("fotos", "https://s3.example.org/under/", "eu-south-2"),
        ("fotos", "", "us-east-1"),
        ("fotos", "", "cn-north-1"),
        ("fotos.example.org", "", "eu-west-1"),
    ] {
        let setting = setting(bucket, endpoint, region);
        for key in keys {
            let put = build_client(&setting).put_object().bucket(bucket).key(key);
            let presigned = put.presigned(PresigningConfig::expires_in(HOUR).unwrap());
            let expected: Uri = presigned.await.unwrap().uri().parse().unwrap();
            let request = client(&setting).request(Method::PUT, key).body(()).unwrap();
            let url = request.uri();
            assert_eq!(url.scheme(), expected.scheme());
            assert_eq!(url.authority(), expected.authority());
            assert_eq!(url.path(), expected.path(), "{endpoint} {key}");
            assert_eq!(url.query(), None);
        }
    }
}

#[test]
fn every_header_but_the_payload_is_signed() {
    let request = signed(&setting("fotos", "http://127.0.0.1:8333", "us-east-1")).unwrap();
    let header = |name: &str| request.headers()[name].to_str().unwrap();
    assert_eq!(header("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
    assert_eq!(header("x-amz-security-token"), "the-token");
    let authorization = header("authorization");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=the-access-key/"));
    assert!(authorization.contains("/us-east-1/s3/aws4_request, "));
    let names = "SignedHeaders=content-length;host;x-amz-checksum-crc32;x-amz-content-sha256;\
                 x-amz-date;x-amz-security-token, ";
    assert!(authorization.contains(names), "{authorization}");
    assert!(!format!("{request:?}").contains("the-token"));
}

#[test]
fn keys_that_no_header_can_hold_are_an_error() {
    for wrong in ["a\nb", "a\u{0}b"] {
        let mut setting = setting("fotos", "http://127.0.0.1:8333", "us-east-1");
        setting.access_key = wrong.into();
        assert_eq!(signed(&setting).unwrap_err().retry, Retry::Never);
    }
}
