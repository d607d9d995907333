//! Networks that people use over Tor: where they are, what they ask for, and how to get in, step by step.
//! Must never hold a row without its source and date, nor a promise that was not read there.
//! Standard: none; the networks' own pages. The data is in `presets/networks.rs`.

mod networks;

pub use networks::NETWORKS;

/// One network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    /// Its name.
    pub name: &'static str,
    /// Where to connect, the best first.
    pub addresses: &'static [Address],
    /// Whether it lets in people who come over Tor.
    pub policy: Policy,
    /// What to do, in order, in words for a person; empty: just connect.
    pub steps: &'static [&'static str],
    /// Where this was read.
    pub source: &'static str,
    /// When it was read, `YYYY-MM-DD`.
    pub date: &'static str,
}

/// Where to connect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Address {
    /// The host; an onion address or a name.
    pub host: &'static str,
    /// The port.
    pub port: u16,
    /// The name that the server's certificate has to bear; `None`: no TLS, only for onion addresses.
    pub certificate_name: Option<&'static str>,
    /// Who gets in here.
    pub login: LoginRule,
}

/// Who gets in over Tor.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Policy {
    /// From exit relays and by the onion address.
    ExitsAndOnion,
    /// By the onion address only.
    OnionOnly,
}

/// Who gets in at an address.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LoginRule {
    /// Only with an account, by certificate or key; no password.
    CertificateOrKey,
    /// Only with an account, however proven.
    Account,
    /// Everybody.
    Open,
}
