//! The rows of `presets`.
//! Must never gain a row whose source was not read on its date.
//! Sources stand in each row.

use super::{Address, LoginRule, Network, Policy};

/// All networks, in the order of the alphabet.
pub const NETWORKS: &[Network] = &[
    Network {
        name: "hackint",
        addresses: &[
            Address {
                host: "ncwkrwxpq2ikcngxq3dy2xctuheniggtqeibvgofixpzvrwpa77tozqd.onion",
                port: 6667,
                certificate_name: None,
                login: LoginRule::Open,
            },
            Address {
                host: "dtlbunzs5b7s5sl775quwezleyeplxzicdoh3cnhm7feolxmkfd42nqd.onion",
                port: 6667,
                certificate_name: None,
                login: LoginRule::Account,
            },
        ],
        policy: Policy::OnionOnly,
        steps: &[
            "Without an account: open hashcash.hackint.org in Tor Browser and do what it asks, then connect to the first address.",
            "With an account: connect to the second address and log in.",
        ],
        source: "hackint.org/transport/tor",
        date: "2026-11-21",
    },
    Network {
        name: "Libera.Chat",
        addresses: &[Address {
            host: "libera75jm6of4wxpxt4aynol3xjmbtxgfyjpu34ss4d7r7q2v5zrpyd.onion",
            port: 6697,
            certificate_name: Some("palladium.libera.chat"),
            login: LoginRule::CertificateOrKey,
        }],
        policy: Policy::OnionOnly,
        steps: &[
            "Make the account elsewhere first: Libera.Chat makes no accounts over Tor.",
            "Tell NickServ there the fingerprint of this account's certificate, or its public key.",
            "Come back and connect. A password alone does not let you in.",
        ],
        source: "libera.chat/guides/connect, \"Accessing Libera.Chat Via Tor\"",
        date: "2026-11-21",
    },
    Network {
        name: "OFTC",
        addresses: &[
            Address {
                host: "oftcnet6xg6roj6d7id4y4cu6dchysacqj2ldgea73qzdagufflqxrid.onion",
                port: 6697,
                certificate_name: Some("irc.oftc.net"),
                login: LoginRule::Open,
            },
            Address {
                host: "irc.oftc.net",
                port: 6697,
                certificate_name: Some("irc.oftc.net"),
                login: LoginRule::Open,
            },
        ],
        policy: Policy::ExitsAndOnion,
        steps: &["If OFTC is closed to new connections over Tor because of abuse, try again in an hour."],
        source: "oftc.net/Tor; the name on the onion's certificate is not confirmed",
        date: "2026-11-21",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_says_where_it_is_from_and_plain_is_for_onions_only() {
        for network in NETWORKS {
            assert!(
                !network.source.is_empty() && network.date.len() == 10,
                "{}",
                network.name
            );
            assert!(!network.addresses.is_empty(), "{}", network.name);
            for address in network.addresses {
                let onion = address.host.strip_suffix(".onion");
                assert!(onion.is_none_or(|name| name.len() == 56), "{}", address.host);
                assert!(
                    onion.is_some() || address.certificate_name.is_some(),
                    "{}",
                    address.host
                );
                assert!(
                    onion.is_some() || network.policy == Policy::ExitsAndOnion,
                    "{}",
                    address.host
                );
            }
        }
        assert!(NETWORKS.is_sorted_by_key(|network| network.name.to_ascii_lowercase()));
    }
}
