//! XEP-0077 In-Band Registration: making an account with a name and a password, and nothing else.
//! Must never send anything that the person did not type, and never guess what else a server wants.
//! XEP-0077 3.1, XEP-0004 (data forms), XEP-0158 (which we do not do).

use minidom::Element;
use xmpp_parsers::data_forms::{DataForm, DataFormType, Field, FieldType};
use xmpp_parsers::ibr::{FieldsQuery, FormQuery, LegacyQuery};
use xmpp_parsers::iq::Iq;

use crate::config::Config;
use crate::error::{Error, OfflineReason};
use crate::ns;
use crate::write;

/// Most hidden fields that are sent back.
const MOST_HIDDEN: usize = 32;

/// The request for the fields that the server wants.
pub(crate) fn ask(config: &Config, id: &str) -> Result<Vec<u8>, Error> {
    write::encode(&Iq::from_get(id, FieldsQuery).with_to(write::domain(&config.jid)))
}

/// The filled-in answer to `query`, the payload of the server's result.
pub(crate) fn fill(config: &Config, id: &str, query: Option<&Element>) -> Result<Vec<u8>, OfflineReason> {
    let query = query
        .filter(|query| query.is("query", ns::REGISTER))
        .ok_or(OfflineReason::RegistrationRefused)?;
    let answer = match query.get_child("x", ns::DATA_FORMS) {
        Some(form) => {
            let form = fill_form(config, form)?;
            let query = FormQuery {
                instructions: None,
                form,
            };
            Iq::from_set(id, query)
        }
        None => Iq::from_set(id, fill_fields(config, query)?),
    };
    write::encode(&answer.with_to(write::domain(&config.jid))).map_err(|_| OfflineReason::UnusablePassword)
}

/// The error that the server gave instead of an account.
pub(crate) fn refusal(condition: Option<&str>) -> OfflineReason {
    match condition {
        Some("conflict") => OfflineReason::NameTaken,
        // ejabberd says so of a password with emoji.
        Some("not-acceptable") => OfflineReason::UnusablePassword,
        Some("resource-constraint" | "internal-server-error") => OfflineReason::TemporaryFailure,
        _ => OfflineReason::RegistrationRefused,
    }
}

fn fill_fields(config: &Config, query: &Element) -> Result<LegacyQuery, OfflineReason> {
    let mut children = query.children().filter(|child| child.has_ns(ns::REGISTER));
    let known = ["instructions", "password", "registered", "username"];
    let has = |name: &str| query.get_child(name, ns::REGISTER).is_some();
    if !has("username") || !has("password") || children.any(|child| !known.contains(&child.name())) {
        return Err(OfflineReason::RegistrationNeedsForm);
    }
    Ok(LegacyQuery {
        username: Some(user(config)),
        password: Some(config.password.to_string()),
        ..LegacyQuery::default()
    })
}

fn fill_form(config: &Config, form: &Element) -> Result<DataForm, OfflineReason> {
    let mut fields = Vec::new();
    let mut form_type = false;
    let (mut username, mut password) = (false, false);
    for field in form.children().filter(|child| child.is("field", ns::DATA_FORMS)) {
        let value = || field.get_child("value", ns::DATA_FORMS).map(Element::text);
        match field.attr("var") {
            Some("FORM_TYPE") => form_type = value().as_deref() == Some(ns::REGISTER),
            Some("username") => {
                username = true;
                fields.push(Field::text_single("username", &user(config)));
            }
            Some("password") => {
                password = true;
                fields.push(Field::text_single("password", &config.password));
            }
            Some(var) if field.attr("type") == Some("hidden") => {
                let value = value().unwrap_or_default();
                fields.push(Field::new(var, FieldType::Hidden).with_value(&value));
            }
            _ if field.get_child("required", ns::DATA_FORMS).is_some() => {
                return Err(OfflineReason::RegistrationNeedsForm);
            }
            _ => {}
        }
    }
    if !form_type || !username || !password || fields.len() > MOST_HIDDEN {
        return Err(OfflineReason::RegistrationNeedsForm);
    }
    Ok(DataForm::new(DataFormType::Submit, ns::REGISTER, fields))
}

fn user(config: &Config) -> String {
    let node = config.jid.node().map(|node| node.as_str());
    node.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use jid::BareJid;
    use zeroize::Zeroizing;

    use super::*;

    fn filled(query: &str) -> Result<String, OfflineReason> {
        let jid = BareJid::new("alice@example.org").unwrap();
        let config = Config::new(jid, Zeroizing::new("se<cret".to_owned()));
        let query: Element = query.parse().unwrap();
        fill(&config, "i", Some(&query)).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    fn field(text: &str) -> String {
        format!(
            "<query xmlns='jabber:iq:register'><instructions>x</instructions><x xmlns='jabber:x:data' type='form'>\
             <field type='hidden' var='FORM_TYPE'><value>jabber:iq:register</value></field>\
             <field type='text-single' var='username'><required/></field>\
             <field type='text-private' var='password'><required/></field>{text}</x></query>"
        )
    }

    #[test]
    fn name_and_password_are_enough() {
        let plain =
            "<query xmlns='jabber:iq:register'><instructions>x</instructions><username/><password/></query>";
        let answer = filled(plain).unwrap();
        assert!(
            answer.contains("<username>alice</username><password>se&lt;cret</password>"),
            "{answer}"
        );
        let answer = filled(&field("<field var='nick' type='text-single'/>")).unwrap();
        for part in [
            "type='submit'",
            "<value>alice</value>",
            "<value>se&lt;cret</value>",
            "FORM_TYPE",
        ] {
            assert!(answer.replace('"', "'").contains(part), "{answer}");
        }
        assert!(!answer.contains("nick"));
    }

    #[test]
    fn hidden_fields_go_back() {
        let hidden = "<field var='sid' type='hidden'><value>77</value></field>";
        assert!(filled(&field(hidden)).unwrap().contains("<value>77</value>"));
    }

    #[test]
    fn whatever_else_is_wanted_needs_a_person() {
        for query in [
            "<query xmlns='jabber:iq:register'><username/><password/><email/></query>",
            "<query xmlns='jabber:iq:register'><x xmlns='jabber:x:oob'><url>http://x/</url></x></query>",
            "<query xmlns='jabber:iq:register'/>",
            &field("<field var='ocr' type='text-single'><required/></field>"),
            &field("").replace("jabber:iq:register</value>", "urn:xmpp:captcha</value>"),
        ] {
            assert_eq!(
                filled(query),
                Err(OfflineReason::RegistrationNeedsForm),
                "{query}"
            );
        }
        assert_eq!(filled("<x xmlns='y'/>"), Err(OfflineReason::RegistrationRefused));
    }
}
