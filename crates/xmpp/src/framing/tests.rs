use super::*;

const HEAD: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
    xmlns:stream='http://etherx.jabber.org/streams' version='1.0' id='x'>";

/// Everything that comes out, and the error that ended it, if one did.
fn frames(limits: Limits, text: &str, chunk: usize) -> (Vec<Frame>, Option<OfflineReason>) {
    let mut framer = Framer::new(limits);
    let mut out = Vec::new();
    for mut bytes in format!("{HEAD}{text}").as_bytes().chunks(chunk) {
        loop {
            match framer.read(&mut bytes) {
                Ok(Some(frame)) => out.push(frame),
                Ok(None) => break,
                Err(reason) => return (out, Some(reason)),
            }
        }
    }
    (out, None)
}

fn whole(text: &str) -> (Vec<Frame>, Option<OfflineReason>) {
    frames(Limits::default(), text, usize::MAX)
}

/// A stanza that breaks a limit is discarded, its head is known, and the next one comes through.
fn is_discarded(bad: &str) {
    for chunk in [usize::MAX, 4096] {
        let (out, error) = frames(Limits::default(), &format!("{bad}<presence/>"), chunk);
        assert_eq!(error, None);
        assert_eq!(out.len(), 3);
        assert!(matches!(&out[1], Frame::Discarded(head) if head.attr("id") == Some("evil")));
        assert!(matches!(&out[2], Frame::Element(element) if element.is("presence", ns::CLIENT)));
    }
}

#[test]
fn elements_come_out_whole_at_every_cut() {
    let text = " <message from='a@b' id='1'><body>\u{645}\u{631}\u{62d}\u{628}&lt;&#x1F600;\
        <![CDATA[<b>]]></body><s:x xmlns:s='urn:s' s:y='z'/></message>\n<presence/></stream:stream>";
    let (reference, _) = whole(text);
    assert_eq!(reference.len(), 4);
    for chunk in 1..text.len() + HEAD.len() {
        let (out, error) = frames(Limits::default(), text, chunk);
        assert_eq!(error, None);
        assert_eq!(format!("{out:?}"), format!("{reference:?}"));
    }
    let Frame::Element(message) = &reference[1] else {
        panic!()
    };
    let body = message.get_child("body", ns::CLIENT).unwrap();
    assert_eq!(body.text(), "\u{645}\u{631}\u{62d}\u{628}<\u{1F600}<b>");
    let x = message.get_child("x", "urn:s").unwrap();
    assert_eq!(x.attr_ns("urn:s", "y"), Some("z"));
}

#[test]
fn sixty_four_levels_pass_and_sixty_five_do_not() {
    let nested = |levels: usize| {
        let inner = levels - 1;
        format!(
            "<iq id='evil'>{}{}</iq>",
            "<a>".repeat(inner),
            "</a>".repeat(inner)
        )
    };
    let (out, error) = whole(&nested(64));
    assert_eq!(error, None);
    assert!(matches!(out[1], Frame::Element(_)));
    is_discarded(&nested(65));
}

#[test]
fn deep_stanzas_do_not_hurt() {
    for levels in [6_000, 100_000] {
        for open in ["<a>", "<stream:a>", "<a xmlns='q'>", "<p:a xmlns:p='q'>"] {
            let name: String = open
                .chars()
                .skip(1)
                .take_while(|c| *c != ' ' && *c != '>')
                .collect();
            let close = format!("</{name}>");
            let (inner, outer) = (open.repeat(levels), close.repeat(levels));
            is_discarded(&format!(
                "<iq type='get' from='mallory@e' id='evil'>{inner}{outer}</iq>"
            ));
        }
    }
}

#[test]
fn too_many_attributes_are_not_kept() {
    let many: String = (0..100_000).map(|n| format!(" a{n}=''")).collect();
    is_discarded(&format!("<iq id='evil'{many}/>"));
    is_discarded(&format!("<iq id='evil'><x{many}/></iq>"));
    let late: String = (0..64).map(|n| format!(" a{n}=''")).collect();
    is_discarded(&format!("<iq id='evil'><p:x{late} xmlns:p='q'/></iq>"));
}

#[test]
fn three_hundred_thousand_children_are_not_kept() {
    is_discarded(&format!("<iq id='evil'>{}</iq>", "<a/>".repeat(300_000)));
    let row = format!("<b>{}</b>", "<a/>".repeat(9_000));
    is_discarded(&format!("<iq id='evil'>{}</iq>", row.repeat(10)));
}

#[test]
fn a_stanza_over_a_mebibyte_is_discarded() {
    is_discarded(&format!(
        "<message id='evil'><body>{}</body></message>",
        "x".repeat(1 << 20)
    ));
    is_discarded(&format!(
        "<message id='evil'><x y='{}'/></message>",
        "x".repeat(1 << 20)
    ));
    is_discarded(&format!("<message id='evil' y='{}'/>", "x".repeat(1 << 20)));
    let (out, error) = whole(&format!(
        "<message><body>{}</body></message>",
        "x".repeat(1_000_000)
    ));
    assert_eq!(error, None);
    assert!(matches!(out[1], Frame::Element(_)));
}

#[test]
fn an_endless_stanza_ends_the_stream() {
    let endless = format!("<message id='evil'><body>{}", "x".repeat(20 << 20));
    let (_, error) = frames(Limits::default(), &endless, 65_536);
    assert_eq!(error, Some(OfflineReason::TooLarge));
}

#[test]
fn endless_whitespace_between_stanzas_is_no_stanza() {
    let (out, error) = frames(
        Limits::default(),
        &format!("{}<presence/>", " ".repeat(20 << 20)),
        65_536,
    );
    assert_eq!(error, None);
    assert!(matches!(out[1], Frame::Element(_)));
}

#[test]
fn what_is_not_restricted_xml_ends_the_stream() {
    for bad in [
        "<!-- comment --><presence/>",
        "<?target data?><presence/>",
        "<!DOCTYPE x [<!ENTITY a 'b'>]>",
        "<message><body>&a;</body></message>",
        "<message><body>&#0;</body></message>",
        "<message><p:x/></message>",
        "<message a='1' a='2'/>",
        "<message xmlns:a='q' xmlns:b='q' a:x='1' b:x='2'/>",
        "<message></presence>",
        "text<presence/>",
        "<message",
    ] {
        let (out, error) = whole(&format!("{bad}<presence/>"));
        assert_eq!(error, Some(OfflineReason::MalformedXml), "{bad}");
        assert_eq!(out.len(), 1, "{bad}");
    }
}

#[test]
fn a_document_type_before_the_stream_is_refused() {
    let mut framer = Framer::new(Limits::default());
    let mut bytes = &b"<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'>]><stream/>"[..];
    assert!(matches!(
        framer.read(&mut bytes),
        Err(OfflineReason::MalformedXml)
    ));
}

#[test]
fn another_outermost_element_is_refused() {
    let mut framer = Framer::new(Limits::default());
    let mut bytes = &b"<html><body/></html>"[..];
    assert!(matches!(
        framer.read(&mut bytes),
        Err(OfflineReason::MalformedXml)
    ));
}

#[test]
fn bytes_after_a_frame_are_left_alone() {
    let mut framer = Framer::new(Limits::default());
    let text = format!("{HEAD}<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><message/>");
    let mut bytes = text.as_bytes();
    assert!(matches!(framer.read(&mut bytes), Ok(Some(Frame::Opened { .. }))));
    assert!(matches!(framer.read(&mut bytes), Ok(Some(Frame::Element(_)))));
    assert_eq!(bytes, b"<message/>");
}

proptest::proptest! {
    #[test]
    fn nothing_that_comes_in_makes_it_panic(
        parts in proptest::collection::vec(proptest::sample::select(vec![
            "<", ">", "/>", "</a>", "<a>", "<iq id='evil'>", "</iq>", "&lt;", "&", "'", "x='1'", " ", "xmlns:p='q'",
            "<p:a", "]]>", "<![CDATA[", "\u{0}", "\u{feff}", "\u{1F600}", "</stream:stream>", "<!--", "<?",
        ]), 0..60),
        chunk in 1_usize..40,
    ) {
        let limits = Limits { depth: 3, children: 3, elements: 5, attributes: 2, stanza_bytes: 200, ..Limits::default() };
        let _ = frames(limits, &parts.concat(), chunk);
    }
}
