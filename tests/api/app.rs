//! Access to the stores of an installation from the test process.

use jornada::app::{self, App};
use jornada::config::{Env, ServeConfig};
use jornada_service::campaigns::Campaigns;
use jornada_testkit::instance::Installation;
use tokio_util::sync::CancellationToken;

/// Connects to the stores as an instance does, with some settings replaced.
pub async fn open_app(installation: &Installation, replaced: &[(&str, &str)]) -> App {
    let settings = installation.settings.iter();
    let settings = settings.map(|(name, value)| (&**name, &**value));
    let settings: Vec<_> = settings.chain(replaced.iter().copied()).collect();
    let config = ServeConfig::from_env(&Env::from_pairs(&settings)).unwrap();
    let campaigns = Campaigns::read(&config.campaigns).unwrap();
    let app = app::build(&config, campaigns, CancellationToken::new());
    app.await.unwrap()
}
