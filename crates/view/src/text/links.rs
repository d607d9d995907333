//! Where a shown text holds links, and where they really lead.
//! It must never open anything: a link is copied, with its true host in sight.
//! Standard: RFC 3986 section 3; RFC 3492 for hosts that are not ASCII.

use std::ops::Range;

/// Links that are found in one message.
pub const MAX_LINKS: usize = 50;
/// The longest link in characters.
const MAX_LINK_CHARS: usize = 2_048;
const SCHEMES: &[&str] = &["https://", "http://", "xmpp:"];

/// One link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it stands in the shown text, in bytes.
    pub range: Range<usize>,
    /// The whole of it, for the clipboard.
    pub target: String,
    /// Its host in ASCII (`xn--` where it holds other letters); for `xmpp:` the address. This is where it leads,
    /// whatever the text around it says.
    pub host: String,
    /// Whether the host holds letters that may pass for others.
    pub unusual: bool,
}

/// The links of a text that [`super::message`] made.
pub fn links(shown: &str) -> Vec<Link> {
    let mut found = Vec::new();
    let mut from = 0;
    while found.len() < MAX_LINKS {
        let Some(rest) = shown.get(from..) else { break };
        let Some(start) = start_of_link(rest) else { break };
        let start = from + start;
        let tail = shown.get(start..).unwrap_or_default();
        let length = length_of_link(tail);
        from = start + length.max(1);
        let target = tail.get(..length).unwrap_or_default();
        if let Some((host, unusual)) = host(target) {
            found.push(Link {
                range: start..start + length,
                target: target.to_owned(),
                host,
                unusual,
            });
        }
    }
    found
}

fn start_of_link(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        // Every scheme ends with a colon: look from one to the next.
        let rest = text.get(at..)?;
        let colon = at + rest.find(':')?;
        for scheme in SCHEMES {
            let name = scheme.split(':').next().unwrap_or_default();
            let Some(start) = colon.checked_sub(name.len()) else {
                continue;
            };
            let begins = text
                .get(start..start + scheme.len())
                .is_some_and(|it| it.eq_ignore_ascii_case(scheme));
            let before = text.get(..start).unwrap_or_default().chars().next_back();
            if begins && !before.is_some_and(char::is_alphanumeric) {
                return Some(start);
            }
        }
        at = colon + 1;
    }
}

fn length_of_link(text: &str) -> usize {
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | '«' | '»' | '“' | '”' | '…');
    let end = text
        .char_indices()
        .take(MAX_LINK_CHARS)
        .take_while(|(_, c)| !ends(*c))
        .last()
        .map_or(0, |(at, c)| at + c.len_utf8());
    let link = text.get(..end).unwrap_or_default();
    let mut trimmed = link.trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', '،', '؛', '؟', ']', '}']);
    // A closing bracket belongs to the sentence unless it was opened inside the link.
    while trimmed.ends_with(')') && trimmed.matches(')').count() > trimmed.matches('(').count() {
        trimmed = trimmed.get(..trimmed.len() - 1).unwrap_or_default();
    }
    trimmed.len()
}

/// Where a link leads, and whether its host has letters that are not ASCII.
fn host(link: &str) -> Option<(String, bool)> {
    let scheme = SCHEMES.iter().find(|scheme| {
        link.get(..scheme.len())
            .is_some_and(|it| it.eq_ignore_ascii_case(scheme))
    })?;
    let rest = link.get(scheme.len()..)?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = if *scheme == "xmpp:" {
        authority
    } else {
        // What stands before an @ is a user's name, however much it looks like a host.
        let host = authority.rsplit('@').next()?;
        host.rsplit_once(':')
            .filter(|(_, port)| port.chars().all(|c| c.is_ascii_digit()))
            .map_or(host, |(host, _)| host)
    };
    if host.is_empty() {
        return None;
    }
    let unusual = !host.is_ascii() || host.to_ascii_lowercase().contains("xn--");
    let labels: Option<Vec<_>> = host.to_lowercase().split('.').map(ascii_label).collect();
    Some((labels?.join("."), unusual))
}

fn ascii_label(label: &str) -> Option<String> {
    if label.is_ascii() {
        return Some(label.to_owned());
    }
    Some(format!("xn--{}", punycode(label)?))
}

/// RFC 3492 section 6.3. `None` where the label is longer than any host's.
fn punycode(label: &str) -> Option<String> {
    const MAX_LABEL: usize = 63;
    let characters: Vec<u32> = label.chars().take(MAX_LABEL + 1).map(u32::from).collect();
    if characters.len() > MAX_LABEL {
        return None;
    }
    let mut out: String = label.chars().filter(char::is_ascii).collect();
    let basic = u32::try_from(out.len()).ok()?;
    let mut handled = basic;
    if basic > 0 {
        out.push('-');
    }
    let (mut n, mut delta, mut bias) = (128_u32, 0_u32, 72_u32);
    while (handled as usize) < characters.len() {
        let next = characters.iter().copied().filter(|c| *c >= n).min()?;
        delta = delta.checked_add(next.checked_sub(n)?.checked_mul(handled.checked_add(1)?)?)?;
        n = next;
        for character in &characters {
            if *character < n {
                delta = delta.checked_add(1)?;
            }
            if *character == n {
                number(&mut out, delta, bias)?;
                bias = adapt(delta, handled.checked_add(1)?, handled == basic)?;
                delta = 0;
                handled = handled.checked_add(1)?;
            }
        }
        delta = delta.checked_add(1)?;
        n = n.checked_add(1)?;
    }
    Some(out)
}

/// Writes one number as RFC 3492 section 3.3 does.
fn number(out: &mut String, delta: u32, bias: u32) -> Option<()> {
    let (mut q, mut k) = (delta, 36_u32);
    loop {
        let t = k.saturating_sub(bias).clamp(1, 26);
        if q < t {
            break;
        }
        let span = 36 - t;
        out.push(digit(t + (q - t) % span)?);
        q = (q - t) / span;
        k = k.checked_add(36)?;
    }
    out.push(digit(q)?);
    Some(())
}

/// RFC 3492 section 6.1.
fn adapt(delta: u32, points: u32, first: bool) -> Option<u32> {
    let mut delta = if first { delta / 700 } else { delta / 2 };
    delta = delta.checked_add(delta.checked_div(points)?)?;
    let mut k = 0_u32;
    while delta > 455 {
        delta /= 35;
        k += 36;
    }
    Some(k + 36 * delta / (delta + 38))
}

fn digit(value: u32) -> Option<char> {
    let byte = u8::try_from(value).ok()?;
    Some(char::from(if byte < 26 {
        b'a' + byte
    } else {
        b'0' + (byte - 26)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(text: &str) -> Vec<String> {
        links(text).into_iter().map(|link| link.host).collect()
    }

    #[test]
    fn a_link_ends_where_its_sentence_goes_on() {
        let text = "See https://example.org/a_(b), or (http://x.onion/). ببین https://example.com؟";
        let found: Vec<_> = links(text).into_iter().map(|link| link.target).collect();
        assert_eq!(
            found,
            [
                "https://example.org/a_(b)",
                "http://x.onion/",
                "https://example.com"
            ]
        );
        let link = &links(text)[0];
        assert_eq!(text.get(link.range.clone()), Some(link.target.as_str()));
    }

    #[test]
    fn the_true_host_is_found_behind_what_looks_like_one() {
        assert_eq!(
            hosts("https://bank.example@mallory.example/x"),
            ["mallory.example"]
        );
        assert_eq!(
            hosts("https://mallory.example:443/bank.example"),
            ["mallory.example"]
        );
        assert_eq!(
            hosts("https://mallory.example\\@bank.example"),
            ["mallory.example"]
        );
        assert_eq!(hosts("HTTPS://EXAMPLE.ORG"), ["example.org"]);
        assert_eq!(hosts("xmpp:bob@example.org?message"), ["bob@example.org"]);
    }

    #[test]
    fn letters_that_pass_for_others_are_told() {
        // The first letters are Cyrillic. RFC 3492 section 7.1 has the second.
        let link = &links("https://аррle.com")[0];
        assert!(link.unusual);
        assert!(link.host.starts_with("xn--") && link.host.ends_with(".com"));
        assert_eq!(hosts("https://bücher.example"), ["xn--bcher-kva.example"]);
        assert_eq!(
            hosts("https://ليهمابتكلموشعربي؟/"),
            Vec::<String>::from(["xn--egbpdaj6bu4bxfgehfvwxn".to_owned()])
        );
    }

    #[test]
    fn what_is_no_link_is_none_and_a_flood_is_bounded() {
        assert!(links("javascript:alert(1) file:///etc xhttp://a http:// https://").is_empty());
        assert_eq!(links(&"http://a.b ".repeat(1_000)).len(), MAX_LINKS);
        assert!(links(&":".repeat(100_000)).is_empty());
        assert!(links(&format!("http://{}", "ü".repeat(4_000))).is_empty());
    }
}
