//! What mallory may write on the door: anything. What the door makes of it: a typed value or an error.
//! These tests must never need a network.
//! Standard: design.md section 1.

use door::{Answer, Connect, GateStatus, Header, Host, Isolation, LineReader, MAX_LINE, Purpose};
use proptest::prelude::*;

proptest! {
    #[test]
    fn no_bytes_make_the_door_panic(bytes in proptest::collection::vec(any::<u8>(), 0..6000)) {
        let _ = Header::decode(&bytes);
        let _ = Answer::decode(&bytes);
        let _ = GateStatus::decode(&bytes);
        let mut reader = LineReader::new();
        for byte in &bytes {
            match reader.push(*byte) {
                Ok(Some(line)) => prop_assert!(line.len() < MAX_LINE),
                Ok(None) => {}
                Err(_) => break,
            }
        }
    }

    #[test]
    fn no_deep_nesting_makes_the_door_panic(depth in 1_usize..4000) {
        let (array, object) = ("[".repeat(depth), "{\"ok\":".repeat(depth / 6));
        prop_assert!(Header::decode(array.as_bytes()).is_err());
        prop_assert!(Answer::decode(object.as_bytes()).is_err());
    }

    #[test]
    fn no_text_makes_a_host_panic_and_what_passes_is_stable(text in "\\PC{0,300}") {
        if let Ok(host) = Host::parse_allowing_local(&text) {
            let again = Host::parse_allowing_local(&host.to_string());
            prop_assert_eq!(again, Ok(host));
        }
    }

    #[test]
    fn likely_hosts_have_one_spelling(text in "[a-zA-Z0-9.:\\[\\]_-]{0,70}(\\.onion)?") {
        if let Ok(host) = Host::parse_allowing_local(&text) {
            let spelling = host.to_string();
            prop_assert!(spelling.chars().all(|c| c.is_ascii() && !c.is_control() && !c.is_ascii_uppercase()));
            prop_assert_eq!(Host::parse_allowing_local(&spelling), Ok(host));
        }
    }

    #[test]
    fn every_header_survives_the_wire(bytes: [u8; 16], name in "[a-z][a-z0-9]{0,20}\\.org", port in 1_u16..) {
        let header = Header::Connect(Connect {
            isolation: Isolation::from_bytes(bytes),
            purpose: Purpose::Files,
            host: Host::parse(&name).unwrap(),
            port,
        });
        let line = header.encode().unwrap();
        prop_assert!(line.len() <= MAX_LINE);
        prop_assert_eq!(Header::decode(&line), Ok(header));
    }
}
