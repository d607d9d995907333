//! The way to Tor as its page shows and takes it, and the circuits in use.
//! It must never show a relay's or a bridge's words unsanitised, nor hold a password longer than it takes to send it.
//! Standard: `docs/rpc.md`, `tor.settings`, `tor.set`, `tor.paths`.

use model::{Problem, Secret, SetTor, TorPath, TorPaths, TorRelay};

use crate::state::State;
use crate::{Words, text};

/// Bridge lines, and ports, that are taken.
const MAX_LISTED: usize = 16;
/// Characters of a relay's name.
const MAX_RELAY_CHARS: usize = 24;

/// What was written about the program's own Tor.
///
/// # Errors
/// `tor.settings.ports` where a port is no number from 1 to 65535; `tor.settings.too_many` for more than 16 lines or
/// ports. Whether a line is a bridge is the engine's to say.
pub fn own_tor(bridges: &str, proxy: &str, ports: &str) -> Result<SetTor, Problem> {
    let bridges: Vec<String> = lines(bridges).map(str::to_owned).collect();
    let divided = ports.split([' ', ',', ';']).filter(|it| !it.is_empty());
    let ports: Option<Vec<u16>> = divided
        .map(|port| port.parse().ok().filter(|it| *it > 0))
        .collect();
    let Some(ports) = ports else {
        let text = "A port has to be between 1 and 65535.";
        return Err(Problem::new("tor.settings.ports", text));
    };
    if bridges.len() > MAX_LISTED || ports.len() > MAX_LISTED {
        let text = "There are too many bridges or ports. Leave some out.";
        return Err(Problem::new("tor.settings.too_many", text));
    }
    Ok(SetTor::Embedded {
        bridges,
        proxy: Some(proxy.trim())
            .filter(|it| !it.is_empty())
            .map(|it| Secret::new(it.to_owned())),
        ports,
        once: false,
    })
}

/// Lines that say something.
fn lines(written: &str) -> impl Iterator<Item = &str> {
    written.lines().map(str::trim).filter(|it| !it.is_empty())
}

/// One circuit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathRow {
    /// The account that goes over it, sanitised; of the program's own ways: words that say so.
    pub account: String,
    /// What for and how old, in words.
    pub about: String,
    /// Its relays, the nearest first, and where it ends.
    pub relays: Vec<String>,
}

/// The circuits in use.
pub fn paths(state: &State, paths: &TorPaths, words: &Words) -> Vec<PathRow> {
    let row = |path| path_row(state, path, words);
    paths
        .paths
        .iter()
        .take(MAX_LISTED.saturating_mul(16))
        .map(row)
        .collect()
}

fn path_row(state: &State, path: &TorPath, words: &Words) -> PathRow {
    let account = path.account.and_then(|id| state.account(id));
    let purpose = words.say_or(&format!("path.{}", path.purpose), &words.say("path.other"));
    let age = words.duration(path.seconds);
    let mut relays: Vec<String> = path.relays.iter().map(|it| relay(it, words)).collect();
    relays.push(words.say(if path.onion { "path.onion" } else { "path.exit" }));
    PathRow {
        account: match account {
            Some(account) => text::address(account.address.as_str()),
            None => words.say("path.program"),
        },
        about: words.fill("path.about", &[("purpose", &purpose), ("age", &age)]),
        relays,
    }
}

fn relay(relay: &TorRelay, words: &Words) -> String {
    let fingerprint = relay.fingerprint.as_deref().unwrap_or_default();
    let short: String = fingerprint
        .chars()
        .filter(char::is_ascii_hexdigit)
        .take(8)
        .collect();
    let name = match relay.nickname.as_deref() {
        Some(name) => text::line(name, MAX_RELAY_CHARS).text,
        None => short.clone(),
    };
    let name = match (name.is_empty(), short.is_empty() || name == short) {
        (true, _) => words.say("path.unknown"),
        (false, true) => name,
        (false, false) => format!("{name} ({short})"),
    };
    words.fill(
        if relay.bridge { "path.bridge" } else { "path.relay" },
        &[("name", &name)],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ACCOUNT, snapshot};

    #[test]
    fn bridges_are_taken_line_by_line_and_ports_as_they_are_written() {
        let pasted = "\n obfs4 192.0.2.1:443 cert=x \r\n\n192.0.2.2:9001\n";
        let set = own_tor(pasted, " socks5://proxy:1080 ", "80, 443").unwrap();
        let SetTor::Embedded {
            bridges,
            proxy,
            ports,
            once: false,
        } = set
        else {
            panic!("{set:?}");
        };
        assert_eq!(bridges, ["obfs4 192.0.2.1:443 cert=x", "192.0.2.2:9001"]);
        assert_eq!(
            (proxy.unwrap().expose(), ports),
            ("socks5://proxy:1080", vec![80, 443])
        );
        let none = SetTor::Embedded {
            bridges: vec![],
            proxy: None,
            ports: vec![],
            once: false,
        };
        assert_eq!(own_tor(" \n", "", " "), Ok(none));
    }

    #[test]
    fn what_cannot_be_is_refused_before_it_is_asked_for() {
        for ports in ["0", "65536", "x"] {
            assert_eq!(own_tor("", "", ports).unwrap_err().code, "tor.settings.ports");
        }
        for (bridges, ports) in [("192.0.2.1:443\n", ""), ("", "80 ")] {
            let many = own_tor(&bridges.repeat(17), "", &ports.repeat(17));
            assert_eq!(many.unwrap_err().code, "tor.settings.too_many");
        }
        for code in ["tor.settings.ports", "tor.settings.too_many"] {
            assert!(Words::default().knows(code));
        }
    }

    #[test]
    fn a_circuit_says_whose_it_is_what_for_and_over_which_relays() {
        let mut state = State::default();
        state.replace(snapshot(1, vec![]));
        let relay = |bridge, nickname: Option<&str>| TorRelay {
            fingerprint: Some("ABCDEF0123456789ABCDEF0123456789ABCDEF01".to_owned()),
            nickname: nickname.map(str::to_owned),
            bridge,
        };
        let path = |account, onion| TorPath {
            account,
            purpose: "chat".to_owned(),
            onion,
            relays: vec![relay(true, None), relay(false, Some("evil\u{202E}"))],
            seconds: 90,
            streams: 1,
        };
        let all = TorPaths {
            paths: vec![path(Some(ACCOUNT), true), path(None, false)],
        };
        let rows = paths(&state, &all, &Words::default());
        assert_eq!(rows[0].account, "alice@example.org");
        assert!(rows[0].about.contains("1 minute"), "{}", rows[0].about);
        assert!(rows[0].relays[0].contains("ABCDEF01") && rows[0].relays[0].contains("ridge"));
        assert!(rows[0].relays[1].contains("evil[U+202E]"));
        assert_ne!(rows[0].relays[2], rows[1].relays[2]);
        assert_ne!(rows[0].account, rows[1].account);
    }

    #[test]
    fn every_purpose_has_words() {
        for purpose in ["chat", "discovery", "certificate", "file", "registration"] {
            assert!(Words::default().knows(&format!("path.{purpose}")), "{purpose}");
        }
    }
}
