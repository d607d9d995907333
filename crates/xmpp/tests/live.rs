//! Alice and Bob on a real Prosody and a real ejabberd, over real TLS, on loopback.

#[cfg(test)]
mod live {
    mod account;
    mod client;
    mod cuts;
    mod gateways;
    mod rooms;
    mod server;
    mod stories;
    mod strangers;
}
