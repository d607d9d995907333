//! Tests of fragments.
//! Must never weaken a check to make a test easier to write.
//! Standard: OTR version 3, "Fragmentation".

use super::*;

const ROUTE: Route = Route::Three {
    sender: 0x5a73_a599,
    receiver: 0x27e3_1597,
};

fn piece(sender: u32, number: u16, count: u16, text: &str) -> Fragment<'_> {
    Fragment {
        route: Route::Three { sender, receiver: 0 },
        number,
        count,
        piece: text,
    }
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_message_is_cut_into_pieces_that_come_together_again() {
    let body = format!("?OTR:{}.", "A".repeat(1000));
    for limit in [37, 38, 100, 399, 400, 1005, 1006, 2000] {
        let pieces = split(body.clone(), ROUTE, NonZeroUsize::new(limit).unwrap()).unwrap();
        let mut assembly = Assembly::default();
        let mut whole = None;
        for text in &pieces {
            assert!(text.len() <= limit);
            if pieces.len() == 1 {
                whole = Some(text.clone());
            } else {
                let fragment = parse(text).unwrap();
                assert_eq!(fragment.route, ROUTE);
                whole = assembly.add(&fragment, at(0), &Limits::default());
            }
        }
        assert_eq!(whole.as_ref(), Some(&body), "limit {limit}");
    }
}

#[test]
fn pieces_of_version_two_name_no_clients() {
    let body = "x".repeat(200);
    let pieces = split(body.clone(), Route::Two, NonZeroUsize::new(100).unwrap()).unwrap();
    assert_eq!(pieces.len(), 3);
    assert!(pieces[0].starts_with("?OTR,00001,00003,x") && pieces.iter().all(|text| text.len() <= 100));
    let mut assembly = Assembly::default();
    let mut whole = None;
    for text in &pieces {
        let fragment = parse(text).unwrap();
        assert_eq!(fragment.route, Route::Two);
        whole = assembly.add(&fragment, at(0), &Limits::default());
    }
    assert_eq!(whole, Some(body));
    for text in [
        "?OTR,1,2,x",
        "?OTR,0,2,x,",
        "?OTR,3,2,x,",
        "?OTR,1,2,,",
        "?OTR,1,x,",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn a_length_that_divides_exactly_leaves_no_empty_piece() {
    let pieces = split("x".repeat(128), ROUTE, NonZeroUsize::new(100).unwrap()).unwrap();
    assert_eq!(pieces.len(), 2);
    assert!(pieces.iter().all(|text| parse(text).is_some()));
}

#[test]
fn more_than_65535_pieces_are_refused() {
    let limit = NonZeroUsize::new(37).unwrap();
    assert_eq!(
        split("x".repeat(65_535), ROUTE, limit).map(|pieces| pieces.len()),
        Ok(65_535)
    );
    assert_eq!(
        split("x".repeat(65_536), ROUTE, limit),
        Err(Error::MessageTooLarge)
    );
    assert_eq!(
        split("x".repeat(99), ROUTE, NonZeroUsize::new(36).unwrap()),
        Err(Error::MessageTooLarge)
    );
}

#[test]
fn leading_zeros_are_legal_and_a_single_piece_is_a_message() {
    let fragment = parse("?OTR|00005a73a599|0000000027e31597,00001,0000000001,?OTR:AA.,").unwrap();
    assert_eq!(
        fragment,
        Fragment {
            route: ROUTE,
            number: 1,
            count: 1,
            piece: "?OTR:AA."
        }
    );
    assert_eq!(
        Assembly::default()
            .add(&fragment, at(0), &Limits::default())
            .as_deref(),
        Some("?OTR:AA.")
    );
}

#[test]
fn illegal_pieces_are_refused() {
    for text in [
        "?OTR|",
        "?OTR|1|2,1,2,x",
        "?OTR|1|2,0,2,x,",
        "?OTR|1|2,1,0,x,",
        "?OTR|1|2,3,2,x,",
        "?OTR|1|2,1,65536,x,",
        "?OTR|1|2,65536,65536,x,",
        "?OTR|1|2,1,99999999999999999999,x,",
        "?OTR|1|2,+1,2,x,",
        "?OTR|1|2,-1,2,x,",
        "?OTR|1|2, 1,2,x,",
        "?OTR|1|2,١,٢,x,",
        "?OTR|100000000|2,1,2,x,",
        "?OTR|0x1|2,1,2,x,",
        "?OTR|g|2,1,2,x,",
        "?OTR|+1|2,1,2,x,",
        "?OTR|00000000000000001|2,1,2,x,",
        "?OTR|1|2,1,2,,",
        "?OTR|1|2,1,2,a,b,",
        "?OTR|1,1,2,x,",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}

#[test]
fn pieces_of_several_clients_do_not_mix() {
    let (mut assembly, limits) = (Assembly::default(), Limits::default());
    assert_eq!(assembly.add(&piece(1, 1, 2, "a"), at(0), &limits), None);
    assert_eq!(assembly.add(&piece(2, 1, 2, "x"), at(0), &limits), None);
    assert_eq!(
        assembly.add(&piece(1, 2, 2, "b"), at(0), &limits).as_deref(),
        Some("ab")
    );
    assert_eq!(
        assembly.add(&piece(2, 2, 2, "y"), at(0), &limits).as_deref(),
        Some("xy")
    );
}

#[test]
fn a_piece_out_of_order_or_of_another_count_drops_the_message() {
    let limits = Limits::default();
    for wrong in [piece(1, 4, 5, "d"), piece(1, 3, 4, "c"), piece(1, 2, 5, "other")] {
        let mut assembly = Assembly::default();
        assembly.add(&piece(1, 1, 5, "a"), at(0), &limits);
        assembly.add(&piece(1, 2, 5, "b"), at(0), &limits);
        assert_eq!(assembly.add(&wrong, at(0), &limits), None);
        assert!(assembly.partials.is_empty());
    }
}

#[test]
fn memory_for_pieces_is_bounded() {
    let limits = Limits {
        incoming_message: 1000,
        fragments_total: 3000,
        ..Limits::default()
    };
    let mut assembly = Assembly::default();
    for sender in 0..100 {
        for number in 1..=50 {
            assembly.add(
                &piece(sender, number, u16::MAX, &"x".repeat(30)),
                at(u64::from(sender)),
                &limits,
            );
            assert!(assembly.size() <= 3000);
            assert!(assembly.partials.len() <= 8);
        }
    }
    let mut many = Assembly::default();
    for sender in 0..100_000 {
        many.add(&piece(sender, 1, u16::MAX, "x"), at(0), &Limits::default());
    }
    assert_eq!(many.partials.len(), 8);
}

#[test]
fn a_message_of_exactly_the_limit_comes_together_and_a_longer_one_is_dropped() {
    let limits = Limits {
        incoming_message: 10,
        ..Limits::default()
    };
    for (last, expected) in [("67890", Some("1234567890")), ("678901", None)] {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.add(&piece(1, 1, 2, "12345"), at(0), &limits), None);
        let whole = assembly.add(&piece(1, 2, 2, last), at(0), &limits);
        assert_eq!(whole.as_deref(), expected);
        assert!(assembly.partials.is_empty());
    }
}

#[test]
fn unfinished_messages_are_forgotten_after_their_time() {
    let (mut assembly, limits) = (Assembly::default(), Limits::default());
    assembly.add(&piece(1, 1, 2, "a"), at(0), &limits);
    assert_eq!(assembly.deadline(), Some(at(60)));
    assembly.expire(at(59));
    assert_eq!(assembly.partials.len(), 1);
    assembly.expire(at(60));
    assert!(assembly.partials.is_empty());
}
