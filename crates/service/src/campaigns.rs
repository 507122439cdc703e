//! The campaigns of this installation: the TOML files in the folder `JORNADA_CAMPAIGNS`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jornada_domain::campaign::CampaignFileError;
use jornada_domain::{Campaign, CampaignId};

/// All campaigns; at least one, one of them the default.
#[derive(Clone, Debug)]
pub struct Campaigns {
    all: BTreeMap<CampaignId, Arc<Campaign>>,
    default: Arc<Campaign>,
}

/// Why the campaigns cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum CampaignsError {
    /// Cannot read a file or the folder.
    #[error("JORNADA_CAMPAIGNS: cannot read {}", path.display())]
    Unreadable {
        /// Path of the file or folder.
        path: PathBuf,
        /// Cause.
        source: std::io::Error,
    },
    /// Errors in a file. Each line has file, line and field.
    #[error("{}", lines(path, mistakes))]
    Invalid {
        /// Path of the file.
        path: PathBuf,
        /// Errors in the file.
        mistakes: Vec<CampaignFileError>,
    },
    /// The folder has no campaign file.
    #[error("JORNADA_CAMPAIGNS: no campaign in {}: expected a folder with at least one .toml file", .0.display())]
    NoFiles(PathBuf),
    /// Two files have the same id, or two are the default.
    #[error("JORNADA_CAMPAIGNS: {0}")]
    Duplicate(String),
}

fn lines(path: &Path, mistakes: &[CampaignFileError]) -> String {
    let line = |mistake: &CampaignFileError| format!("{}:{mistake}", path.display());
    mistakes.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Reads a campaign file and the place lists beside it.
pub fn read_campaign(path: &Path) -> Result<Campaign, CampaignsError> {
    let text = std::fs::read_to_string(path).map_err(|source| unreadable(path, source))?;
    let list = |name: &str| {
        let beside = Path::new(name).file_name().is_some_and(|file| file == name);
        if !beside {
            return Err(format!(
                "'{name}': expected the name of a file beside this one"
            ));
        }
        std::fs::read_to_string(path.with_file_name(name))
            .map_err(|error| format!("cannot read {name}: {error}"))
    };
    Campaign::parse(&text, list).map_err(|mistakes| CampaignsError::Invalid {
        path: path.to_owned(),
        mistakes,
    })
}

impl Campaigns {
    /// Reads every `.toml` file of a folder. The default is the campaign with `default = true`, else the first by id.
    pub fn read(folder: &Path) -> Result<Self, CampaignsError> {
        let mut all: BTreeMap<CampaignId, Arc<Campaign>> = BTreeMap::new();
        for path in list_files(folder)? {
            let campaign = Arc::new(read_campaign(&path)?);
            if let Some(other) = all.insert(campaign.id.clone(), campaign) {
                return Err(CampaignsError::Duplicate(format!(
                    "two files have the id '{}'",
                    other.id
                )));
            }
        }
        check_aliases(all.values())?;
        let mut defaults = all.values().filter(|campaign| campaign.is_default);
        let default = defaults.next().or(all.values().next()).cloned();
        if defaults.next().is_some() {
            return Err(CampaignsError::Duplicate(
                "two files have default = true".into(),
            ));
        }
        let default = default.ok_or_else(|| CampaignsError::NoFiles(folder.to_owned()))?;
        Ok(Self { all, default })
    }

    /// Returns the campaign at `/`.
    pub fn default(&self) -> &Arc<Campaign> {
        &self.default
    }

    /// Returns the campaign with this id.
    pub fn get(&self, id: &str) -> Option<&Arc<Campaign>> {
        self.all.get(&CampaignId::parse(id)?)
    }

    /// Iterates over all campaigns in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Campaign>> {
        self.all.values()
    }
}

/// Checks that no two campaigns have an alias of the same path.
fn check_aliases<'a>(
    campaigns: impl Iterator<Item = &'a Arc<Campaign>>,
) -> Result<(), CampaignsError> {
    let mut paths = BTreeMap::new();
    for campaign in campaigns {
        for alias in &campaign.aliases {
            if let Some(other) = paths.insert(&alias.path, &campaign.id) {
                return Err(CampaignsError::Duplicate(format!(
                    "'{other}' and '{}' have an alias with the path {}",
                    campaign.id, alias.path
                )));
            }
        }
    }
    Ok(())
}

fn list_files(folder: &Path) -> Result<Vec<PathBuf>, CampaignsError> {
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let entries = entries.map_err(|source| unreadable(folder, source))?;
    let mut paths: Vec<_> = entries.iter().map(std::fs::DirEntry::path).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "toml"));
    paths.sort();
    Ok(paths)
}

fn unreadable(path: &Path, source: std::io::Error) -> CampaignsError {
    let path = path.to_owned();
    CampaignsError::Unreadable { path, source }
}
