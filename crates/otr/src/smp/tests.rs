//! Tests of verification, message by message.
//! Must never weaken a check to make a test easier to write.
//! Standard: OTR version 3, "The SMP state machine".

use crypto_bigint::modular::ConstMontyParams;
use rand_core::Rng;

use super::*;
use crate::group::{Order, Prime};
use crate::testing::Dice;
use crate::timing;

fn compared(secret: &[u8]) -> Compared {
    let (asking, answering) = (Fingerprint::from_bytes([1; 20]), Fingerprint::from_bytes([2; 20]));
    Compared::new(asking, answering, &[3; 8], secret)
}

/// Two runs brought to the point where the message of this number comes.
fn until(number: usize, rng: &mut Dice) -> (Smp, Smp, Vec<u8>) {
    let (mut alice, mut bob) = (Smp::default(), Smp::default());
    let mut message = alice.begin(compared(b"x"), rng);
    if number > 1 {
        bob.on_first(&message).unwrap();
        message = bob.answer(&compared(b"x"), rng).unwrap();
    }
    if number > 2 {
        message = alice.on_second(&message, rng).unwrap();
    }
    if number > 3 {
        message = bob.on_third(&message, rng).unwrap().0;
    }
    (alice, bob, message)
}

fn take(number: usize, alice: &mut Smp, bob: &mut Smp, message: &[u8], rng: &mut Dice) -> Result<(), Broken> {
    match number {
        1 => bob.on_first(message),
        2 => alice.on_second(message, rng).map(|_| ()),
        3 => bob.on_third(message, rng).map(|_| ()),
        _ => alice.on_fourth(message).map(|_| ()),
    }
}

/// The numbers of a message.
fn numbers(message: &[u8]) -> Vec<Number> {
    let mut reader = crate::wire::Reader::new(message);
    let count = reader.u32().unwrap();
    (0..count)
        .map(|_| crate::group::number_from_bytes(reader.mpi().unwrap()).unwrap())
        .collect()
}

#[test]
fn the_secret_is_bound_to_both_keys_and_the_session() {
    let (one, two) = (Fingerprint::from_bytes([1; 20]), Fingerprint::from_bytes([2; 20]));
    let run = |x: Compared, y: Compared| {
        let mut rng = Dice::new(5);
        let (mut alice, mut bob) = (Smp::default(), Smp::default());
        bob.on_first(&alice.begin(x, &mut rng)).unwrap();
        let second = bob.answer(&y, &mut rng).unwrap();
        let third = alice.on_second(&second, &mut rng).unwrap();
        let (fourth, equal) = bob.on_third(&third, &mut rng).unwrap();
        assert_eq!(alice.on_fourth(&fourth), Ok(equal));
        equal
    };
    let x = |a, b, ssid| Compared::new(a, b, ssid, b"secret");
    assert!(run(x(one, two, &[3; 8]), x(one, two, &[3; 8])));
    assert!(!run(x(one, two, &[3; 8]), x(two, one, &[3; 8])));
    assert!(!run(x(one, two, &[3; 8]), x(one, one, &[3; 8])));
    assert!(!run(x(one, two, &[3; 8]), x(one, two, &[4; 8])));
}

#[test]
fn every_number_of_every_message_is_checked() {
    let mut rng = Dice::new(1);
    let prime = *Prime::PARAMS.modulus().as_ref();
    let order = *Order::PARAMS.modulus().as_ref();
    let bad = [
        U1536::ZERO,
        U1536::ONE,
        order,
        prime.wrapping_sub(&U1536::ONE),
        prime,
        U1536::MAX,
    ];
    for number in 1..=4 {
        let (_, _, message) = until(number, &mut rng);
        let good = numbers(&message);
        for place in 0..good.len() {
            let mut wrong: Vec<Number> = vec![
                bad[(place + number) % bad.len()],
                good[place].wrapping_add(&U1536::ONE),
                // An exponent that proves the same, and is out of range.
                good[place].wrapping_add(&order),
            ];
            if place == 0 {
                wrong.extend(bad);
            }
            for value in wrong {
                let (mut alice, mut bob, _) = until(number, &mut Dice::new(1));
                let mut changed = good.clone();
                changed[place] = value;
                let taken = take(number, &mut alice, &mut bob, &write(&changed), &mut rng);
                assert_eq!(taken, Err(Broken), "message {number}, number {place}");
            }
        }
    }
}

#[test]
fn counts_and_lengths_are_exact() {
    let mut rng = Dice::new(2);
    for number in 1..=4 {
        let (_, _, message) = until(number, &mut rng);
        let mut variants = vec![
            Vec::new(),
            message[..message.len() - 1].to_vec(),
            [&message[..], &[0]].concat(),
        ];
        for count in [0, 1, 0xff] {
            let mut other = message.clone();
            other[3] = count;
            variants.push(other);
        }
        variants.push([&[0xff; 4], &message[4..]].concat());
        for variant in variants {
            let (mut alice, mut bob, _) = until(number, &mut rng);
            assert_eq!(
                take(number, &mut alice, &mut bob, &variant, &mut rng),
                Err(Broken)
            );
        }
    }
}

#[test]
fn messages_out_of_turn_end_the_run() {
    let mut rng = Dice::new(3);
    let messages: Vec<Vec<u8>> = (1..=4).map(|number| until(number, &mut rng).2).collect();
    for state in 1..=4 {
        for (index, message) in messages.iter().enumerate() {
            let number = index + 1;
            if number != state {
                let (mut alice, mut bob, _) = until(state, &mut rng);
                let (one, two) = (&mut alice, &mut bob);
                let taken = match number {
                    1 => one.on_first(message),
                    2 => two.on_second(message, &mut rng).map(|_| ()),
                    3 => one.on_third(message, &mut rng).map(|_| ()),
                    _ => two.on_fourth(message).map(|_| ()),
                };
                assert_eq!(taken, Err(Broken), "message {number} in state {state}");
            }
        }
    }
}

#[test]
fn equal_numbers_of_both_sides_are_refused() {
    let one = element(U1536::from(5u8)).unwrap();
    assert!(quotient(&one, &one).is_err());
    assert!(quotient(&one, &element(U1536::from(7u8)).unwrap()).is_ok());
}

/// The exponent 1, or a random one.
fn exponent_of_class(random: bool, dice: &mut Dice) -> Exponent {
    let mut hash = [0; 32];
    dice.fill_bytes(&mut hash);
    if !random {
        hash = [0; 32];
        hash[31] = 1;
    }
    Exponent::from_hash(&hash)
}

#[test]
#[ignore = "a measurement: ./bench otr"]
fn timing_of_powers_with_the_compared_secret() {
    timing::compare("smp_secret", 8000, exponent_of_class, |exponent| {
        generator_to(exponent)
    });
}
