//! The server: a login with SCRAM, a resource, stream management, an empty contact list; and a note of each stanza.
//! It must never answer what it was not asked. RFC 6120, RFC 5802; XEP-0198.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;

use super::Side;

/// The password of every account.
pub(crate) const PASSWORD: &str = "pencil";
const SALT: &[u8] = b"salt of the test";
const STREAM: &str = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
    from='example.org' id='s' version='1.0'>";
const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";

/// The salted password: made once, because it is slow to make.
fn salted() -> &'static [u8; 32] {
    static SALTED: std::sync::OnceLock<[u8; 32]> = std::sync::OnceLock::new();
    SALTED.get_or_init(|| pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(PASSWORD.as_bytes(), SALT, 4_096))
}

/// One stream of one account, as far as it came.
#[derive(Default)]
struct Talk {
    name: String,
    first: String,
    proven: bool,
    stanzas: u32,
}

/// Serves one stream until it ends; `note` is told each stanza that came, and with `true` what was said to the client.
pub(super) async fn serve(
    mut stream: Side,
    mut says: mpsc::UnboundedReceiver<String>,
    note: impl Fn(&str, bool),
) {
    let (mut talk, mut heard, mut buffer) = (Talk::default(), String::new(), [0; 4096]);
    loop {
        let answer = tokio::select! {
            read = stream.read(&mut buffer) => {
                let Ok(length @ 1..) = read else { return };
                let Ok(words) = std::str::from_utf8(&buffer[..length]) else {
                    // TLS begins, of which only the beginning is looked at.
                    return note(&String::from_utf8_lossy(&buffer[..length]), false);
                };
                heard.push_str(words);
                let mut answer = String::new();
                while let Some(stanza) = stanza(&mut heard) {
                    answer.push_str(&talk.answer(&stanza));
                    note(&stanza, false);
                }
                answer
            }
            Some(line) = says.recv() => if talk.proven { line } else { String::new() },
        };
        if !answer.is_empty() {
            note(&answer, true);
        }
        if stream.write_all(answer.as_bytes()).await.is_err() || stream.flush().await.is_err() {
            return;
        }
        if answer.ends_with("</stream:stream>") {
            // The client closes the way below.
            let _ = stream.read(&mut buffer).await;
            return;
        }
    }
}

/// Cuts the next whole stanza, or stream header, off what was heard.
fn stanza(heard: &mut String) -> Option<String> {
    let open = heard.find('>')? + 1;
    let head: String = heard.chars().take_while(|c| *c != '>').collect();
    let name = head.trim_start_matches('<').split([' ', '/']).next()?.to_owned();
    let alone = head.starts_with("<?") || head.starts_with("</") || head.ends_with('/');
    let end = if alone || name == "stream:stream" {
        open
    } else {
        let close = format!("</{name}>");
        heard.find(&close)? + close.len()
    };
    let rest = heard.split_off(end);
    Some(std::mem::replace(heard, rest).replace('"', "'"))
}

impl Talk {
    fn answer(&mut self, stanza: &str) -> String {
        let is = |name: &str| stanza.starts_with(&format!("<{name}"));
        if is("iq") || is("message") || is("presence") {
            self.stanzas += 1;
        }
        if is("stream:stream") {
            self.features()
        } else if is("auth") {
            self.challenge(stanza)
        } else if is("response") {
            self.success(stanza)
        } else if is("enable ") {
            "<enabled xmlns='urn:xmpp:sm:3'/>".to_owned()
        } else if is("resume") {
            "<failed xmlns='urn:xmpp:sm:3'/>".to_owned()
        } else if is("r ") {
            format!("<a xmlns='urn:xmpp:sm:3' h='{}'/>", self.stanzas - 1)
        } else if is("/stream:stream") {
            "</stream:stream>".to_owned()
        } else if is("iq") && stanza.contains("type='") && !stanza.contains("type='result'") {
            self.result(stanza)
        } else if let Some((room, nick)) = in_room(stanza) {
            from_room(stanza, room, nick)
        } else {
            String::new()
        }
    }

    fn features(&self) -> String {
        let inner = if self.proven {
            "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>".to_owned()
        } else {
            format!("<mechanisms xmlns='{SASL}'><mechanism>SCRAM-SHA-256</mechanism></mechanisms>")
        };
        format!("<?xml version='1.0'?>{STREAM}<stream:features>{inner}</stream:features>")
    }

    fn challenge(&mut self, auth: &str) -> String {
        let client = payload(auth);
        let client = client.strip_prefix("n,,").unwrap();
        let name = client.strip_prefix("n=").unwrap().split(',').next();
        name.unwrap().clone_into(&mut self.name);
        let nonce = client.split("r=").nth(1).unwrap();
        let first = format!("r={nonce}server,s={},i=4096", STANDARD.encode(SALT));
        self.first = format!("{client},{first}");
        format!("<challenge xmlns='{SASL}'>{}</challenge>", STANDARD.encode(first))
    }

    fn success(&mut self, response: &str) -> String {
        let response = payload(response);
        let (bare, proof) = response.split_once(",p=").unwrap();
        let signed = format!("{},{bare}", self.first);
        let client_key = mac(salted(), b"Client Key");
        let signature = mac(&Sha256::digest(&client_key), signed.as_bytes());
        let expected: Vec<u8> = client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        assert_eq!(STANDARD.decode(proof).unwrap(), expected);
        self.proven = true;
        let last = mac(&mac(salted(), b"Server Key"), signed.as_bytes());
        let last = STANDARD.encode(format!("v={}", STANDARD.encode(last)));
        format!("<success xmlns='{SASL}'>{last}</success>")
    }

    fn result(&self, stanza: &str) -> String {
        let id = stanza.split(" id='").nth(1).unwrap().split('\'').next().unwrap();
        let to = attribute(stanza, "to");
        let from = to.map(|to| format!(" from='{to}'")).unwrap_or_default();
        let inner = if stanza.contains("disco#info") && to.is_some() {
            let feature = |name: &str| format!("<feature var='{name}'/>");
            let features = feature("http://jabber.org/protocol/muc") + &feature("muc_membersonly");
            let identity = "<identity category='conference' type='text'/>";
            format!("<query xmlns='http://jabber.org/protocol/disco#info'>{identity}{features}</query>")
        } else if stanza.contains("xmpp-bind") {
            let jid = format!("{}@example.org/r", self.name);
            format!("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>{jid}</jid></bind>")
        } else if stanza.contains("jabber:iq:roster") && stanza.contains("type='get'") {
            "<query xmlns='jabber:iq:roster'/>".to_owned()
        } else {
            String::new()
        };
        format!("<iq type='result' id='{id}'{from}>{inner}</iq>")
    }
}

fn attribute<'a>(stanza: &'a str, name: &str) -> Option<&'a str> {
    let rest = stanza.split(&format!(" {name}='")).nth(1)?;
    rest.split('\'').next()
}

/// The room that a stanza goes to, and the name in it where the stanza enters: rooms live on a server of their own.
fn in_room(stanza: &str) -> Option<(&str, Option<&str>)> {
    let to = attribute(stanza, "to").filter(|to| to.contains("@rooms."))?;
    Some(
        to.split_once('/')
            .map_or((to, None), |(room, nick)| (room, Some(nick))),
    )
}

/// What a room gives back: whoever enters, and what is said, to everybody in it.
fn from_room(stanza: &str, room: &str, nick: Option<&str>) -> String {
    const ME: &str = "alice";
    let message = |inner: &str| {
        let id = attribute(stanza, "id").unwrap_or_default();
        format!("<message type='groupchat' from='{room}/{ME}' id='{id}'>{inner}</message>")
    };
    let inner = |name: &str| {
        let inner = stanza.split(&format!("<{name}>")).nth(1)?.split("</").next()?;
        Some(format!("<{name}>{inner}</{name}>"))
    };
    if let (Some(nick), false) = (nick, stanza.contains("unavailable")) {
        let item = "<item affiliation='member' role='participant'/><status code='110'/>";
        format!(
            "<presence from='{room}/{nick}'><x xmlns='http://jabber.org/protocol/muc#user'>{item}</x></presence>\
             <message type='groupchat' from='{room}'><subject>The den</subject></message>"
        )
    } else {
        let said = inner("body").or_else(|| inner("subject"));
        said.map(|said| message(&said)).unwrap_or_default()
    }
}

fn payload(element: &str) -> String {
    let text = element.split('>').nth(1).unwrap().split('<').next().unwrap();
    String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
}

fn mac(key: &[u8], data: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().to_vec()
}
