//! `jornada campaign check`: validation of campaign files before an event.

use std::path::PathBuf;

use anyhow::bail;

use jornada_service::campaigns;

/// Validates each file and prints one line per file or per error.
pub(super) fn check(files: &[PathBuf]) -> anyhow::Result<()> {
    let mut wrong = 0;
    for path in files {
        match campaigns::read_campaign(path) {
            Ok(campaign) => println!(
                "{}: valid: {} with {} fields",
                path.display(),
                campaign.id,
                campaign.fields.len()
            ),
            Err(error) => {
                println!("{:#}", anyhow::Error::from(error));
                wrong += 1;
            }
        }
    }
    if wrong > 0 {
        bail!("{wrong} of {} campaign files are invalid", files.len());
    }
    Ok(())
}
