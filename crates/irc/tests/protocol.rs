//! Alice's session against a server of our own: no socket, no clock, every byte in our hands.

#[cfg(test)]
mod protocol {
    mod chaos;
    mod login;
    mod modern;
    mod peer;
    mod rooms;
    mod sasl;
    mod sending;
    mod silence;
    mod talk;
    mod watch;
}
