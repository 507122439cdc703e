//! Prints figures: median, minimum and maximum of several runs, and the goal.

use std::time::Duration;

/// Prints the column headings.
pub fn print_heading() {
    println!(
        "{:52} {:>9} {:>9} {:>9} {:>8}",
        "", "median", "least", "most", "goal"
    );
}

/// Prints one line.
pub fn print_line(name: &str, mut runs: Vec<f64>, goal: Option<f64>) {
    runs.sort_by(f64::total_cmp);
    let (Some(least), Some(most)) = (runs.first(), runs.last()) else {
        return;
    };
    let median = runs[runs.len() / 2];
    let (goal, verdict) = match goal {
        Some(goal) if median <= goal => (goal.to_string(), "kept"),
        Some(goal) => (goal.to_string(), "MISSED"),
        None => (String::new(), ""),
    };
    println!("{name:52} {median:9.3} {least:9.3} {most:9.3} {goal:>8} {verdict}");
}

/// Returns a percentile, in milliseconds.
pub fn percentile(times: &mut [Duration], percent: usize) -> f64 {
    times.sort_unstable();
    let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times
        .get(place)
        .map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}
