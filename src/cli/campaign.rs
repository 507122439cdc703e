//! `jornada campaign check`: what is wrong with a campaign file, before the day begins.

use std::path::PathBuf;

use anyhow::bail;

use crate::campaigns;

/// Checks each file and prints a line for each, or one for each mistake.
pub(super) fn check(files: &[PathBuf]) -> anyhow::Result<()> {
    let mut wrong = 0;
    for path in files {
        match campaigns::read(path) {
            Ok(campaign) => println!(
                "{}: right: {} with {} fields",
                path.display(),
                campaign.id,
                campaign.fields.len()
            ),
            Err(error) => {
                println!("{error}");
                wrong += 1;
            }
        }
    }
    if wrong > 0 {
        bail!("{wrong} of {} campaign files cannot be used", files.len());
    }
    Ok(())
}
