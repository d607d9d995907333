//! Lines and messages.

use proptest::prelude::*;

use super::*;

fn lines(bytes: &[u8], chunk: usize) -> Result<Vec<String>, Endless> {
    let mut lines = Lines::default();
    let mut found = Vec::new();
    for mut piece in bytes.chunks(chunk) {
        while let Some(line) = lines.read(&mut piece)? {
            found.push(String::from_utf8(line.into_owned()).unwrap());
        }
    }
    Ok(found)
}

#[test]
fn lines_come_out_whole_at_every_cut() {
    for chunk in 1..12 {
        assert_eq!(
            lines(b"PING a\r\n\r\nPING b\nPING c\rPI", chunk).unwrap(),
            ["PING a", "PING b", "PING c"]
        );
    }
}

#[test]
fn a_line_beyond_the_limits_is_passed_over() {
    let longest = "a".repeat(LONGEST_TAGS + LONGEST_BODY);
    let bytes = format!("x\r\n{longest}\r\n{longest}b\r\ny\r\n");
    for chunk in [1, 700, 100_000] {
        assert_eq!(lines(bytes.as_bytes(), chunk).unwrap(), ["x", &longest, "y"]);
    }
}

#[test]
fn a_line_without_end_is_given_up() {
    assert_eq!(lines(&vec![b'a'; 2 << 20], 4_096), Err(Endless));
}

#[test]
fn messages_are_taken_apart() {
    let message =
        Message::parse("@a=1;b;a=2\\:\\s\\\\\\r\\n\\x;c=\\  :n!u@h  PRIVMSG  #r x  ::) y ").unwrap();
    assert_eq!(message.tags.value("a").unwrap(), "2; \\\r\nx");
    assert_eq!(message.tags.value("b").unwrap(), "");
    assert_eq!(message.tags.filled("b"), None);
    assert_eq!(message.tags.value("c").unwrap(), "");
    assert_eq!(message.tags.value("d"), None);
    assert_eq!(
        message.source,
        Some(Source {
            name: "n",
            user: Some("u"),
            host: Some("h")
        })
    );
    assert_eq!(message.command, "PRIVMSG");
    assert_eq!(message.parameters, ["#r", "x", ":) y "]);
    let message = Message::parse(":irc.example 001 a :").unwrap();
    assert_eq!(
        (message.parameter(1), message.last(), message.parameter(9)),
        ("", "", "")
    );
    for line in ["", " ", "@a", "@a ", ":a", ":a ", "@a :b", "PR\0IV", "ü a", ": "] {
        assert_eq!(Message::parse(line), None, "{line:?}");
    }
}

#[test]
fn words_that_are_not_utf_8_are_read_and_names_are_not_guessed() {
    assert_eq!(decode("PRIVMSG #r :grüß".as_bytes()), "PRIVMSG #r :grüß");
    assert_eq!(
        decode(b"@t=1 :n!u@h PRIVMSG #r :gr\xfc\xdf \x80"),
        "@t=1 :n!u@h PRIVMSG #r :grüß €"
    );
    assert_eq!(
        decode(b":n\xfc!u@h PRIVMSG #r :\xfc"),
        ":n\u{fffd}!u@h PRIVMSG #r :ü"
    );
    assert_eq!(decode(b"JOIN #\xfc"), "JOIN #\u{fffd}");
    assert_eq!(decode(b"PRIVMSG #r :cut \xf0\x9f\x98"), "PRIVMSG #r :cut ");
}

#[test]
fn nothing_ends_a_line_early_or_makes_it_too_long() {
    assert_eq!(write(&[], "QUIT", &[]).unwrap(), b"QUIT\r\n");
    assert_eq!(
        write(&[("label", "1;")], "PART", &["#r"]).unwrap(),
        b"@label=1\\: PART #r\r\n"
    );
    for text in ["a\r\nQUIT", "a\nQUIT", "a\0"] {
        assert_eq!(write(&[], "PRIVMSG", &["bob", text]), Err(Unwritable::Character));
        assert_eq!(write(&[], "PRIVMSG", &[text, "a"]), Err(Unwritable::Character));
    }
    for middle in ["", "a b", ":a"] {
        assert_eq!(write(&[], "PRIVMSG", &[middle, "a"]), Err(Unwritable::Character));
    }
    let room = LONGEST_BODY - "PRIVMSG bob \r\n".len();
    assert_eq!(
        write(&[], "PRIVMSG", &["bob", &"a".repeat(room)]).unwrap().len(),
        LONGEST_BODY
    );
    assert_eq!(
        write(&[], "PRIVMSG", &["bob", &"a".repeat(room + 1)]),
        Err(Unwritable::TooLong)
    );
    assert_eq!(
        write(&[("a", &"a".repeat(LONGEST_TAGS))], "A", &[]),
        Err(Unwritable::TooLong)
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(
        tags in proptest::collection::btree_map("[a-z/+]{1,8}", "[^\\x00]{0,12}", 0..4),
        command in "[A-Z]{1,8}",
        middle in proptest::collection::vec("[^ :\\x00\\r\\n][^ \\x00\\r\\n]{0,8}", 0..6),
        last in "[^\\x00\\r\\n]{0,60}",
    ) {
        let tags: Vec<(&str, &str)> = tags.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        let mut parameters: Vec<&str> = middle.iter().map(String::as_str).collect();
        parameters.push(&last);
        let bytes = write(&tags, &command, &parameters).unwrap();
        let text = std::str::from_utf8(&bytes).unwrap().strip_suffix("\r\n").unwrap();
        let message = Message::parse(text).unwrap();
        prop_assert_eq!(message.command, &command);
        prop_assert_eq!(&message.parameters, &parameters);
        for (name, value) in tags {
            prop_assert_eq!(message.tags.value(name).unwrap(), value);
        }
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), chunk in 1usize..50) {
        let mut lines = Lines::default();
        for mut piece in bytes.chunks(chunk) {
            while let Some(line) = lines.read(&mut piece).unwrap() {
                let text = decode(&line);
                if let Some(message) = Message::parse(&text) {
                    let _ = message.tags.value("time");
                    prop_assert!(message.parameters.len() <= 32);
                }
            }
        }
    }
}
