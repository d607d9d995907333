//! Alice and Bob on a real Prosody, over real TLS, on loopback.

#[cfg(test)]
mod live {
    mod client;
    mod prosody;
    mod stories;
}
