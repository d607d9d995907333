//! The form of a service that is being filled in, and what it answers with.
//! It must never send a field that the person did not touch, nor keep an answer longer than the form is open.
//! Standard: `docs/rpc.md`, `Form`; XEP-0004.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use model::{
    AccountId, Address, Answers, Command, CommandAction, CommandStage, Done, Form, RegisterGateway,
    SearchService, StepCommand,
};
use slint::{ComponentHandle, ModelRc, SharedString, VecModel};
use view::FieldLook;

use crate::markup::{FormLine, FormLook};
use crate::{App, markup};

/// What an open form is for.
#[derive(Clone, Debug)]
pub(crate) enum Purpose {
    /// A command's step: the run, and what can be done.
    Command(Option<u64>, Vec<CommandAction>),
    /// An account at a gateway.
    Register(Address),
    /// A search in a directory.
    Search(Address),
}

/// The open form.
#[derive(Default)]
pub(crate) struct OpenForm {
    inner: RefCell<Option<Inner>>,
}

struct Inner {
    account: AccountId,
    purpose: Purpose,
    form: Form,
    answers: Answers,
    /// The options of fields of which some can be chosen.
    picked: BTreeMap<usize, Vec<usize>>,
}

impl OpenForm {
    /// Turns the form's callbacks into answers.
    pub(crate) fn attach(self: &Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::ServiceForm<'_>>();
        let form = self.clone();
        global.on_edited(move |place, text| {
            let values = text.lines().map(str::to_owned).collect();
            form.change(place, |form, answers, place| {
                view::answer(form, answers, place, values);
            });
        });
        let form = self.clone();
        global.on_ticked(move |place, yes| {
            let value = if yes { "1" } else { "0" };
            form.change(place, |form, answers, place| {
                view::answer(form, answers, place, vec![value.to_owned()]);
            });
        });
        let form = self.clone();
        global.on_chosen(move |place, option| {
            let Ok(option) = usize::try_from(option) else {
                return;
            };
            form.change(place, |form, answers, place| {
                view::choose(form, answers, place, &[option]);
            });
        });
        let form = self.clone();
        global.on_picked(move |place, option, yes| form.pick(place, option, yes));
        let (form, weak) = (self.clone(), Rc::downgrade(app));
        global.on_act(move |action| {
            if let Some(app) = weak.upgrade() {
                form.act(&app, action);
            }
        });
        let (form, weak) = (self.clone(), Rc::downgrade(app));
        global.on_close(move || {
            if let Some(app) = weak.upgrade() {
                form.close(&app);
            }
        });
    }

    /// Shows a form.
    pub(crate) fn show(&self, app: &App, account: AccountId, purpose: Purpose, form: Form, said: &[String]) {
        let page = view::form_page(&form);
        let global = app.ui().global::<markup::ServiceForm<'_>>();
        global.set_title(page.title.into());
        let mut told = vec![page.said];
        told.extend(said.iter().cloned());
        told.retain(|it| !it.is_empty());
        global.set_said(told.join("\n").into());
        let lines: Vec<FormLine> = page
            .fields
            .into_iter()
            .zip(&form.fields)
            .map(|(row, field)| line(row, view::is_ticked(field)))
            .collect();
        global.set_lines(ModelRc::new(VecModel::from(lines)));
        let rows: Vec<SharedString> = page.rows.into_iter().map(SharedString::from).collect();
        global.set_rows(ModelRc::new(VecModel::from(rows)));
        let actions: Vec<SharedString> = match &purpose {
            Purpose::Command(_, actions) => actions
                .iter()
                .map(|it| app.words().say(named(*it)).into())
                .collect(),
            // A table is an answer: nothing is done with it.
            Purpose::Search(_) if !form.columns.is_empty() => Vec::new(),
            Purpose::Register(_) | Purpose::Search(_) => vec![app.words().say("form.send").into()],
        };
        global.set_actions(ModelRc::new(VecModel::from(actions)));
        global.set_busy(false);
        global.set_open(true);
        let picked = chosen(&form);
        self.inner.replace(Some(Inner {
            account,
            purpose,
            form,
            answers: Answers::new(),
            picked,
        }));
    }

    /// Shows a step of a command.
    pub(crate) fn show_stage(&self, app: &App, account: AccountId, stage: CommandStage) {
        let mut said: Vec<String> = stage
            .notes
            .iter()
            .map(|note| view::text::line(&note.text, 600).text)
            .collect();
        if stage.actions.is_empty() {
            let over = if stage.cancelled {
                "form.cancelled"
            } else {
                "form.over"
            };
            said.push(app.words().say(over));
        }
        let form = stage.form.unwrap_or_default();
        self.show(
            app,
            account,
            Purpose::Command(stage.run, stage.actions),
            form,
            &said,
        );
    }

    /// Closes it and forgets what was written.
    pub(crate) fn close(&self, app: &App) {
        self.inner.replace(None);
        let global = app.ui().global::<markup::ServiceForm<'_>>();
        global.set_open(false);
        global.set_busy(false);
        global.set_lines(ModelRc::default());
        global.set_rows(ModelRc::default());
    }

    fn change(&self, place: i32, act: impl FnOnce(&Form, &mut Answers, usize)) {
        let mut inner = self.inner.borrow_mut();
        let (Some(inner), Ok(place)) = (inner.as_mut(), usize::try_from(place)) else {
            return;
        };
        act(&inner.form, &mut inner.answers, place);
    }

    fn pick(&self, place: i32, option: i32, yes: bool) {
        let mut inner = self.inner.borrow_mut();
        let (Some(inner), Ok(place), Ok(option)) =
            (inner.as_mut(), usize::try_from(place), usize::try_from(option))
        else {
            return;
        };
        let picked = inner.picked.entry(place).or_default();
        picked.retain(|it| *it != option);
        if yes {
            picked.push(option);
        }
        view::choose(&inner.form, &mut inner.answers, place, picked);
    }

    fn act(self: &Rc<Self>, app: &Rc<App>, action: i32) {
        let inner = self.inner.borrow();
        let Some(inner) = inner.as_ref() else { return };
        let (account, answers) = (inner.account, inner.answers.clone());
        app.ui().global::<markup::ServiceForm<'_>>().set_busy(true);
        match &inner.purpose {
            Purpose::Register(gateway) => self.register(app, account, gateway.clone(), answers),
            Purpose::Search(service) => self.search(app, account, service.clone(), answers),
            Purpose::Command(run, actions) => {
                let action = usize::try_from(action).ok().and_then(|at| actions.get(at));
                if let (Some(run), Some(action)) = (*run, action) {
                    self.step(
                        app,
                        StepCommand {
                            account,
                            run,
                            action: *action,
                            answers,
                        },
                    );
                }
            }
        }
    }

    fn register(self: &Rc<Self>, app: &Rc<App>, account: AccountId, gateway: Address, answers: Answers) {
        let command = Command::RegisterGateway(RegisterGateway {
            account,
            gateway,
            answers,
        });
        let form = self.clone();
        app.send::<Done>(&command, move |app, done| match done {
            Ok(_) => {
                form.close(app);
                let words = app.words().say("gateway.registered");
                app.ui().global::<markup::Gateways<'_>>().set_told(words.into());
            }
            Err(problem) => refused(app, &problem),
        });
    }

    fn search(self: &Rc<Self>, app: &Rc<App>, account: AccountId, service: Address, answers: Answers) {
        let command = Command::SearchService(SearchService {
            account,
            service: service.clone(),
            answers,
        });
        let open = self.clone();
        app.send::<Form>(&command, move |app, found| match found {
            Ok(found) => {
                let none = found.rows.is_empty().then(|| app.words().say("form.nobody"));
                let said: Vec<String> = none.into_iter().collect();
                open.show(app, account, Purpose::Search(service), found, &said);
            }
            Err(problem) => refused(app, &problem),
        });
    }

    fn step(self: &Rc<Self>, app: &Rc<App>, step: StepCommand) {
        let (open, account) = (self.clone(), step.account);
        app.send::<CommandStage>(&Command::StepCommand(step), move |app, stage| match stage {
            Ok(stage) => open.show_stage(app, account, stage),
            Err(problem) => refused(app, &problem),
        });
    }
}

fn refused(app: &App, problem: &model::Problem) {
    app.ui().global::<markup::ServiceForm<'_>>().set_busy(false);
    let global = app.ui().global::<markup::Gateways<'_>>();
    global.set_problem(app.say(problem));
}

/// The code of what an action of a command is called.
fn named(action: CommandAction) -> &'static str {
    match action {
        CommandAction::Cancel => "form.cancel",
        CommandAction::Complete => "form.complete",
        CommandAction::Execute => "form.go_on",
        CommandAction::Next => "form.next",
        CommandAction::Previous => "form.previous",
    }
}

/// What is chosen at first, in fields of which some options can be.
fn chosen(form: &Form) -> BTreeMap<usize, Vec<usize>> {
    let places = form.fields.iter().enumerate().map(|(place, field)| {
        let options = field.options.iter().enumerate();
        let chosen = options.filter(|(_, it)| field.values.contains(&it.value));
        (place, chosen.map(|(at, _)| at).collect())
    });
    places.collect()
}

fn line(row: view::FieldRow, ticked: bool) -> FormLine {
    let look = match row.look {
        FieldLook::Box => FormLook::Box,
        FieldLook::Lines => FormLook::Lines,
        FieldLook::OneOf => FormLook::OneOf,
        FieldLook::Read => FormLook::Read,
        FieldLook::Secret => FormLook::Secret,
        FieldLook::SomeOf => FormLook::SomeOf,
        FieldLook::Text => FormLook::Text,
    };
    let current = row.options.iter().position(|(_, chosen)| *chosen);
    let (options, chosen): (Vec<SharedString>, Vec<bool>) = row
        .options
        .into_iter()
        .map(|(label, chosen)| (label.into(), chosen))
        .unzip();
    FormLine {
        look,
        label: row.label.into(),
        hint: row.hint.into(),
        text: row.text.into(),
        ticked,
        options: ModelRc::new(VecModel::from(options)),
        chosen: ModelRc::new(VecModel::from(chosen)),
        current: current.and_then(|at| i32::try_from(at).ok()).unwrap_or(-1),
        required: row.required,
    }
}
