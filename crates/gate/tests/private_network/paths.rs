//! Which accounts share a circuit: nobody, as the circuits themselves show.

use std::collections::BTreeSet;

use dial::{Path, PathEnd};

use crate::alice::{Alice, Lab, account_of, exchange};

fn of(paths: &[Path], account: u8) -> BTreeSet<Vec<Option<String>>> {
    let own = paths.iter().filter(|path| path.isolation == account_of(account));
    own.map(|path| path.hops.iter().map(|hop| hop.fingerprint.clone()).collect())
        .collect()
}

#[tokio::test]
async fn lab_each_account_is_shown_its_own_circuits_and_new_ones_are_for_one_account() {
    let lab = Lab::find();
    let alice = Alice::connected(&lab).await;
    let mut first = alice.call(1, &lab.domain, lab.echo).await.unwrap();
    let mut other = alice.call(2, &lab.domain, lab.echo).await.unwrap();
    let _onion = alice.call(3, &lab.onion, lab.echo).await.unwrap();
    let before = alice.dialer.paths().await.unwrap();
    assert_eq!(before.len(), 3, "{before:?}");
    for path in &before {
        let onion = path.isolation == account_of(3);
        assert_eq!(path.end == PathEnd::Onion, onion);
        assert!(path.hops.len() >= 3 && path.streams == 1, "{path:?}");
        let named = path.hops.iter().filter(|hop| hop.nickname.is_some()).count();
        assert!(named >= 3 && path.hops.iter().all(|hop| !hop.bridge), "{path:?}");
    }
    alice.dialer.new_circuit(&account_of(1)).await.unwrap();
    let mut moved = alice.call(1, &lab.domain, lab.echo).await.unwrap();
    let _joined = alice.call(2, &lab.domain, lab.echo).await.unwrap();
    let after = alice.dialer.paths().await.unwrap();
    let count = |account: u8| {
        after
            .iter()
            .filter(|path| path.isolation == account_of(account))
            .count()
    };
    // The old stream of the first account keeps its circuit, its new one has another; the second account has moved
    // nowhere, and both of its streams share one.
    assert_eq!((count(1), count(2)), (2, 1), "{after:?}");
    assert_eq!(of(&before, 2), of(&after, 2));
    let second = after.iter().find(|path| path.isolation == account_of(2)).unwrap();
    assert_eq!(second.streams, 2);
    for stream in [&mut first, &mut other, &mut moved] {
        exchange(stream, b"still there").await;
    }
    drop((first, moved));
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let left = alice.dialer.paths().await.unwrap();
    assert!(of(&left, 1).is_empty(), "{left:?}");
}
