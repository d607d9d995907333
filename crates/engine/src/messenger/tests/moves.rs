//! When accounts come and go: one alone at once, several each at a moment of its own.
//! Must never wait for a moment that was drawn longer than the program has. `link::apart`.

use super::*;
use crate::link::Coming;

impl Desk {
    /// Another account, and the orders that its link would get.
    async fn beside(&mut self) -> (AccountId, mpsc::Receiver<Order>) {
        let account = self.second_account("night-heron@example.com").await;
        let (sender, orders) = mpsc::channel(16);
        let open = self.messenger.open.as_mut().unwrap();
        open.accounts.get_mut(&account).unwrap().orders = sender;
        (account, orders)
    }

    fn moves(&mut self, method: &str, account: AccountId) {
        let asked = json!({ "account": account });
        now(&mut self.messenger, command(method, asked)).unwrap();
    }
}

#[tokio::test]
async fn an_account_that_follows_another_one_waits_for_a_moment_of_its_own_unless_the_owner_insists() {
    let mut desk = Desk::new().await;
    let (night, mut orders) = desk.beside().await;
    let alice = desk.account;
    desk.moves("account.connect", alice);
    assert!(matches!(desk.orders.try_recv(), Ok(Order::Connect)));
    desk.moves("account.connect", night);
    assert!(matches!(orders.try_recv(), Ok(Order::Apart(Coming::Comes))));
    desk.moves("account.connect", night);
    assert!(matches!(orders.try_recv(), Ok(Order::Connect)));
    desk.moves("account.disconnect", alice);
    assert!(matches!(desk.orders.try_recv(), Ok(Order::Apart(Coming::Goes))));
    desk.moves("account.disconnect", alice);
    assert!(matches!(desk.orders.try_recv(), Ok(Order::Disconnect)));
}

#[tokio::test]
async fn when_the_profile_opens_no_account_comes_at_once() {
    let mut desk = Desk::new().await;
    let (night, mut orders) = desk.beside().await;
    let alice = desk.account;
    let open = desk.messenger.open.as_mut().unwrap();
    for id in [alice, night] {
        open.accounts.get_mut(&id).unwrap().shown.connect = true;
    }
    desk.messenger.let_all_come();
    assert!(matches!(orders.try_recv(), Ok(Order::Apart(Coming::Comes))));
    assert!(matches!(desk.orders.try_recv(), Ok(Order::Apart(Coming::Comes))));
}

#[tokio::test]
async fn at_the_end_of_the_program_the_accounts_go_at_moments_of_their_own_and_nobody_waits_long() {
    let mut gaps = Vec::new();
    for _ in 0..3 {
        let mut desk = Desk::new().await;
        let (night, mut orders) = desk.beside().await;
        let open = desk.messenger.open.as_mut().unwrap();
        open.accounts.get_mut(&night).unwrap().online = true;
        tokio::time::pause();
        let begin = Instant::now();
        let mut messenger = desk.messenger;
        let goodbye = async {
            messenger.say_goodbye().await;
            Instant::now()
        };
        let one = async {
            while !matches!(desk.orders.recv().await, Some(Order::Disconnect)) {}
            Instant::now()
        };
        let other = async {
            while !matches!(orders.recv().await, Some(Order::Disconnect)) {}
            Instant::now()
        };
        let (one, other, gone) = tokio::join!(one, other, goodbye);
        gaps.push(one.max(other) - one.min(other));
        assert!(gone - begin < Duration::from_secs(10));
        tokio::time::resume();
    }
    assert!(
        gaps.iter().any(|gap| *gap > Duration::from_millis(100)),
        "{gaps:?}"
    );
}
