//! The OpenRPC document and `docs/rpc.md` say what the program does.

use std::path::Path;

use model::{Command, openrpc};

#[test]
fn the_page_in_docs_is_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/rpc.md");
    let made = openrpc::markdown();
    if std::env::var_os("OTTER_BLESS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == made,
        "docs/rpc.md is stale: run OTTER_BLESS=1 cargo test -p model"
    );
}

#[test]
fn every_method_is_in_the_document_with_parameters_and_a_result() {
    let document = openrpc::document();
    let methods = document["methods"].as_array().unwrap();
    assert_eq!(methods.len(), Command::METHODS.len());
    let send = methods
        .iter()
        .find(|method| method["name"] == "message.send")
        .unwrap();
    let names: Vec<_> = send["params"]
        .as_array()
        .unwrap()
        .iter()
        .map(|param| param["name"].clone())
        .collect();
    assert_eq!(names, ["account", "contact", "text"]);
    assert!(
        send["params"]
            .as_array()
            .unwrap()
            .iter()
            .all(|param| param["required"] == true)
    );
    assert_eq!(send["result"]["name"], "MessageSent");
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document = openrpc::document();
    let text = document.to_string();
    for part in text.split("\"$ref\":\"").skip(1) {
        let path = part.split('"').next().unwrap();
        assert!(document.pointer(path.trim_start_matches('#')).is_some(), "{path}");
    }
}
