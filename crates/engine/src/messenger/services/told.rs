//! What services say, in the words of door 1.
//! It must never let a control character of others through, nor tell what a form hides.
//! Door 1: `service.*`, `gateway.*`; XEP-0004, XEP-0030, XEP-0050.

use model::{Address, CommandNote, FieldKind, FormOption, Problem, ServiceUse};
use serde_json::Value;
use xmpp::{FormFieldKind, QueryFailure, StanzaCondition};

use crate::messenger::to_value;
use crate::text;

/// The longest text of a service's that is shown, in characters.
const MAX_WORDS: usize = 4_000;
/// The longest answer to one field, in bytes.
const MAX_ANSWER: usize = 16_384;
/// What offers commands, registration, rooms and searches.
const USES: [(&str, ServiceUse); 4] = [
    ("http://jabber.org/protocol/commands", ServiceUse::Commands),
    ("jabber:iq:register", ServiceUse::Register),
    ("http://jabber.org/protocol/muc", ServiceUse::Rooms),
    ("jabber:iq:search", ServiceUse::Search),
];

/// The words of others.
pub(in crate::messenger) fn plain(words: &str) -> String {
    text::beginning(&text::plain(words), MAX_WORDS)
}

fn words(words: Option<&String>) -> Option<String> {
    words.map(|words| plain(words)).filter(|words| !words.is_empty())
}

/// A form without what it hides.
pub(in crate::messenger) fn form(form: &xmpp::Form) -> model::Form {
    let column = |column: &xmpp::FormColumn| plain(column.label.as_ref().unwrap_or(&column.name));
    model::Form {
        title: words(form.title.as_ref()),
        instructions: plain(&form.instructions),
        fields: form.fields.iter().filter_map(field).collect(),
        columns: form.columns.iter().map(column).collect(),
        rows: form
            .rows
            .iter()
            .map(|row| row.iter().map(|value| plain(value)).collect())
            .collect(),
    }
}

fn field(field: &xmpp::FormField) -> Option<model::FormField> {
    let option = |(label, value): &(String, String)| FormOption {
        label: plain(label),
        value: value.clone(),
    };
    Some(model::FormField {
        name: field.name.clone(),
        label: words(field.label.as_ref()),
        description: words(field.description.as_ref()),
        kind: kind(field.kind)?,
        required: field.required,
        values: field.values.iter().map(|value| plain(value)).collect(),
        options: field.options.iter().map(option).collect(),
    })
}

fn kind(kind: FormFieldKind) -> Option<FieldKind> {
    Some(match kind {
        FormFieldKind::Boolean => FieldKind::Boolean,
        FormFieldKind::Fixed => FieldKind::Fixed,
        FormFieldKind::Hidden => return None,
        FormFieldKind::JidMulti => FieldKind::JidMulti,
        FormFieldKind::JidSingle => FieldKind::JidSingle,
        FormFieldKind::ListMulti => FieldKind::ListMulti,
        FormFieldKind::ListSingle => FieldKind::ListSingle,
        FormFieldKind::TextMulti => FieldKind::TextMulti,
        FormFieldKind::TextPrivate => FieldKind::TextPrivate,
        FormFieldKind::TextSingle => FieldKind::TextSingle,
    })
}

/// A form with what the owner filled in.
///
/// # Errors
/// Where an answer is too long, cannot be sent, or a field that has to be filled in is empty.
pub(super) fn fill(form: &xmpp::Form, answers: &model::Answers) -> Result<xmpp::Answers, Problem> {
    let bad = |value: &str| value.len() > MAX_ANSWER || value.contains('\0');
    if answers.values().flatten().any(|value| bad(value.expose())) {
        let text = "An answer is too long or holds a character that cannot be sent.";
        return Err(Problem::new("service.bad_answer", text));
    }
    let given = |name: &str| {
        let values = answers.get(name)?;
        Some(values.iter().map(|value| value.expose().to_owned()).collect())
    };
    let filled = xmpp::Answers::to(form, given);
    match form.missing(&filled) {
        Some(name) => {
            let problem = Problem::new(
                "service.field_needed",
                "A field that has to be filled in is empty.",
            );
            Err(problem.with(vec![plain(name)]))
        }
        None => Ok(filled),
    }
}

pub(super) fn address(gateway: &Address, jid: &jid::Jid) -> Result<Value, Problem> {
    // What is not under its own name would be somebody else's.
    let own = jid.node().is_some() && jid.domain().as_str() == gateway.as_str();
    let contact = own.then(|| jid.to_bare().as_str().parse().ok()).flatten();
    let contact = contact.ok_or_else(unusable)?;
    to_value(&model::FoundAtGateway { contact })
}

pub(super) fn prompt(about: Option<String>, wanted: Option<String>) -> model::GatewayPrompt {
    model::GatewayPrompt {
        about: words(about.as_ref()),
        wanted: words(wanted.as_ref()),
    }
}

pub(super) fn commands(listed: &[xmpp::Listed]) -> model::ServiceCommands {
    let command = |listed: &xmpp::Listed| model::ServiceCommand {
        command: listed.node.clone(),
        name: words(listed.name.as_ref()),
    };
    model::ServiceCommands {
        commands: listed.iter().map(command).collect(),
    }
}

pub(super) fn services(found: &[xmpp::Service]) -> model::Services {
    model::Services {
        services: found.iter().filter_map(service).collect(),
    }
}

fn service(found: &xmpp::Service) -> Option<model::Service> {
    let mut names = found.identities.iter().filter_map(|(_, _, name)| name.as_ref());
    let uses = USES.iter().filter(|(feature, _)| found.offers(feature));
    Some(model::Service {
        address: found.at.to_bare().as_str().parse().ok()?,
        name: words(names.next()),
        kinds: found
            .identities
            .iter()
            .map(|(category, kind, _)| plain(&format!("{category}/{kind}")))
            .collect(),
        can: uses.map(|(_, service_use)| *service_use).collect(),
    })
}

const ACTIONS: [(xmpp::CommandAction, model::CommandAction); 5] = [
    (xmpp::CommandAction::Cancel, model::CommandAction::Cancel),
    (xmpp::CommandAction::Complete, model::CommandAction::Complete),
    (xmpp::CommandAction::Execute, model::CommandAction::Execute),
    (xmpp::CommandAction::Next, model::CommandAction::Next),
    (xmpp::CommandAction::Previous, model::CommandAction::Previous),
];

pub(super) fn action(wanted: model::CommandAction) -> xmpp::CommandAction {
    let mut actions = ACTIONS.into_iter();
    let known = actions.find(|(_, action)| *action == wanted);
    known.map_or(xmpp::CommandAction::Execute, |(action, _)| action)
}

pub(super) fn stage(run: Option<u64>, stage: &xmpp::CommandStage) -> model::CommandStage {
    let offered = ACTIONS
        .iter()
        .filter(|(action, _)| stage.actions.contains(action));
    let note = |(kind, text): &(String, String)| CommandNote {
        error: kind == "error",
        text: plain(text),
    };
    model::CommandStage {
        run,
        actions: offered.map(|(_, action)| *action).collect(),
        cancelled: stage.cancelled,
        form: stage.form.as_ref().map(form),
        notes: stage.notes.iter().map(note).collect(),
    }
}

pub(super) fn failed(failure: QueryFailure) -> Problem {
    match failure {
        QueryFailure::Refused(StanzaCondition::ServerUnreachable) => Problem::new(
            "service.unreachable",
            "This service cannot be reached: its address may be wrong, or it is down.",
        ),
        QueryFailure::Refused(StanzaCondition::Overloaded) => Problem::new(
            "service.overloaded",
            "The service is overloaded or broken: try again later.",
        ),
        QueryFailure::Refused(_) => {
            Problem::new("service.refused", "The service refused, or cannot do this.")
        }
        QueryFailure::Silent => Problem::new("service.silent", "No answer came."),
        QueryFailure::Unusable => unusable(),
    }
}

pub(super) fn unusable() -> Problem {
    Problem::new(
        "service.unusable",
        "The service answered something that makes no sense.",
    )
}
