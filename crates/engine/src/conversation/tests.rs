//! Stories of alice, bob and mallory: whole conversations in memory, with time that is only told.
//! Must never reach a network, a disk or a clock.
//! What is promised: `docs/decisions/0003-receipts.md`; OTRv3; rules R48 to R55 of the engine's policy.

mod delivery;
mod keys;
mod policies;
mod privacy;
mod schedules;
mod shield;
mod verification;
mod world;
