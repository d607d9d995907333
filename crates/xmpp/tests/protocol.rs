//! Alice's session against a scripted peer: no socket, no clock, every byte in our hands.

#[cfg(test)]
mod protocol {
    mod chaos;
    mod login;
    mod peer;
    mod resume;
    mod rooms;
    mod stanzas;
}
