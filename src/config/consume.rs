//! Settings of the role `consume`.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::env::{Env, FromEnv, SettingError};
use super::{campaigns_folder, instance_name, read_ops_listen};
use jornada_queue::QueueSetting;
use jornada_service::key::InstallationSecret;
use jornada_store::StoreSetting;

/// Settings of the role `consume`.
#[derive(Clone, Debug)]
pub struct ConsumeConfig {
    /// `JORNADA_QUEUE`; not `direct:`.
    pub queue: QueueSetting,
    /// `JORNADA_OPS_LISTEN`.
    pub ops_listen: SocketAddr,
    /// `JORNADA_STORE`.
    pub store: StoreSetting,
    /// `JORNADA_CAMPAIGNS`.
    pub campaigns: PathBuf,
    /// `JORNADA_SECRET`; the same as that of the instances.
    pub secret: InstallationSecret,
    /// `JORNADA_INSTANCE`.
    pub instance: String,
}

impl ConsumeConfig {
    /// Reads and validates all settings.
    pub fn from_env(env: &Env) -> Result<Self, SettingError> {
        Ok(Self {
            queue: read_queue(env)?,
            ops_listen: read_ops_listen(env)?,
            store: StoreSetting::from_env(env)?,
            campaigns: campaigns_folder(env),
            secret: InstallationSecret::from_env(env)?,
            instance: instance_name(env),
        })
    }
}

/// Reads `JORNADA_QUEUE` where there must be a queue.
pub fn read_queue(env: &Env) -> Result<QueueSetting, SettingError> {
    let setting = QueueSetting::from_env(env)?;
    if let QueueSetting::Direct = setting {
        let expected = "the queue of the instances, redis://… or kafka://…";
        return Err(SettingError::with_problem(
            "JORNADA_QUEUE",
            "is direct: there is no queue",
            expected,
        ));
    }
    Ok(setting)
}
