//! What exits and name servers see while an account looks for its server. Must never reach a network. `messenger::sights`.

use super::*;

fn sights(desk: &mut Desk) -> BTreeMap<(String, String, String), u64> {
    let shown = now(&mut desk.messenger, command("sight.list", json!({}))).unwrap();
    let shown: model::Sights = serde_json::from_value(shown).unwrap();
    let lines = shown.sights.into_iter();
    let far = lines.filter(|line| ["exit", "name_server"].contains(&line.observer.as_str()));
    far.map(|line| ((line.observer, line.whom, line.what), line.count))
        .collect()
}

#[tokio::test]
async fn exits_and_name_servers_see_what_was_asked_through_them_and_nothing_behind_an_onion() {
    let mut desk = Desk::new().await;
    assert!(sights(&mut desk).is_empty());
    let asked = [
        ("https://example.org", "nothing"),
        ("dns.example", "found"),
        ("slow.example", "timed_out"),
        ("dead.example", "tor.host_not_found"),
    ];
    let asked = asked.map(|(who, what)| (who.to_owned(), what)).to_vec();
    desk.messenger.report(desk.account, Report::Looked(asked));
    desk.messenger.report(desk.account, Report::BehindExit);
    desk.messenger.report(desk.account, Report::Witnessed);
    let line = |observer: &str, whom: &str, what: &str, count| {
        ((observer.to_owned(), whom.to_owned(), what.to_owned()), count)
    };
    let expected = [
        line("exit", "", "server_name", 4),
        line("exit", "", "name_server", 2),
        line("name_server", "dns.example", "server_name", 1),
        line("name_server", "slow.example", "server_name", 1),
    ];
    assert_eq!(sights(&mut desk), BTreeMap::from(expected));
}
