//! Tests of the exchange, state by state.
//! Must never weaken a check to make a test easier to write.
//! Standard: OTR version 3, "The protocol state machine".

use super::*;
use crate::testing::{Dice, alice_key};
use crate::version::{Route, Version};
use crate::wire::{Envelope, Payload, envelope, open};

fn payload(reply: &Reply) -> Vec<u8> {
    envelope(reply.kind, Route::Two, &reply.payload)
}

fn commit(waiting: &AwaitingDhKey) -> (Vec<u8>, [u8; 32]) {
    let bytes = payload(&waiting.commit());
    let Envelope {
        payload: Payload::DhCommit {
            encrypted_gx,
            hashed_gx,
        },
        ..
    } = open(&bytes, Version::Two).unwrap()
    else {
        panic!("a commit");
    };
    (encrypted_gx.to_vec(), *hashed_gx)
}

fn gy(reply: &Reply) -> Element {
    let bytes = payload(reply);
    let Envelope {
        payload: Payload::DhKey { gy },
        ..
    } = open(&bytes, Version::Two).unwrap()
    else {
        panic!("a key")
    };
    gy
}

#[test]
fn of_two_crossing_commits_the_higher_hash_wins() {
    let mut rng = Dice::new(1);
    for _ in 0..4 {
        let (ours, theirs) = (AwaitingDhKey::new(&mut rng), AwaitingDhKey::new(&mut rng));
        let (encrypted, hash) = commit(&theirs);
        let we_win = *ours.hash() > hash;
        let expected = ours.commit();
        let mut ake = Ake::AwaitingDhKey(ours);
        let reply = ake.on_commit(&encrypted, &hash, &mut rng);
        assert_eq!(reply == expected, we_win);
        assert_eq!(matches!(ake, Ake::AwaitingDhKey(_)), we_win);
        assert_eq!(matches!(ake, Ake::AwaitingRevealSignature(_)), !we_win);
    }
}

#[test]
fn a_repeated_commit_gets_the_same_key_until_we_awaited_a_signature() {
    let mut rng = Dice::new(2);
    let (one, two) = (
        commit(&AwaitingDhKey::new(&mut rng)),
        commit(&AwaitingDhKey::new(&mut rng)),
    );
    let mut ake = Ake::Idle;
    let first = ake.on_commit(&one.0, &one.1, &mut rng);
    assert_eq!(ake.on_commit(&one.0, &one.1, &mut rng), first);
    assert_eq!(ake.on_commit(&two.0, &two.1, &mut rng), first);
    let Ake::AwaitingRevealSignature(waiting) = &ake else {
        panic!("state")
    };
    assert_eq!(waiting.encrypted(), two.0, "the newer commit counts");
}

#[test]
fn a_repeated_key_gets_the_same_reveal_and_another_key_is_ignored() {
    let (key, mut rng) = (alice_key(), Dice::new(3));
    let (one, two) = (
        *Pair::generate(&mut rng).public(),
        *Pair::generate(&mut rng).public(),
    );
    let mut ake = Ake::AwaitingDhKey(AwaitingDhKey::new(&mut rng));
    let mut signer = Signer {
        key: &key,
        rng: &mut rng,
    };
    let first = ake.on_dh_key(&one, &mut signer).unwrap();
    assert_eq!(ake.on_dh_key(&one, &mut signer), Ok(first));
    assert_eq!(ake.on_dh_key(&two, &mut signer), Err(Refusal::OutOfPlace));
    let (encrypted, hash) = commit(&AwaitingDhKey::new(&mut Dice::new(4)));
    let fresh = ake.on_commit(&encrypted, &hash, signer.rng);
    assert!(matches!(ake, Ake::AwaitingRevealSignature(_)));
    assert_ne!(gy(&fresh), one, "a new key after AwaitingSignature");
}

#[test]
fn our_own_value_coming_back_is_reflected() {
    let (key, mut rng) = (alice_key(), Dice::new(5));
    let waiting = AwaitingDhKey::new(&mut rng);
    let (encrypted, hash) = commit(&waiting);
    let mut other = Ake::Idle;
    let theirs = gy(&other.on_commit(&encrypted, &hash, &mut rng));
    let mut ours = Ake::AwaitingDhKey(waiting);
    let mut signer = Signer {
        key: &key,
        rng: &mut rng,
    };
    let reveal = ours.on_dh_key(&theirs, &mut signer).unwrap();
    let bytes = payload(&reveal);
    let Payload::RevealSignature { key: r, signature } = open(&bytes, Version::Two).unwrap().payload else {
        panic!("a reveal")
    };
    // Both sides have alice's identity: the exchange is with ourselves.
    let refused = other.on_reveal_signature(r, &signature, &mut signer).map(|_| ());
    assert_eq!(refused, Err(Refusal::Reflected));
}

#[test]
fn messages_out_of_place_are_refused_in_every_state() {
    let (key, mut rng) = (alice_key(), Dice::new(6));
    let some = *Pair::generate(&mut rng).public();
    let part = SignaturePart {
        covered: &[0; 4],
        encrypted: &[],
        mac: &[0; 20],
    };
    let (encrypted, hash) = commit(&AwaitingDhKey::new(&mut rng));
    let awaiting_reveal = AwaitingRevealSignature::new(&encrypted, &hash, &mut rng);
    for mut ake in [Ake::Idle, Ake::AwaitingRevealSignature(awaiting_reveal)] {
        let mut signer = Signer {
            key: &key,
            rng: &mut rng,
        };
        assert_eq!(ake.on_dh_key(&some, &mut signer), Err(Refusal::OutOfPlace));
        assert!(matches!(ake.on_signature(&part, &key), Err(Refusal::OutOfPlace)));
    }
    for mut ake in [Ake::Idle, Ake::AwaitingDhKey(AwaitingDhKey::new(&mut rng))] {
        let mut signer = Signer {
            key: &key,
            rng: &mut rng,
        };
        let refused = ake.on_reveal_signature(&[0; 16], &part, &mut signer).map(|_| ());
        assert_eq!(refused, Err(Refusal::OutOfPlace));
        assert!(matches!(ake.on_signature(&part, &key), Err(Refusal::OutOfPlace)));
    }
}
