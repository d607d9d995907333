//! A server's wish to be reached by TLS only.
//! Must never let a transport without TLS set, prolong or end a wish.
//! IRCv3 sts.

use std::time::Duration;

use crate::config::Tls;

/// What a server wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StsPolicy {
    /// Said over TLS: for so long, counted from the end of each connection, this host must be reached by TLS only, and
    /// no exception from the check of its certificate may be made. Nought takes an earlier wish back.
    Keep(Duration),
    /// Said without TLS: come back by TLS on this port, and say nothing here.
    Upgrade {
        /// The port.
        port: u16,
    },
}

/// Reads the value of the capability `sts`. `None`: it asks for nothing that may be followed.
pub(crate) fn read(value: &str, tls: Tls) -> Option<StsPolicy> {
    let field = |name: &str| {
        let mut fields = value.split(',').filter_map(|field| field.split_once('='));
        fields.find(|(key, _)| *key == name).map(|(_, value)| value)
    };
    match tls {
        Tls::Direct => Some(StsPolicy::Keep(Duration::from_secs(u64::from(
            field("duration")?.parse::<u32>().ok()?,
        )))),
        Tls::PlainOverOnion => {
            let port = field("port")?.parse().ok().filter(|port| *port != 0)?;
            Some(StsPolicy::Upgrade { port })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_counts_only_where_it_may() {
        let value = "duration=31536000,port=6697,preload";
        let year = Duration::from_secs(31_536_000);
        assert_eq!(read(value, Tls::Direct), Some(StsPolicy::Keep(year)));
        assert_eq!(
            read(value, Tls::PlainOverOnion),
            Some(StsPolicy::Upgrade { port: 6_697 })
        );
        assert_eq!(
            read("duration=0", Tls::Direct),
            Some(StsPolicy::Keep(Duration::ZERO))
        );
        assert_eq!(read("duration=1", Tls::PlainOverOnion), None);
        for value in ["", "port=6697", "duration=", "duration=-1", "duration=x"] {
            assert_eq!(read(value, Tls::Direct), None, "{value}");
        }
        for value in ["", "port=0", "port=65536", "port=", "port"] {
            assert_eq!(read(value, Tls::PlainOverOnion), None, "{value}");
        }
    }
}
