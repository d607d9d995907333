//! The form for a new account, in the wizard and on the page of accounts.
//! It must never keep a password. Standard: `docs/rpc.md`, `account.add`; XEP-0077 for accounts made by the program.

use std::cell::Cell;
use std::rc::Rc;

use model::{
    AccountAdded, AccountId, AccountRef, AddAccount, Command, Done, Problem, Secret, Server, Transport,
};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::Change;

use crate::pages::{Page, first_run};
use crate::{App, made_up, markup};

/// The servers of the list, as `data/servers.tsv` has them.
const SERVERS: &str = include_str!("../../data/servers.tsv");

/// One server of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listed {
    domain: &'static str,
    onion: Option<&'static str>,
    source: &'static str,
    date: &'static str,
}

fn listed() -> impl Iterator<Item = Listed> {
    SERVERS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut columns = line.split('\t');
            Some(Listed {
                domain: columns.next()?,
                onion: columns.next().filter(|it| it.ends_with(".onion")),
                source: columns.next()?,
                date: columns.next()?,
            })
        })
}

/// Which account was made here, while the form shows it.
#[derive(Default)]
pub(crate) struct AccountForm {
    made: Rc<Cell<Option<AccountId>>>,
}

impl Page for AccountForm {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::AccountForm<'_>>();
        let lines: Vec<markup::ServerLine> = listed().map(line).collect();
        global.set_servers(ModelRc::new(VecModel::from(lines)));
        let (page, weak) = (self.clone(), Rc::downgrade(app));
        global.on_make(move |server, own, onion, name, password| {
            let Some(app) = weak.upgrade() else { return };
            let password = Secret::new(password.to_string());
            page.make(&app, chosen(server, &own, onion), name.trim(), Some(password));
        });
        let (page, weak) = (self.clone(), Rc::downgrade(app));
        global.on_throw_away(move |server, own, onion| {
            let (Some(app), Some(name)) = (weak.upgrade(), made_up::name()) else {
                return;
            };
            page.make(&app, chosen(server, &own, onion), &name, None);
        });
        let (page, weak) = (self.clone(), Rc::downgrade(app));
        global.on_use(move |address, password, host, port, transport, pins| {
            let Some(app) = weak.upgrade() else { return };
            let password = Secret::new(password.to_string());
            page.enter(&app, &address, password, way(&host, &port, transport), &pins);
        });
        let (page, weak) = (self.clone(), Rc::downgrade(app));
        global.on_use_irc(move |network, nick, password| {
            let Some(app) = weak.upgrade() else { return };
            page.enter_irc(
                &app,
                network.trim(),
                nick.trim(),
                Secret::new(password.to_string()),
            );
        });
        let (page, weak) = (self.clone(), Rc::downgrade(app));
        global.on_begin(move || {
            if let Some(app) = weak.upgrade() {
                page.begin(&app);
            }
        });
        let (page, weak) = (self, Rc::downgrade(app));
        global.on_again(move || {
            if let Some(app) = weak.upgrade() {
                page.again(&app);
            }
        });
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        let concerns = |it: &Change| matches!(it, Change::Account(_) | Change::Everything);
        if !changes.iter().any(concerns) {
            return;
        }
        let global = app.ui().global::<markup::AccountForm<'_>>();
        let words = app.words();
        let mut domains: Vec<SharedString> = listed().map(|it| it.domain.into()).collect();
        domains.push(global.get_another());
        global.set_domains(ModelRc::new(VecModel::from(domains)));
        let row = self.made.get().and_then(|id| {
            app.state(|state| {
                state
                    .account(id)
                    .map(|account| view::account_row(account, &words))
            })
        });
        global.set_made(row.is_some());
        let Some(row) = row else { return };
        global.set_address(row.address.into());
        global.set_state(row.state.into());
        global.set_why(row.why.into());
        global.set_online(row.online);
        global.set_failed(row.needs_attention);
    }
}

impl AccountForm {
    /// An empty form, whatever was made before.
    fn begin(&self, app: &App) {
        self.made.set(None);
        let global = app.ui().global::<markup::AccountForm<'_>>();
        global.set_made(false);
        global.set_problem(SharedString::default());
    }

    /// Makes an account on a server, with a password that was made up where none was given.
    fn make(&self, app: &Rc<App>, server: Chosen, name: &str, password: Option<Secret>) {
        let password = password
            .filter(|it| !it.expose().is_empty())
            .or_else(|| Some(Secret::new(made_up::password()?.as_str().to_owned())));
        let Some(password) = password else {
            return tell(app, &first_run::no_chance());
        };
        let Ok(address) = format!("{name}@{}", server.domain).parse() else {
            return tell(app, &bad_address());
        };
        self.add(
            app,
            AddAccount {
                protocol: model::Protocol::Xmpp,
                address,
                password,
                login: None,
                server: server.onion.map(|host| Server {
                    host,
                    port: None,
                    transport: Transport::StartTls,
                }),
                register: true,
                invitation: None,
                pins: Vec::new(),
                connect: true,
            },
        );
    }

    /// Takes an account that exists.
    fn enter(
        &self,
        app: &Rc<App>,
        address: &str,
        password: Secret,
        server: Result<Option<Server>, Problem>,
        pins: &str,
    ) {
        let server = match server {
            Ok(server) => server,
            Err(problem) => return tell(app, &problem),
        };
        let Ok(address) = address.parse() else {
            return tell(app, &bad_address());
        };
        self.add(
            app,
            AddAccount {
                protocol: model::Protocol::Xmpp,
                address,
                password,
                login: None,
                server,
                register: false,
                invitation: None,
                pins: listed_pins(pins),
                connect: true,
            },
        );
    }

    /// Takes a name in an IRC network, which is a preset's name or a host.
    fn enter_irc(&self, app: &Rc<App>, network: &str, nick: &str, password: Secret) {
        let Ok(address) = format!("{nick}@{network}").parse() else {
            return tell(app, &bad_address());
        };
        self.add(
            app,
            AddAccount {
                protocol: model::Protocol::Irc,
                address,
                password,
                login: None,
                server: None,
                register: false,
                invitation: None,
                pins: Vec::new(),
                connect: !knows_before_it_lets_in(network),
            },
        );
    }

    fn add(&self, app: &Rc<App>, account: AddAccount) {
        let global = app.ui().global::<markup::AccountForm<'_>>();
        global.set_busy(true);
        global.set_problem(SharedString::default());
        let made = self.made.clone();
        app.send::<AccountAdded>(&Command::AddAccount(account), move |app, added| {
            app.ui().global::<markup::AccountForm<'_>>().set_busy(false);
            match added {
                Ok(added) => {
                    made.set(Some(added.account));
                    app.refresh(&[Change::Account(added.account)]);
                }
                Err(problem) => tell(app, &problem),
            }
        });
    }

    /// Takes the account that was made out of the profile again.
    fn again(&self, app: &Rc<App>) {
        let Some(account) = self.made.get() else { return };
        let made = self.made.clone();
        app.send::<Done>(
            &Command::RemoveAccount(AccountRef { account }),
            move |app, done| match done {
                Ok(_) => {
                    made.set(None);
                    app.refresh(&[Change::Account(account)]);
                }
                Err(problem) => tell(app, &problem),
            },
        );
    }
}

/// Whether the network has to know an account's certificate before it lets anybody in over Tor.
fn knows_before_it_lets_in(network: &str) -> bool {
    network.eq_ignore_ascii_case("Libera.Chat")
}

/// A server for a new account.
struct Chosen {
    domain: String,
    onion: Option<String>,
}

fn chosen(server: i32, own: &str, onion: bool) -> Chosen {
    let of_list = usize::try_from(server).ok().and_then(|place| listed().nth(place));
    match of_list {
        Some(server) => Chosen {
            domain: server.domain.to_owned(),
            onion: server.onion.filter(|_| onion).map(str::to_owned),
        },
        None => Chosen {
            domain: own.trim().to_owned(),
            onion: None,
        },
    }
}

fn line(server: Listed) -> markup::ServerLine {
    markup::ServerLine {
        domain: server.domain.into(),
        onion: server.onion.is_some(),
        source: server.source.into(),
        date: server.date.into(),
    }
}

/// The server that a person chose; none where the field is empty.
///
/// # Errors
/// `account.bad_server` where the port is no port.
pub(super) fn way(host: &str, port: &str, transport: i32) -> Result<Option<Server>, Problem> {
    let (host, port) = (host.trim(), port.trim());
    if host.is_empty() {
        return Ok(None);
    }
    let port = match port {
        "" => None,
        port => Some(
            port.parse::<u16>()
                .ok()
                .filter(|it| *it > 0)
                .ok_or_else(bad_server)?,
        ),
    };
    Ok(Some(Server {
        host: host.to_owned(),
        port,
        transport: match transport {
            1 => Transport::StartTls,
            2 => Transport::PlainOverOnion,
            _ => Transport::DirectTls,
        },
    }))
}

/// Pins as they are written: divided by spaces or commas.
pub(super) fn listed_pins(text: &str) -> Vec<String> {
    text.split([' ', ',', ';'])
        .filter(|pin| !pin.is_empty())
        .map(str::to_owned)
        .collect()
}

fn tell(app: &App, problem: &Problem) {
    let global = app.ui().global::<markup::AccountForm<'_>>();
    global.set_problem(app.say(problem));
}

fn bad_address() -> Problem {
    Problem::new(
        "account.bad_address",
        "An account's address looks like name@server.",
    )
}

fn bad_server() -> Problem {
    Problem::new(
        "account.bad_server",
        "The server's name or port is not usable. A port is a number from 1 to 65535.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_of_the_list_says_where_it_is_from() {
        let servers: Vec<Listed> = listed().collect();
        assert!(servers.len() >= 5);
        for server in servers {
            assert!(server.domain.contains('.'), "{server:?}");
            assert!(!server.source.is_empty() && server.date.len() == 10, "{server:?}");
            if let Some(onion) = server.onion {
                assert_eq!(onion.len(), 62, "{onion}");
            }
        }
    }

    #[test]
    fn a_server_is_chosen_with_and_without_a_port() {
        assert_eq!(way("  ", "5222", 0), Ok(None));
        let server = way("xmpp.example.org", "443", 0).unwrap().unwrap();
        assert_eq!((server.port, server.transport), (Some(443), Transport::DirectTls));
        assert_eq!(
            way("x.onion", "", 2).unwrap().unwrap().transport,
            Transport::PlainOverOnion
        );
        for port in ["0", "65536", "x", "-1"] {
            assert_eq!(way("x", port, 0), Err(bad_server()), "{port}");
        }
    }

    #[test]
    fn pins_are_divided_by_spaces_and_commas() {
        assert_eq!(listed_pins(" ab, cd;ef "), ["ab", "cd", "ef"]);
        assert!(listed_pins(" , ").is_empty());
    }
}
