//! The line with which the engine opens a stream: what it is for.
//! It must never carry an account's name, a message, or a request that the gate would have to guess at.
//! Standard: design.md section 1 ("a stream starts with one line that says what it is for").

use serde::{Deserialize, Serialize};

use crate::line::{self, LineError};
use crate::{Host, Isolation, Serve, Settings};

/// The version of this language; engine and gate come from one program, so there is one at a time.
pub const VERSION: u32 = 1;

/// What a stream is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// Takes a visit to a service of our own; after the answer the stream carries the visitor's bytes.
    Accept {
        /// As a [`crate::Served`] line named it.
        visit: u64,
    },
    /// The self-test of the gate's room, carried out now.
    Check,
    /// A connection through Tor; after the answer the stream carries its bytes.
    Connect(Connect),
    /// From now on an account's connections take new circuits; standing ones stay.
    NewCircuit {
        /// The account's name for circuits.
        isolation: Isolation,
    },
    /// The circuits that carry streams now.
    Paths,
    /// An onion service, for as long as the stream stands.
    Serve(Serve),
    /// Changes of the gate's settings.
    Settings(Settings),
    /// The state of Tor now and at each change, for as long as the stream stands.
    Status,
    /// The transports for whose bridges a program is installed.
    Transports,
}

/// A connection through Tor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Connect {
    /// Connections with another name never share a circuit with this one.
    pub isolation: Isolation,
    /// Neither do connections with another purpose.
    pub purpose: Purpose,
    /// Where to; a name is resolved by Tor.
    pub host: Host,
    /// The port there, 1 to 65535.
    pub port: u16,
}

/// What an account needs a connection for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To see a server's certificate once more, over another circuit.
    Certificate,
    /// To find the server's host and port.
    Discovery,
    /// To fetch or send a file.
    Files,
    /// To create an account, before anything ties the person to it.
    Registration,
    /// The account's XMPP stream.
    Xmpp,
}

impl Header {
    /// The header as one line, its end included.
    ///
    /// # Errors
    /// [`LineError`], in practice never.
    pub fn encode(&self) -> Result<Vec<u8>, LineError> {
        let mut wire = Wire {
            v: VERSION,
            ..Wire::default()
        };
        match self.clone() {
            Header::Accept { visit } => wire.accept = Some(WireAccept { visit }),
            Header::Check => wire.check = Some(Nothing {}),
            Header::Connect(connect) => wire.connect = Some(connect),
            Header::NewCircuit { isolation } => wire.new_circuit = Some(WireNewCircuit { isolation }),
            Header::Paths => wire.paths = Some(Nothing {}),
            Header::Serve(serve) => wire.serve = Some(serve),
            Header::Settings(settings) => wire.settings = Some(settings),
            Header::Status => wire.status = Some(Nothing {}),
            Header::Transports => wire.transports = Some(Nothing {}),
        }
        line::encode(&wire)
    }

    /// Reads one line.
    ///
    /// # Errors
    /// [`LineError::Version`] for another version, otherwise [`LineError::Malformed`] or [`LineError::TooLong`].
    pub fn decode(bytes: &[u8]) -> Result<Header, LineError> {
        let wire: Wire = line::decode(bytes)?;
        if wire.v != VERSION {
            return Err(LineError::Version);
        }
        let asked = [
            wire.accept.map(|accept| Header::Accept { visit: accept.visit }),
            wire.check.map(|Nothing {}| Header::Check),
            wire.connect.map(Header::Connect),
            wire.new_circuit.map(|new| Header::NewCircuit {
                isolation: new.isolation,
            }),
            wire.paths.map(|Nothing {}| Header::Paths),
            wire.serve.map(Header::Serve),
            wire.settings.map(Header::Settings),
            wire.status.map(|Nothing {}| Header::Status),
            wire.transports.map(|Nothing {}| Header::Transports),
        ];
        let mut asked = asked.into_iter().flatten();
        match (asked.next(), asked.next()) {
            (None, _) | (_, Some(_)) => Err(LineError::Malformed),
            (Some(Header::Connect(Connect { port: 0, .. }) | Header::Serve(Serve { port: 0, .. })), None) => {
                Err(LineError::Malformed)
            }
            (Some(Header::Serve(serve)), None) if serve.visitors.len() > Serve::MAX_VISITORS => {
                Err(LineError::Malformed)
            }
            (Some(header), None) => Ok(header),
        }
    }
}

/// One of the fields after `v` is present.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    v: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    accept: Option<WireAccept>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check: Option<Nothing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    connect: Option<Connect>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    new_circuit: Option<WireNewCircuit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paths: Option<Nothing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    serve: Option<Serve>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settings: Option<Settings>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    status: Option<Nothing>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    transports: Option<Nothing>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireAccept {
    visit: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireNewCircuit {
    isolation: Isolation,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bridge, ControlPlace, Embedded, Password, Proxy, Running, TorSettings};

    #[test]
    fn the_wire_form_of_a_header_stays_as_it_is() {
        let isolation = Isolation::from_bytes([0x0f; 16]);
        let connect = Connect {
            isolation: isolation.clone(),
            purpose: Purpose::Xmpp,
            host: Host::parse("jabber.example.org").unwrap(),
            port: 5222,
        };
        let hex = "0f".repeat(16);
        for (header, expected) in [
            (
                Header::Connect(connect),
                format!(
                    r#"{{"v":1,"connect":{{"isolation":"{hex}","purpose":"xmpp","host":"jabber.example.org","port":5222}}}}"#
                ),
            ),
            (
                Header::NewCircuit { isolation },
                format!(r#"{{"v":1,"new_circuit":{{"isolation":"{hex}"}}}}"#),
            ),
            (
                Header::Settings(Settings {
                    ask: None,
                    dormant: Some(true),
                    tor: None,
                }),
                r#"{"v":1,"settings":{"dormant":true}}"#.to_owned(),
            ),
            (
                Header::Settings(Settings {
                    ask: Some(true),
                    ..Settings::default()
                }),
                r#"{"v":1,"settings":{"ask":true}}"#.to_owned(),
            ),
            (Header::Paths, r#"{"v":1,"paths":{}}"#.to_owned()),
            (Header::Status, r#"{"v":1,"status":{}}"#.to_owned()),
            (Header::Check, r#"{"v":1,"check":{}}"#.to_owned()),
            (Header::Transports, r#"{"v":1,"transports":{}}"#.to_owned()),
            (
                Header::Accept { visit: 7 },
                r#"{"v":1,"accept":{"visit":7}}"#.to_owned(),
            ),
            (
                Header::Serve(Serve {
                    port: 5222,
                    visitors: Vec::new(),
                }),
                r#"{"v":1,"serve":{"port":5222}}"#.to_owned(),
            ),
        ] {
            let line = header.encode().unwrap();
            assert_eq!(String::from_utf8(line.clone()).unwrap(), expected + "\n");
            assert_eq!(Header::decode(&line), Ok(header));
        }
    }

    #[test]
    fn the_wire_form_of_the_choice_of_tor_stays_as_it_is() {
        let fingerprint = "0123456789ABCDEF0123456789ABCDEF01234567";
        let embedded = Embedded {
            bridges: vec![Bridge::parse(&format!("obfs4 192.0.2.1:9 {fingerprint} cert=a")).unwrap()],
            proxy: Some(Proxy::parse("socks5://192.0.2.2:1080").unwrap()),
            reachable_ports: vec![80, 443],
        };
        let running = Running {
            control: Some(ControlPlace::parse("unix:/run/tor/control").unwrap()),
            password: Some(Password::new("geheim".to_owned()).unwrap()),
        };
        for (tor, expected) in [
            (TorSettings::default(), r#"{"embedded":{}}"#.to_owned()),
            (
                TorSettings::Embedded(embedded),
                format!(
                    r#"{{"embedded":{{"bridges":["obfs4 192.0.2.1:9 {fingerprint} cert=a"],"proxy":"socks5://192.0.2.2:1080","reachable_ports":[80,443]}}}}"#
                ),
            ),
            (
                TorSettings::Running(running),
                r#"{"running":{"control":"unix:/run/tor/control","password":"geheim"}}"#.to_owned(),
            ),
        ] {
            let header = Header::Settings(Settings {
                ask: None,
                dormant: None,
                tor: Some(tor),
            });
            let line = header.encode().unwrap();
            let expected = format!("{{\"v\":1,\"settings\":{{\"tor\":{expected}}}}}\n");
            assert_eq!(String::from_utf8(line.clone()).unwrap(), expected);
            assert_eq!(Header::decode(&line), Ok(header));
        }
    }

    #[test]
    fn the_longest_settings_fit_into_one_line() {
        let filler = "x".repeat(Bridge::MAX_LINE - 80);
        let line = format!("obfs4 192.0.2.1:9 0123456789ABCDEF0123456789ABCDEF01234567 cert={filler}");
        let embedded = Embedded {
            bridges: vec![Bridge::parse(&line).unwrap(); Embedded::MAX_BRIDGES],
            proxy: Some(Proxy::parse(&format!("http://a:{}@192.0.2.2:1080", "b".repeat(400))).unwrap()),
            reachable_ports: vec![u16::MAX; Embedded::MAX_PORTS],
        };
        let settings = Settings {
            ask: None,
            dormant: Some(true),
            tor: Some(TorSettings::Embedded(embedded)),
        };
        assert!(Header::Settings(settings).encode().is_ok());
    }

    #[test]
    fn what_is_no_header_is_refused() {
        let hex = "0f".repeat(16);
        for line in [
            r#"{"v":1}"#.to_owned(),
            r#"{"v":1,"status":{},"settings":{}}"#.to_owned(),
            r#"{"v":1,"status":{"now":true}}"#.to_owned(),
            r#"{"status":{}}"#.to_owned(),
            r#"{"v":1,"serve":{"port":0}}"#.to_owned(),
            r#"{"v":1,"serve":{"port":80,"visitors":["a"]}}"#.to_owned(),
            format!(r#"{{"v":1,"connect":{{"isolation":"{hex}","purpose":"xmpp","host":"a b","port":1}}}}"#),
            format!(
                r#"{{"v":1,"connect":{{"isolation":"{hex}","purpose":"xmpp","host":"a.org","port":0}}}}"#
            ),
            format!(r#"{{"v":1,"connect":{{"isolation":"{hex}","purpose":"spy","host":"a.org","port":1}}}}"#),
            r#"{"v":1,"connect":{"isolation":"0f","purpose":"xmpp","host":"a.org","port":1}}"#.to_owned(),
        ] {
            assert_eq!(
                Header::decode(line.as_bytes()),
                Err(LineError::Malformed),
                "{line}"
            );
        }
        assert_eq!(Header::decode(br#"{"v":2,"status":{}}"#), Err(LineError::Version));
        assert_eq!(
            Header::decode(&[b' '; crate::MAX_LINE + 1]),
            Err(LineError::TooLong)
        );
    }
}
