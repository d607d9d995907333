//! Tells on standard error what the lab does, with the time since its start.
//! Never writes to standard output: that belongs to the command in the lab.
//! No standard applies.

use std::io::Write;
use std::time::Instant;

/// A teller of steps.
#[derive(Debug)]
pub struct Progress {
    start: Instant,
    json: bool,
}

impl Progress {
    /// Tells as sentences, or as JSON lines `{"at": seconds, "step": "...", "text": "..."}`.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self {
            start: Instant::now(),
            json,
        }
    }

    /// Tells one step.
    pub fn tell(&mut self, text: &str) {
        let at = (self.start.elapsed().as_secs_f64() * 10.0).round() / 10.0;
        let line = if self.json {
            serde_json::json!({ "at": at, "step": "lab", "text": text }).to_string()
        } else {
            format!("lab {at:6.1} s  {text}")
        };
        // Nobody may be listening, and the lab goes on.
        let _unheard = writeln!(std::io::stderr(), "{line}");
    }
}
