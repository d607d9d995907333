//! Key files that libotr wrote are read here, and libotr reads those written here.
//! Must never pass without libotr.
//! Standard: none; libotr 4.1.1 is the judge.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

#[path = "support/people.rs"]
mod people;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use otr::keyfile::{
    OwnKey, Program, read_fingerprints, read_instance_tags, read_private_keys, write_fingerprints,
    write_instance_tags, write_private_keys,
};
use otr::{Config, Conversation};
use people::{Person, private};

/// A folder with libotr's three files, and what libotr says of it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("otr-keyfiles-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn made_by_libotr(name: &str) -> Self {
        let folder = Self::new(name);
        folder.libotr("make");
        folder
    }

    /// The lines that libotr prints, sorted.
    fn libotr(&self, task: &str) -> Vec<String> {
        #[expect(clippy::disallowed_methods, reason = "the oracle of this test is a program")]
        let mut program = Command::new(compiled(&self.0));
        let output = program
            .arg(task)
            .arg(&self.0)
            .output()
            .expect("the program starts");
        assert!(output.status.success(), "{task}: {:?}", output.status);
        let mut lines: Vec<String> = String::from_utf8(output.stdout)
            .unwrap()
            .lines()
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.0.join(name)).unwrap()
    }

    fn keys(&self) -> Vec<OwnKey> {
        read_private_keys(&self.read("otr.private_key")).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// Compiles the program into the test's own folder.
fn compiled(folder: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/keyfiles.c");
    let program = folder.join("keyfiles");
    #[expect(clippy::disallowed_methods, reason = "the oracle of this test is a program")]
    let mut compiler = Command::new("cc");
    compiler
        .arg("-o")
        .arg(&program)
        .arg(&source)
        .args(["-lotr", "-lgcrypt"]);
    let made = compiler.status().is_ok_and(|status| status.success());
    assert!(
        made,
        "keyfiles.c cannot be compiled: install the Debian packages gcc, libc6-dev, libotr5-dev and libgcrypt20-dev"
    );
    program
}

#[test]
fn what_libotr_wrote_says_here_what_it_says_to_libotr() {
    let folder = Folder::made_by_libotr("read");
    // Both sides under the names that Pidgin has, which are those in the file except for two.
    let name = |protocol: &otr::keyfile::Protocol| protocol.name_for(Program::Pidgin).to_owned();
    let mut here = Vec::new();
    for OwnKey { account, key } in folder.keys() {
        here.push(format!(
            "key\t{}\t{}\t{}",
            account.name,
            name(&account.protocol),
            key.fingerprint()
        ));
    }
    for entry in read_fingerprints(&folder.read("otr.fingerprints")).unwrap() {
        let (account, print) = (&entry.account, entry.fingerprint);
        here.push(format!(
            "known\t{}\t{}\t{}\t{print}",
            entry.contact,
            account.name,
            name(&account.protocol)
        ));
    }
    for entry in read_instance_tags(&folder.read("otr.instance_tags")).unwrap() {
        here.push(format!(
            "tag\t{}\t{}\t{}",
            entry.account.name,
            name(&entry.account.protocol),
            entry.tag
        ));
    }
    here.sort();
    let there: Vec<String> = folder
        .libotr("show")
        .into_iter()
        .map(|line| {
            line.replace("\tlibpurple-Jabber\t", "\tprpl-jabber\t")
                .replace("\txmpp\t", "\tprpl-jabber\t")
        })
        .map(|line| match line.strip_prefix("known\t") {
            Some(_) => line.rsplit_once('\t').unwrap().0.to_owned(),
            None => line,
        })
        .collect();
    assert_eq!(here, there);
    assert_eq!(here.len(), 4 + 5 + 4);
}

#[test]
fn what_is_written_here_says_the_same_to_libotr() {
    let (theirs, ours) = (Folder::made_by_libotr("theirs"), Folder::new("ours"));
    let keys = theirs.keys();
    let known = read_fingerprints(&theirs.read("otr.fingerprints")).unwrap();
    let tags = read_instance_tags(&theirs.read("otr.instance_tags")).unwrap();
    let written =
        write_private_keys(keys.iter().map(|own| (&own.account, &own.key)), Program::Pidgin).unwrap();
    std::fs::write(ours.0.join("otr.private_key"), written.as_bytes()).unwrap();
    let lines = write_fingerprints(&known, Program::Pidgin).unwrap();
    std::fs::write(ours.0.join("otr.fingerprints"), lines).unwrap();
    let lines = write_instance_tags(&tags, Program::Pidgin).unwrap();
    std::fs::write(ours.0.join("otr.instance_tags"), lines).unwrap();
    // The one word for trust by hand is `verified` here.
    let expected = theirs.libotr("show").into_iter().map(|line| {
        line.replace("\tlibpurple-Jabber\t", "\tprpl-jabber\t")
            .replace("\txmpp\t", "\tprpl-jabber\t")
            .replace("\tmanual", "\tverified")
    });
    assert_eq!(ours.libotr("show"), expected.collect::<Vec<_>>());
}

#[test]
fn a_key_that_libotr_made_signs_here() {
    let folder = Folder::made_by_libotr("signs");
    for own in folder.keys() {
        let key = Arc::new(own.key);
        let mut alice = Person::alice();
        alice.conversation = Conversation::new(Arc::clone(&key), alice.tag, Config::default());
        alice.key = key;
        let (alice, bob) = private(alice, Person::bob());
        assert!(bob.is_private_with(&alice));
    }
}

#[test]
fn a_file_of_libotr_with_one_bad_key_gives_nothing() {
    let folder = Folder::made_by_libotr("bad");
    let mut file = folder.read("otr.private_key");
    let last = file.windows(4).rposition(|window| window == b"(x #").unwrap() + 8;
    file[last] = if file[last] == b'0' { b'1' } else { b'0' };
    let line = file[..last].iter().filter(|byte| **byte == b'\n').count() + 1;
    assert_eq!(read_private_keys(&file).unwrap_err().line, line);
}
