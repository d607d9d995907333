//! Alice, Bob and Mallory on a real InspIRCd with Atheme services, a real ngIRCd and a real ZNC, on loopback.

#[cfg(test)]
mod live {
    mod accounts;
    mod client;
    mod server;
    mod stories;
}
