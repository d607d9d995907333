//! Alice and Bob on a real Prosody and a real ejabberd, over real TLS, on loopback.

#[cfg(test)]
mod live {
    mod account;
    mod client;
    mod credentials;
    mod cuts;
    mod gateways;
    mod invitations;
    mod rooms;
    mod server;
    mod stories;
    mod strangers;
}
