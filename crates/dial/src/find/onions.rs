//! Which servers have an onion service: a list that comes with the program.
//! It must never be believed beyond "try this": the service proves the domain by its certificate.
//! Source and date of each line stand in `onions.txt`.

use door::Host;

const LIST: &str = include_str!("onions.txt");

/// The onion service of a server, by the domain of its accounts in lower case.
pub(super) fn of(domain: &str) -> Option<Host> {
    let line = lines().find(|line| line.first() == Some(&domain))?;
    Host::parse(line.get(1)?).ok()
}

fn lines() -> impl Iterator<Item = Vec<&'static str>> {
    let lines = LIST.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(' ').collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_names_a_domain_a_valid_service_a_source_and_a_day() {
        let mut last = "";
        let mut count = 0;
        for line in lines() {
            let [domain, onion, source, day] = line[..] else {
                panic!("{line:?}")
            };
            assert!(last < domain, "{domain} is not in order");
            assert_eq!(Host::parse(domain).unwrap().to_string(), domain);
            assert!(Host::parse(onion).unwrap().is_onion(), "{domain}");
            assert!(
                ["coyim", "coyim+map", "map", "xmpp.is"].contains(&source),
                "{source}"
            );
            assert!(day.len() == 10 && day.starts_with("202"), "{day}");
            (last, count) = (domain, count + 1);
        }
        assert_eq!(count, 51);
    }

    #[test]
    fn a_domain_is_found_whole_or_not_at_all() {
        assert!(of("xmpp.riseup.net").is_some_and(|host| host.is_onion()));
        for domain in ["riseup.net", "xmpp.riseup", "", "#", "coyim"] {
            assert_eq!(of(domain), None, "{domain}");
        }
    }
}
