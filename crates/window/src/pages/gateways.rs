//! The page of other networks: gateways, and what else a server offers.
//! It must never ask anybody anything before a button was pressed. Standard: `docs/rpc.md`, `gateway.*`, `service.*`.

use std::cell::RefCell;
use std::rc::Rc;

use model::{
    AccountId, AddContact, Address, Command, CommandStage, Done, FindAtGateway, Form, FoundAtGateway,
    Gateway, GatewayContact, GatewayContacts, GatewayForm, GatewayRef, Gateways as Listed, ListGateways,
    ListServices, Problem, RunCommand, Service, ServiceCommand, ServiceCommands, ServiceRef, ServiceUse,
    Services,
};
use serde::de::DeserializeOwned;
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::Change;

use super::service_form::{OpenForm, Purpose};
use crate::markup::{GatewayLine, PersonAtGateway, ServiceLine};
use crate::pages::{Page, account_at, accounts, with};
use crate::{App, markup};

/// Characters of a name that others gave.
const MAX_NAME: usize = 120;

/// What was told last.
#[derive(Default)]
pub(crate) struct Gateways {
    form: Rc<OpenForm>,
    known: RefCell<Known>,
}

#[derive(Default)]
struct Known {
    account: Option<AccountId>,
    gateways: Vec<Gateway>,
    services: Vec<Service>,
    people: Vec<GatewayContact>,
    /// Of which service, and which commands.
    commands: Option<(Address, Vec<ServiceCommand>)>,
}

impl Page for Gateways {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        self.form.attach(app);
        let global = app.ui().global::<markup::Gateways<'_>>();
        let (page, weak) = (self.clone(), Rc::downgrade(app));
        global.on_begin(move || {
            if let Some(app) = weak.upgrade() {
                page.begin(&app);
            }
        });
        let (page, weak) = (self.clone(), Rc::downgrade(app));
        global.on_ask(move |account, at| {
            if let Some(app) = weak.upgrade() {
                page.ask(&app, account, &at);
            }
        });
        let (page, weak) = (self.clone(), Rc::downgrade(app));
        global.on_find(move |index, name| {
            if let Some(app) = weak.upgrade() {
                page.find(&app, index, &name);
            }
        });
        let acting = |act: fn(&Rc<Self>, &Rc<App>, i32)| {
            let page = self.clone();
            with(app, move |app, index: i32| act(&page, app, index))
        };
        global.on_register(acting(Self::register));
        global.on_end(acting(Self::unregister));
        global.on_show_people(acting(Self::show_people));
        global.on_add(acting(Self::add));
        global.on_show_commands(acting(Self::show_commands));
        global.on_run(acting(Self::run));
        global.on_search(acting(Self::search));
        global.on_register_at(acting(Self::register_at));
    }

    fn refresh(&self, app: &Rc<App>, changes: &[Change]) {
        if changes
            .iter()
            .any(|it| matches!(it, Change::Account(_) | Change::Everything))
        {
            let global = app.ui().global::<markup::Gateways<'_>>();
            global.set_accounts(accounts(app));
        }
        if changes.iter().any(|it| matches!(it, Change::Profile)) {
            self.begin(app);
        }
    }
}

impl Gateways {
    /// The page opens: nothing of the last time.
    fn begin(&self, app: &Rc<App>) {
        self.known.replace(Known::default());
        self.form.close(app);
        let global = app.ui().global::<markup::Gateways<'_>>();
        global.set_answered(false);
        global.set_busy(false);
        global.set_problem(SharedString::default());
        global.set_told(SharedString::default());
        self.fill(app);
    }

    fn ask(self: &Rc<Self>, app: &Rc<App>, account: i32, at: &str) {
        let Some(account) = account_at(app, account) else {
            return;
        };
        let at = match at.trim() {
            "" => None,
            at => match at.parse::<Address>() {
                Ok(at) => Some(at),
                Err(_) => return tell(app, &super::bad_address()),
            },
        };
        let services = app.ui().global::<markup::Gateways<'_>>().get_tab() == 1;
        self.known.replace(Known {
            account: Some(account),
            ..Known::default()
        });
        if services {
            let command = Command::ListServices(ListServices { account, at });
            self.send::<Services>(app, &command, |page, app, told| {
                page.known.borrow_mut().services = told.services;
                page.answered(app);
            });
        } else {
            let command = Command::ListGateways(ListGateways { account, at });
            self.send::<Listed>(app, &command, |page, app, told| {
                page.known.borrow_mut().gateways = told.gateways;
                page.answered(app);
            });
        }
    }

    fn register(self: &Rc<Self>, app: &Rc<App>, index: i32) {
        if let Some((account, gateway)) = self.gateway(index) {
            self.open_registration(app, account, gateway);
        }
    }

    fn register_at(self: &Rc<Self>, app: &Rc<App>, index: i32) {
        if let Some((account, service)) = self.service(index) {
            self.open_registration(app, account, service);
        }
    }

    fn open_registration(self: &Rc<Self>, app: &Rc<App>, account: AccountId, gateway: Address) {
        let command = Command::ShowGatewayForm(GatewayRef {
            account,
            gateway: gateway.clone(),
        });
        self.send::<GatewayForm>(app, &command, move |page, app, told| {
            page.form
                .show(app, account, Purpose::Register(gateway), told.form, &[]);
        });
    }

    fn unregister(self: &Rc<Self>, app: &Rc<App>, index: i32) {
        let Some((account, gateway)) = self.gateway(index) else {
            return;
        };
        let command = Command::UnregisterGateway(GatewayRef { account, gateway });
        self.send::<Done>(app, &command, |page, app, _| {
            page.begin(app);
            let words = app.words().say("gateway.ended");
            app.ui().global::<markup::Gateways<'_>>().set_told(words.into());
        });
    }

    fn show_people(self: &Rc<Self>, app: &Rc<App>, index: i32) {
        let Some((account, gateway)) = self.gateway(index) else {
            return;
        };
        let command = Command::ListGatewayContacts(GatewayRef { account, gateway });
        self.send::<GatewayContacts>(app, &command, |page, app, told| {
            let nobody = told.contacts.is_empty();
            page.known.borrow_mut().people = told.contacts;
            page.fill(app);
            if nobody {
                let words = app.words().say("form.nobody");
                app.ui().global::<markup::Gateways<'_>>().set_told(words.into());
            }
        });
    }

    fn find(self: &Rc<Self>, app: &Rc<App>, index: i32, name: &str) {
        let name = name.trim().to_owned();
        let Some((account, gateway)) = self.gateway(index).filter(|_| !name.is_empty()) else {
            return;
        };
        let command = Command::FindAtGateway(FindAtGateway {
            account,
            gateway,
            name: name.clone(),
        });
        self.send::<FoundAtGateway>(app, &command, move |page, app, told| {
            page.known.borrow_mut().people = vec![GatewayContact {
                contact: told.contact,
                name: Some(name),
                added: false,
            }];
            page.fill(app);
        });
    }

    fn add(self: &Rc<Self>, app: &Rc<App>, index: i32) {
        let known = self.known.borrow();
        let person = usize::try_from(index).ok().and_then(|at| known.people.get(at));
        let (Some(account), Some(person)) = (known.account, person) else {
            return;
        };
        let add = AddContact {
            account,
            contact: person.contact.clone(),
            name: person.name.clone(),
            invitation: None,
        };
        drop(known);
        self.send::<Done>(app, &Command::AddContact(add), move |page, app, _| {
            let place = usize::try_from(index).ok();
            let mut known = page.known.borrow_mut();
            if let Some(person) = place.and_then(|at| known.people.get_mut(at)) {
                person.added = true;
            }
            drop(known);
            page.fill(app);
        });
    }

    fn show_commands(self: &Rc<Self>, app: &Rc<App>, index: i32) {
        let Some((account, service)) = self.service(index) else {
            return;
        };
        let command = Command::ListCommands(ServiceRef {
            account,
            service: service.clone(),
        });
        self.send::<ServiceCommands>(app, &command, move |page, app, told| {
            page.known.borrow_mut().commands = Some((service, told.commands));
            page.fill(app);
        });
    }

    fn run(self: &Rc<Self>, app: &Rc<App>, index: i32) {
        let known = self.known.borrow();
        let (Some(account), Some((service, commands))) = (known.account, &known.commands) else {
            return;
        };
        let command = usize::try_from(index).ok().and_then(|at| commands.get(at));
        let Some(command) = command else { return };
        let run = RunCommand {
            account,
            service: service.clone(),
            command: command.command.clone(),
        };
        drop(known);
        self.send::<CommandStage>(app, &Command::RunCommand(run), move |page, app, stage| {
            page.form.show_stage(app, account, stage);
        });
    }

    fn search(self: &Rc<Self>, app: &Rc<App>, index: i32) {
        let Some((account, service)) = self.service(index) else {
            return;
        };
        let command = Command::ShowSearchForm(ServiceRef {
            account,
            service: service.clone(),
        });
        self.send::<Form>(app, &command, move |page, app, form| {
            page.form.show(app, account, Purpose::Search(service), form, &[]);
        });
    }

    fn gateway(&self, index: i32) -> Option<(AccountId, Address)> {
        let known = self.known.borrow();
        let gateway = known.gateways.get(usize::try_from(index).ok()?)?;
        Some((gateway.account, gateway.address.clone()))
    }

    fn service(&self, index: i32) -> Option<(AccountId, Address)> {
        let known = self.known.borrow();
        let service = known.services.get(usize::try_from(index).ok()?)?;
        Some((known.account?, service.address.clone()))
    }

    /// Asks the engine; what went wrong is told on the page.
    fn send<T: DeserializeOwned + 'static>(
        self: &Rc<Self>,
        app: &Rc<App>,
        command: &Command,
        then: impl FnOnce(&Rc<Self>, &Rc<App>, T) + 'static,
    ) {
        let global = app.ui().global::<markup::Gateways<'_>>();
        global.set_busy(true);
        global.set_problem(SharedString::default());
        global.set_told(SharedString::default());
        let page = self.clone();
        app.send::<T>(command, move |app, told| {
            app.ui().global::<markup::Gateways<'_>>().set_busy(false);
            match told {
                Ok(told) => then(&page, app, told),
                Err(problem) => tell(app, &problem),
            }
        });
    }

    fn answered(&self, app: &Rc<App>) {
        app.ui().global::<markup::Gateways<'_>>().set_answered(true);
        self.fill(app);
    }

    /// Shows what is known.
    fn fill(&self, app: &Rc<App>) {
        let known = self.known.borrow();
        let global = app.ui().global::<markup::Gateways<'_>>();
        let words = app.words();
        let gateways: Vec<GatewayLine> = known.gateways.iter().map(|it| gateway_line(it, &words)).collect();
        global.set_gateways(ModelRc::new(VecModel::from(gateways)));
        let services: Vec<ServiceLine> = known.services.iter().map(service_line).collect();
        global.set_services(ModelRc::new(VecModel::from(services)));
        let people: Vec<PersonAtGateway> = known.people.iter().map(person_line).collect();
        global.set_people(ModelRc::new(VecModel::from(people)));
        let commands = known.commands.iter().flat_map(|(_, commands)| commands);
        let commands: Vec<SharedString> = commands
            .map(|it| view::named(it.name.as_deref(), &it.command).into())
            .collect();
        global.set_commands(ModelRc::new(VecModel::from(commands)));
    }
}

fn tell(app: &App, problem: &Problem) {
    let global = app.ui().global::<markup::Gateways<'_>>();
    global.set_problem(app.say(problem));
}

fn gateway_line(gateway: &Gateway, words: &view::Words) -> GatewayLine {
    let row = view::gateway_row(gateway, words);
    GatewayLine {
        name: row.name.into(),
        address: row.address.into(),
        state: row.state.into(),
        said: row.said.into(),
        label: row.label.into(),
        registered: row.registered,
    }
}

fn service_line(service: &Service) -> ServiceLine {
    let address = view::text::address(service.address.as_str());
    ServiceLine {
        name: view::named(service.name.as_deref(), &address).into(),
        address: address.into(),
        kinds: view::text::line(&service.kinds.join(", "), MAX_NAME).text.into(),
        commands: service.can.contains(&ServiceUse::Commands),
        search: service.can.contains(&ServiceUse::Search),
        register: service.can.contains(&ServiceUse::Register),
    }
}

fn person_line(person: &GatewayContact) -> PersonAtGateway {
    let address = view::text::address(person.contact.as_str());
    PersonAtGateway {
        name: view::named(person.name.as_deref(), &address).into(),
        address: address.into(),
        added: person.added,
    }
}
