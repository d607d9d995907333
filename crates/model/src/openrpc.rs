//! The OpenRPC document of door 1, and the same as a page to read.
//! Both are made from [`Command::METHODS`] and [`Event`]. Standard: <https://spec.open-rpc.org>, 1.3.

use std::fmt::Write as _;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::{Command, Notification, Problem, rpc};

/// Version of the language of door 1: raised when something that exists changes its meaning.
pub const LANGUAGE: u32 = 1;

/// The OpenRPC document. The notification `event` stands under `x-notifications`, for which OpenRPC
/// has no place of its own.
pub fn document() -> Value {
    let mut generator = generator();
    let methods: Vec<Value> = Command::METHODS
        .iter()
        .map(|method| {
            json!({
                "name": method.name,
                "summary": method.summary.trim(),
                "paramStructure": "by-name",
                "params": params_of(&mut generator, method),
                "result": { "name": (method.result_name)(), "schema": (method.result)(&mut generator) },
                "errors": [{ "code": rpc::REFUSED, "message": "The engine could not do it; data is a Problem." }],
            })
        })
        .collect();
    let notification = generator.subschema_for::<Notification>();
    let _ = generator.subschema_for::<Problem>();
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "Attentive Otter, door 1",
            "version": LANGUAGE.to_string(),
            "license": { "name": "GPL-3.0-or-later" },
        },
        "methods": methods,
        "x-notifications": [{ "name": "event", "params": notification }],
        "components": { "schemas": generator.take_definitions(true) },
    })
}

/// The same as a page in Markdown: `docs/rpc.md`.
pub fn markdown() -> String {
    let document = document();
    let mut page = String::from(HEAD);
    for method in array(document.get("methods")) {
        let _ = writeln!(
            page,
            "\n### `{}`\n\n{}\n",
            text(method, "name"),
            text(method, "summary")
        );
        for param in array(method.get("params")) {
            let required = if param.get("required") == Some(&Value::Bool(true)) {
                ""
            } else {
                ", optional"
            };
            let about = param.get("schema").map(about).unwrap_or_default();
            let kind = param.get("schema").map(kind).unwrap_or_default();
            let _ = writeln!(page, "* `{}` ({kind}{required}){about}", text(param, "name"));
        }
        let _ = writeln!(
            page,
            "* result: `{}`",
            method
                .pointer("/result/name")
                .and_then(Value::as_str)
                .unwrap_or("")
        );
    }
    page.push_str("\n## Types\n");
    let schemas = document
        .pointer("/components/schemas")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    for (name, schema) in &schemas {
        write_type(&mut page, name, schema);
    }
    page
}

const HEAD: &str = "# Door 1: JSON-RPC 2.0 over standard input and output\n
Made from the program by `OTTER_BLESS=1 cargo test -p model`; `otter engine --openrpc` prints the same as an OpenRPC
document.\n
One message a line, UTF-8, at most 1 MiB. A request that fails is answered with an error whose `data` is a `Problem`:
a stable `code` and a sentence. What the engine tells by itself comes as the notification `event` with a `Notification`
as parameters. The engine keeps at most 10,000 events for a slow reader; then it drops the oldest, says how many
(`events_lost`), and the reader asks for `engine.snapshot`.\n
## Methods\n";

fn generator() -> SchemaGenerator {
    let mut settings = SchemaSettings::draft07();
    settings.definitions_path = "/components/schemas".into();
    settings.meta_schema = None;
    settings.into_generator()
}

/// OpenRPC lists parameters one by one: the properties of the method's parameter type.
fn params_of(generator: &mut SchemaGenerator, method: &crate::Method) -> Vec<Value> {
    let _ = (method.params)(generator);
    let name = (method.params_name)();
    let Some(schema) = generator.definitions().get(&name).cloned() else {
        return Vec::new();
    };
    let required: Vec<&str> = array(schema.get("required")).filter_map(Value::as_str).collect();
    let empty = Map::new();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    properties
        .iter()
        .map(|(name, schema)| {
            json!({ "name": name, "required": required.contains(&name.as_str()), "schema": schema })
        })
        .collect()
}

fn write_type(page: &mut String, name: &str, schema: &Value) {
    let _ = writeln!(page, "\n### {name}\n\n{}\n", text(schema, "description"));
    for variant in array(schema.get("oneOf")) {
        write_variant(page, variant);
    }
    write_properties(page, schema, "");
    if schema.get("properties").is_none() && schema.get("oneOf").is_none() {
        let _ = writeln!(page, "{}", kind(schema));
    }
}

fn write_variant(page: &mut String, variant: &Value) {
    let about = about(variant);
    if let Some(word) = variant.get("const").and_then(Value::as_str) {
        let _ = writeln!(page, "* `{word:?}`{about}");
        return;
    }
    for word in array(variant.get("enum")) {
        let _ = writeln!(page, "* `{word}`");
    }
    let empty = Map::new();
    let properties = variant
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    for (tag, schema) in properties {
        if let Some(word) = schema.get("const").and_then(Value::as_str) {
            let _ = writeln!(page, "* `{tag:?}: {word:?}`{about}");
        }
    }
    write_properties(page, variant, "  ");
}

fn write_properties(page: &mut String, schema: &Value, indent: &str) {
    let empty = Map::new();
    for (name, property) in schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&empty)
    {
        if property.get("const").is_none() {
            let _ = writeln!(page, "{indent}* `{name}` ({}){}", kind(property), about(property));
        }
    }
}

/// The type of a schema in a few words.
fn kind(schema: &Value) -> String {
    if let Some(path) = schema.get("$ref").and_then(Value::as_str) {
        return path.rsplit('/').next().unwrap_or(path).to_owned();
    }
    for many in ["allOf", "anyOf"] {
        let kinds: Vec<String> = array(schema.get(many)).map(kind).collect();
        if !kinds.is_empty() {
            return kinds.join(" or ");
        }
    }
    match schema.get("type") {
        Some(Value::String(name)) if name == "array" => {
            format!("list of {}", schema.get("items").map(kind).unwrap_or_default())
        }
        Some(Value::String(name)) => name.clone(),
        Some(Value::Array(names)) => names
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" or "),
        _ => "any".to_owned(),
    }
}

fn about(schema: &Value) -> String {
    match text(schema, "description") {
        "" => String::new(),
        description => format!(": {}", description.replace('\n', " ")),
    }
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or("")
}

fn array(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}
