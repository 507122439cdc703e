//! `jornada campaign check`: validation of campaign files before an event.

use std::path::PathBuf;

use anyhow::bail;

use jornada_service::campaigns;

/// Validates each file and prints one line per file, error or warning.
pub(super) fn check(files: &[PathBuf]) -> anyhow::Result<()> {
    let mut wrong = 0;
    for path in files {
        match campaigns::read_campaign(path) {
            Ok(campaign) => {
                let path = path.display();
                println!(
                    "{path}: valid: {} with {} fields",
                    campaign.id,
                    campaign.fields.len()
                );
                if campaign.has_tallies_that_tell_small_counts() {
                    println!(
                        "{path}: warning: tallies: suppress_below hides small counts within each tally, but tallies \
                         subtracted from one another can tell them: list only one"
                    );
                }
            }
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
