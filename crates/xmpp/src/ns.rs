//! The namespaces that this crate speaks, beside those that `xmpp-parsers` writes by itself.
//! Must never hold a namespace that nothing here uses.
//! RFC 6120 4.8, and the specification named at each line.

/// RFC 6120 4.8.1.
pub(crate) const STREAM: &str = "http://etherx.jabber.org/streams";
/// RFC 6120 4.8.2.
pub(crate) const CLIENT: &str = "jabber:client";
/// RFC 6120 4.9.
pub(crate) const STREAM_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-streams";
/// RFC 6120 5.
pub(crate) const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
/// RFC 6120 6.
pub(crate) const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
/// XEP-0440.
pub(crate) const CHANNEL_BINDING: &str = "urn:xmpp:sasl-cb:0";
/// XEP-0388.
pub(crate) const SASL2: &str = "urn:xmpp:sasl:2";
/// XEP-0386.
pub(crate) const BIND2: &str = "urn:xmpp:bind:0";
/// XEP-0484.
pub(crate) const FAST: &str = "urn:xmpp:fast:0";
/// RFC 6120 7.
pub(crate) const BIND: &str = "urn:ietf:params:xml:ns:xmpp-bind";
/// RFC 6120 8.3.
pub(crate) const STANZA_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
/// RFC 6121 2.
pub(crate) const ROSTER: &str = "jabber:iq:roster";
/// XEP-0012.
pub(crate) const LAST_ACTIVITY: &str = "jabber:iq:last";
/// XEP-0030 3.
pub(crate) const DISCO_INFO: &str = "http://jabber.org/protocol/disco#info";
/// XEP-0030 4.
pub(crate) const DISCO_ITEMS: &str = "http://jabber.org/protocol/disco#items";
/// XEP-0045.
pub(crate) const MUC: &str = "http://jabber.org/protocol/muc";
/// XEP-0045 8 and 9.
pub(crate) const MUC_ADMIN: &str = "http://jabber.org/protocol/muc#admin";
/// XEP-0045 10.
pub(crate) const MUC_OWNER: &str = "http://jabber.org/protocol/muc#owner";
/// XEP-0045 10.2: the name of the form.
pub(crate) const ROOM_CONFIG: &str = "http://jabber.org/protocol/muc#roomconfig";
/// XEP-0045 15.6.
pub(crate) const MUC_USER: &str = "http://jabber.org/protocol/muc#user";
/// XEP-0050.
pub(crate) const COMMANDS: &str = "http://jabber.org/protocol/commands";
/// XEP-0055.
pub(crate) const SEARCH: &str = "jabber:iq:search";
/// XEP-0077.
pub(crate) const REGISTER: &str = "jabber:iq:register";
/// XEP-0100.
pub(crate) const GATEWAY: &str = "jabber:iq:gateway";
/// XEP-0144.
pub(crate) const ROSTER_EXCHANGE: &str = "http://jabber.org/protocol/rosterx";
/// XEP-0004.
pub(crate) const DATA_FORMS: &str = "jabber:x:data";
/// XEP-0090, the old way to ask for the time.
pub(crate) const OLD_TIME: &str = "jabber:iq:time";
/// XEP-0092.
pub(crate) const VERSION: &str = "jabber:iq:version";
/// XEP-0198.
pub(crate) const SM: &str = "urn:xmpp:sm:3";
/// XEP-0199.
pub(crate) const PING: &str = "urn:xmpp:ping";
/// XEP-0202.
pub(crate) const TIME: &str = "urn:xmpp:time";
/// XEP-0203.
pub(crate) const DELAY: &str = "urn:xmpp:delay";
/// XEP-0091, the old way to say the same.
pub(crate) const OLD_DELAY: &str = "jabber:x:delay";
/// XEP-0249.
pub(crate) const CONFERENCE: &str = "jabber:x:conference";
/// XEP-0257.
pub(crate) const CERTIFICATES: &str = "urn:xmpp:saslcert:1";
/// XEP-0280.
pub(crate) const CARBONS: &str = "urn:xmpp:carbons:2";
/// XEP-0297.
pub(crate) const FORWARD: &str = "urn:xmpp:forward:0";
/// XEP-0313.
pub(crate) const MAM: &str = "urn:xmpp:mam:2";
/// XEP-0334.
pub(crate) const HINTS: &str = "urn:xmpp:hints";
/// The namespace that XEP-0380 names for OTR.
pub(crate) const OTR: &str = "urn:xmpp:otr:0";
/// XEP-0379.
pub(crate) const PARS: &str = "urn:xmpp:pars:0";
/// XEP-0421.
pub(crate) const OCCUPANT_ID: &str = "urn:xmpp:occupant-id:0";
