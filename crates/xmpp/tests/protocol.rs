//! Alice's session against a scripted peer: no socket, no clock, every byte in our hands.

#[cfg(test)]
mod protocol {
    mod account;
    mod binding;
    mod chaos;
    mod credentials;
    mod login;
    mod mallory;
    mod peer;
    mod queries;
    mod resume;
    mod rooms;
    mod rooms_chaos;
    mod sasl2;
    mod stanzas;
}
