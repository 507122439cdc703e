//! Configuration of the client that all uses share. Names and defaults: librdkafka's CONFIGURATION.md.

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use secrecy::ExposeSecret;

use crate::setting::KafkaSetting;

/// Returns the configuration of a connection.
pub(super) fn connection(setting: &KafkaSetting) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &setting.brokers)
        .set("client.id", "jornada")
        .set("socket.nagle.disable", "true")
        .set("socket.connection.setup.timeout.ms", "3000")
        .set("reconnect.backoff.max.ms", "1000")
        .set_log_level(RDKafkaLogLevel::Warning);
    let protocol = match (setting.tls, &setting.login) {
        (false, None) => "plaintext",
        (true, None) => "ssl",
        (false, Some(_)) => "sasl_plaintext",
        (true, Some(_)) => "sasl_ssl",
    };
    config.set("security.protocol", protocol);
    if let Some(login) = &setting.login {
        config
            .set("sasl.mechanism", &login.mechanism)
            .set("sasl.username", &login.user)
            .set("sasl.password", login.password.expose_secret());
    }
    config
}
