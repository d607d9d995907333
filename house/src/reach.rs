//! Which crates of others can open or resolve a connection by themselves, and where they may be.
//! It must never let one of them into a crate that a message's text passes through.
//! Standard: design rule "nothing but the gate reaches the network"; THREATS.md.
//!
//! What this cannot see: `std::net` is in every Rust program, and `tokio` brings `mio` and `socket2` to whatever uses
//! it. For those answer the list `disallowed-methods` of `clippy.toml`, when the code is written, and the kernel
//! walls (crate `walls`), when it runs.

use crate::Complaints;
use crate::graph::Graph;

/// Crates that connect or resolve on their own, and why they stay out. A `*` at the end stands for any ending.
pub const REACHING: &[(&str, &str)] = &[
    ("actix*", "an HTTP world with connections of its own"),
    ("arti-client", "Tor is the gate's"),
    ("async-io", "opens sockets for async-std and smol"),
    ("async-native-tls", "connects by the system's TLS"),
    ("async-net", "opens and resolves"),
    ("async-std", "opens and resolves"),
    ("attohttpc", "an HTTP client that connects directly"),
    ("curl*", "an HTTP client with its own resolver"),
    ("dns-lookup", "asks the system resolver"),
    ("domain", "a DNS resolver"),
    ("h3*", "QUIC is UDP: Tor carries none"),
    ("hickory-*", "a DNS resolver over UDP"),
    ("hyper", "an HTTP client"),
    ("hyper-*", "connectors of an HTTP client"),
    ("igd*", "asks the router"),
    ("isahc", "an HTTP client that connects directly"),
    ("mdns*", "asks the local network"),
    ("minreq", "an HTTP client that connects directly"),
    ("native-tls", "the system's TLS: other rules on each machine"),
    ("openssl*", "the system's TLS: other rules on each machine"),
    ("quinn*", "QUIC is UDP: Tor carries none"),
    ("reqwest", "an HTTP client that connects and resolves directly"),
    ("smol", "opens and resolves"),
    ("surf", "an HTTP client that connects directly"),
    ("tokio-native-tls", "connects by the system's TLS"),
    ("tokio-socks", "a second way to a proxy, past the gate's rules"),
    ("tokio-tungstenite", "connects by itself"),
    (
        "tokio-xmpp",
        "its connectors resolve and connect; the framing is ours",
    ),
    ("tor-*", "Tor is the gate's"),
    ("trust-dns-*", "a DNS resolver over UDP"),
    ("tungstenite", "connects by itself"),
    ("ureq*", "an HTTP client that connects and resolves directly"),
];

/// Crates that turn a state machine into a program that waits on sockets.
pub const WAITING: &[(&str, &str)] = &[
    ("async-io", "waits on sockets"),
    ("async-std", "waits on sockets"),
    ("mio", "waits on sockets"),
    ("polling", "waits on sockets"),
    ("smol", "waits on sockets"),
    ("socket2", "makes sockets"),
    ("tokio*", "a runtime"),
];

/// Which crates of ours, beside `except`, are built on one of `listed`.
pub fn forbidden(graph: &Graph, listed: &[(&str, &str)], except: &[&str]) -> Complaints {
    let checked = graph
        .ours()
        .map(|package| package.name.as_str())
        .filter(|name| !except.contains(name));
    checked
        .flat_map(|name| forbidden_in(graph, listed, name))
        .collect()
}

/// Which of `listed` the crate `name` of ours is built on.
pub fn forbidden_in(graph: &Graph, listed: &[(&str, &str)], name: &str) -> Complaints {
    let mut complaints = Complaints::new();
    for part in graph.closure(name) {
        if let Some((_, reason)) = listed.iter().find(|(pattern, _)| fits(pattern, part)) {
            complaints.push(format!("`{name}` is built on `{part}`: {reason}"));
        }
    }
    complaints
}

fn fits(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == pattern,
    }
}
