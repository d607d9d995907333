//! What a text would give away, and what would tie two accounts together: in sentences.
//! It must never hold up whoever goes on all the same. Standard: `docs/rpc.md`, `text.check` and `link.check`.

use model::{Finding, Findings};

use crate::text;
use crate::words::Words;

/// Sentences at once: more are not read.
const MAX_SENTENCES: usize = 4;

/// Characters of the part of a text that is named.
const MAX_PART: usize = 60;

/// The findings in sentences, one a line; empty: nothing was found.
pub fn findings(found: &Findings, words: &Words) -> String {
    let mut told: Vec<String> = Vec::new();
    for finding in &found.findings {
        let sentence = sentence(finding, words);
        if !sentence.is_empty() && !told.contains(&sentence) && told.len() < MAX_SENTENCES {
            told.push(sentence);
        }
    }
    told.join("\n")
}

fn sentence(finding: &Finding, words: &Words) -> String {
    let part = text::line(&finding.part, MAX_PART).text;
    // A kind of a newer engine has no sentence, and is not told.
    words.fill(&format!("finding.{}", finding.kind), &[("part", &part)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language;

    fn found(kinds: &[&str]) -> Findings {
        let finding = |kind: &&str| Finding {
            kind: (*kind).to_owned(),
            part: "Berlin\u{202E}".to_owned(),
        };
        Findings {
            findings: kinds.iter().map(finding).collect(),
        }
    }

    #[test]
    fn each_kind_has_its_sentence_in_every_language_and_the_part_is_made_harmless() {
        let kinds = [
            "bidirectional",
            "file_path",
            "invisible",
            "look_alike",
            "own_name",
            "same_contact",
            "same_name",
            "same_room",
            "same_text",
            "time_zone",
        ];
        for language in Language::ALL {
            for kind in kinds {
                let said = findings(&found(&[kind]), &Words::new(language));
                assert!(!said.is_empty(), "{language:?} {kind}");
                assert!(!said.contains('\u{202E}'));
            }
        }
    }

    #[test]
    fn the_same_is_said_once_and_not_too_much() {
        let words = Words::new(Language::English);
        assert_eq!(
            findings(&found(&["time_zone", "time_zone"]), &words)
                .lines()
                .count(),
            1
        );
        let all = found(&["time_zone", "own_name", "invisible", "same_text", "file_path"]);
        assert_eq!(findings(&all, &words).lines().count(), MAX_SENTENCES);
        assert_eq!(findings(&found(&["something new"]), &words), "");
    }
}
