//! Accounts of a network's services, opened by what the program made; and a password that goes to NickServ.
//! Must never log in twice after a refusal. InspIRCd 3 with Atheme 7.

use model::ServicesLogin;
use stories::{Place, Trouble};

use super::person::{Person, Raw};
use super::servers::IrcServer;

#[test]
fn lab_a_certificate_and_a_key_made_by_the_program_open_an_account_and_no_other_does() -> Result<(), Trouble>
{
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let server = IrcServer::inspircd(&place);
    let ways = [
        ("alice", ServicesLogin::Certificate, "EXTERNAL"),
        ("bobby", ServicesLogin::Key, "ECDSA-NIST256P-CHALLENGE"),
    ];
    for (nick, login, mechanism) in ways {
        let mut person = Person::prepare(&place, (nick, "", Some(login)), &server, &[])?;
        let mut raw = Raw::online(nick, &server);
        raw.register("pencil12");
        raw.say("QUIT");
        raw.wait_for("ERROR");
        // The services do not know it yet: nothing is tried a second time.
        let refused = person.come().unwrap_err().to_string();
        assert!(refused.contains("wrong-password"), "{refused}");
        let keys = person.login_keys()?;
        let mut raw = Raw::online(nick, &server);
        raw.say("PRIVMSG NickServ :IDENTIFY pencil12");
        raw.wait_for("now identified");
        raw.say(&format!("PRIVMSG NickServ :CERT ADD {}", keys.certificate_sha256));
        raw.wait_for("Added fingerprint");
        raw.say(&format!("PRIVMSG NickServ :SET PUBKEY {}", keys.public_key));
        raw.wait_for("public key");
        raw.say("QUIT");
        raw.wait_for("ERROR");
        person.come()?;
        let lines = server.lines_of(nick);
        let said = format!("AUTHENTICATE {mechanism}");
        assert!(
            lines.contains(&said) && !lines.iter().any(|line| line.contains("PLAIN")),
            "{lines:?}"
        );
        person.otter.stop()?;
    }
    Ok(())
}

#[test]
fn lab_services_that_hash_by_sha_512_know_the_certificate_too() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let server = IrcServer::inspircd_that_hashes(&place, "sha512");
    let mut person = Person::prepare(
        &place,
        ("alice", "", Some(ServicesLogin::Certificate)),
        &server,
        &[],
    )?;
    let keys = person.login_keys()?;
    let mut raw = Raw::online("alice", &server);
    raw.register("pencil12");
    raw.say(&format!("PRIVMSG NickServ :CERT ADD {}", keys.certificate_sha512));
    raw.wait_for("Added fingerprint");
    raw.say("QUIT");
    raw.wait_for("ERROR");
    person.come()?;
    let lines = server.lines_of("alice");
    assert!(
        lines.iter().any(|line| line == "AUTHENTICATE EXTERNAL"),
        "{lines:?}"
    );
    person.otter.stop()
}

#[test]
fn lab_nickserv_is_told_the_password_by_tls_after_we_are_in() -> Result<(), Trouble> {
    let place = Place::find()?;
    let _turn = place.lab.share().unwrap();
    let server = IrcServer::inspircd(&place);
    let mut raw = Raw::online("alice", &server);
    raw.register("pencil12");
    raw.say("QUIT");
    raw.wait_for("ERROR");
    let login = Some(ServicesLogin::NickServ);
    let mut person = Person::prepare(&place, ("alice", "pencil12", login), &server, &[])?;
    person.come()?;
    let mut other = Raw::online("bob", &server);
    let until = std::time::Instant::now() + stories::SOON;
    // The services say who is logged in (330), once they have taken the password.
    while !other.heard.contains(" 330 bob alice alice ") {
        assert!(std::time::Instant::now() < until, "{}", other.heard);
        other.say("WHOIS alice");
        other.listen(std::time::Duration::from_secs(1));
    }
    let lines = server.lines_of("alice");
    let told: Vec<_> = lines.iter().filter(|line| line.contains("pencil12")).collect();
    assert_eq!(told, ["PRIVMSG NickServ :IDENTIFY pencil12"]);
    person.otter.stop()
}
