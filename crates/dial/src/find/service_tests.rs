use super::*;

const NAME: &str = "_xmpps-client._tcp.example.org";

fn message(code: u8, records: &[Vec<u8>]) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 0x81, 0x80 | code, 0, 1];
    message.extend(u16::try_from(records.len()).unwrap().to_be_bytes());
    message.extend([0; 4]);
    message.extend(encode_name(NAME).unwrap());
    message.extend([0, 33, 0, 1]);
    message.extend(records.concat());
    message
}

fn record(owner: &[u8], kind: u16, seconds: u32, data: &[u8]) -> Vec<u8> {
    let mut record = owner.to_vec();
    record.extend(kind.to_be_bytes());
    record.extend([0, 1]);
    record.extend(seconds.to_be_bytes());
    record.extend(u16::try_from(data.len()).unwrap().to_be_bytes());
    record.extend(data);
    record
}

fn service(target: &[u8]) -> Vec<u8> {
    [&[0, 5, 0, 1, 0x14, 0x67][..], target].concat()
}

const ASKED: &[u8] = &[0xc0, 12];

fn read(message: &[u8]) -> Result<Services, Fault> {
    answer(message, 0x1234, NAME)
}

#[test]
fn a_question_is_padded_and_is_read_back_by_nobody_else() {
    let question = question(0x1234, NAME).unwrap();
    assert_eq!(question.len() % BLOCK, 0);
    assert_eq!(read(&question), Err(Fault::NotOurs));
    for name in [
        "",
        ".",
        "a..b",
        "exämple.org",
        "a b",
        &"a".repeat(64),
        &"a.".repeat(127),
    ] {
        assert_eq!(super::question(1, name), None, "{name}");
    }
}

#[test]
fn records_are_read_with_and_without_compression() {
    let plain = record(
        ASKED,
        33,
        300,
        &service(&encode_name("Xmpp.Example.ORG").unwrap()),
    );
    // `xmpp` before the domain of the question: 12 bytes of header, 14 and 5 of labels before it.
    let compressed = record(ASKED, 33, 60, &service(b"\x04xmpp\xc0\x1f"));
    let none = record(ASKED, 33, 90, &service(&[0]));
    let found = read(&message(0, &[plain, compressed, none])).unwrap();
    assert_eq!(found.seconds, 60);
    let targets: Vec<_> = found.services.iter().map(|it| it.target.as_deref()).collect();
    assert_eq!(
        targets,
        [Some("xmpp.example.org"), Some("xmpp.example.org"), None]
    );
    let first = &found.services[0];
    assert_eq!((first.priority, first.weight, first.port), (5, 1, 5223));
}

#[test]
fn another_name_of_the_service_is_followed_and_strange_records_are_not_taken() {
    let other = encode_name("_xmpps-client._tcp.host.example").unwrap();
    let target = service(&encode_name("a.example").unwrap());
    let cname = record(ASKED, 5, 10, &other);
    let ours = record(&other, 33, 10, &target);
    assert_eq!(
        read(&message(0, &[cname, ours.clone()])).unwrap().services.len(),
        1
    );
    let strange = read(&message(0, &[ours, record(ASKED, 16, 10, b"\x01x")])).unwrap();
    assert_eq!(strange, Services::default());
}

#[test]
fn a_name_that_does_not_exist_has_no_records_and_a_failing_resolver_is_an_error() {
    assert_eq!(read(&message(3, &[])), Ok(Services::default()));
    assert_eq!(read(&message(2, &[])), Err(Fault::Refused(2)));
}

#[test]
fn an_answer_to_something_else_is_refused() {
    let whole = message(0, &[]);
    assert_eq!(answer(&whole, 1, NAME), Err(Fault::NotOurs));
    assert_eq!(answer(&whole, 0x1234, "example.net"), Err(Fault::NotOurs));
    let mut cut = whole.clone();
    cut[2] |= 2;
    assert_eq!(read(&cut), Err(Fault::NotOurs));
    let mut two = whole;
    two[5] = 2;
    assert_eq!(read(&two), Err(Fault::NotOurs));
}

#[test]
fn pointers_that_lead_nowhere_forwards_or_in_a_circle_are_refused() {
    let at = u8::try_from(message(0, &[]).len()).unwrap();
    for owner in [[0xc0, at], [0xc0, at + 2], [0xff, 0xff], [0x40, 1], [0x80, 1]] {
        let records = [record(&owner, 33, 1, &service(&[0]))];
        assert_eq!(read(&message(0, &records)), Err(Fault::Malformed), "{owner:?}");
    }
}

#[test]
fn a_name_longer_than_names_may_be_is_refused() {
    let long = [&[63][..], &[b'a'; 63]].concat().repeat(5);
    let data = service(&[&long[..], &[0]].concat());
    assert_eq!(
        read(&message(0, &[record(ASKED, 33, 1, &data)])),
        Err(Fault::Malformed)
    );
    let ugly = service(b"\x03a.b\x00");
    assert_eq!(
        read(&message(0, &[record(ASKED, 33, 1, &ugly)])),
        Err(Fault::Malformed)
    );
}

#[test]
fn every_cut_and_every_flipped_byte_of_an_answer_is_survived() {
    let data = service(b"\x04xmpp\xc0\x1f");
    let whole = message(0, &[record(ASKED, 33, 60, &data), record(ASKED, 5, 60, ASKED)]);
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "{length}");
    }
    for at in 0..whole.len() {
        for value in 0..=255 {
            let mut bent = whole.clone();
            bent[at] = value;
            let _ = read(&bent);
        }
    }
}

#[test]
fn random_bytes_never_do_more_than_be_refused() {
    // A linear congruential generator: the same bytes in every run.
    let mut state = 7_u64;
    for round in 0..20_000 {
        let mut bytes = message(0, &[]);
        bytes[7] = 3;
        for _ in 0..round % 80 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            bytes.push(u8::try_from(state >> 56).unwrap());
        }
        let _ = read(&bytes);
    }
}
