//! XEP-0050 Ad-Hoc Commands: what somebody lets others do, step by step.
//! Must never go a step that the person did not choose.
//! XEP-0050 2 and 3; the forms are those of XEP-0004.

use jid::Jid;
use minidom::Element;

use crate::forms::{self, short, words};
use crate::query::{CommandAction, CommandStage, CommandStep, Listed};
use crate::{ns, write};

/// Most commands of one service.
const MOST: usize = 200;
/// Most notes of one step.
const MOST_NOTES: usize = 20;

const ACTIONS: [(CommandAction, &str); 5] = [
    (CommandAction::Cancel, "cancel"),
    (CommandAction::Complete, "complete"),
    (CommandAction::Execute, "execute"),
    (CommandAction::Next, "next"),
    (CommandAction::Previous, "prev"),
];

/// The question which commands there are.
pub(crate) fn list() -> Element {
    write::element("query", ns::DISCO_ITEMS, &[("node", ns::COMMANDS)]).build()
}

/// Which there are at `asked`. A service may name others' commands; those are left out.
pub(crate) fn listed(result: &Element, asked: &Jid) -> Vec<Listed> {
    let query = result.get_child("query", ns::DISCO_ITEMS);
    let items = query.into_iter().flat_map(Element::children);
    let read = |item: &Element| {
        Some(Listed {
            at: Jid::new(item.attr("jid")?).ok()?,
            node: short(item.attr("node"))?,
            name: short(item.attr("name")),
        })
    };
    items
        .filter(|child| child.is("item", ns::DISCO_ITEMS))
        .filter_map(read)
        .filter(|listed| listed.at.to_bare() == asked.to_bare())
        .take(MOST)
        .collect()
}

/// A step.
pub(crate) fn step(step: &CommandStep) -> Element {
    let mut actions = ACTIONS.into_iter();
    let action = actions.find(|(action, _)| *action == step.action);
    let mut attributes = vec![("node", step.node.as_str())];
    if let Some(run) = &step.run {
        attributes.push(("sessionid", run));
    }
    if let Some((_, name)) = action {
        attributes.push(("action", name));
    }
    let command = write::element("command", ns::COMMANDS, &attributes);
    match &step.answers {
        Some(answers) => command.append(forms::submit(answers)).build(),
        None => command.build(),
    }
}

/// How far it came.
pub(crate) fn stage(result: &Element) -> Option<CommandStage> {
    let command = result.get_child("command", ns::COMMANDS)?;
    let status = command.attr("status");
    let note = |child: &Element| Some((child.attr("type").unwrap_or("info").to_owned(), words(child)?));
    let notes = command.children().filter(|child| child.is("note", ns::COMMANDS));
    let goes_on = status == Some("executing");
    Some(CommandStage {
        run: short(command.attr("sessionid")),
        goes_on,
        cancelled: status == Some("canceled"),
        actions: if goes_on { actions(command) } else { Vec::new() },
        form: forms::within(command),
        notes: notes.filter_map(note).take(MOST_NOTES).collect(),
    })
}

/// What can be done next: what is offered, or the standard's choice where nothing is (XEP-0050 3.4); a command can
/// always be broken off.
fn actions(command: &Element) -> Vec<CommandAction> {
    let offered = command.get_child("actions", ns::COMMANDS);
    let offers = |name: &str| offered.is_some_and(|offered| offered.children().any(|one| one.name() == name));
    let mut actions: Vec<CommandAction> = ACTIONS
        .into_iter()
        .filter(|(_, name)| offers(name))
        .map(|(action, _)| action)
        .collect();
    if actions.is_empty() {
        actions.push(CommandAction::Complete);
    }
    actions.push(CommandAction::Cancel);
    actions.sort_unstable();
    actions.dedup();
    actions
}
