//! The house rules, held against this tree. It must never be weakened to let something pass: change the rule where it
//! stands, in the same commit and with the reason. Standard: ARCHITECTURE.md, THREATS.md, STANDARDS.md, CONTRIBUTING.md.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use house::graph::{Arrows, Graph};
use house::tree::Files;
use house::{Complaints, papers, reach, tree};

#[path = "house/controls.rs"]
mod controls;

/// Who may depend on whom. ARCHITECTURE.md shows the same table.
const ARROWS: Arrows<'static> = &[
    ("dial", &["door"]),
    ("door", &[]),
    ("engine", &["dial", "irc", "model", "otr", "vault", "xmpp"]),
    ("gate", &["door"]),
    ("house", &[]),
    ("irc", &["scram"]),
    ("lab", &[]),
    ("model", &[]),
    ("otr", &[]),
    ("otter", &["engine", "gate", "model", "otr", "walls", "window"]),
    ("scram", &[]),
    ("stories", &["lab", "model"]),
    ("vault", &[]),
    ("view", &["model"]),
    ("walls", &[]),
    ("window", &["model", "view"]),
    ("xmpp", &["scram"]),
];

/// The gate reaches the network; `otter` is the program that holds all rooms, and in it the rooms are told apart by the
/// walls.
const MAY_REACH: &[&str] = &["gate", "otter"];

/// What the window alone may be built on: the bus of screen readers is a socket of this machine, and the walls of the
/// window's room allow no other kind.
const OF_THE_WINDOW: &[&str] = &["async-io"];

/// State machines, languages and files: time and bytes are passed in.
const NEVER_WAIT: &[&str] = &[
    "door", "house", "irc", "model", "otr", "scram", "vault", "view", "walls", "xmpp",
];

/// Where `unsafe` stands, each time with its reason: system calls that have no safe wrapper.
const UNSAFE: &[&str] = &["crates/walls/", "lab/src/isolation.rs"];

/// Folders with source of ours.
const FOLDERS: &[&str] = &["crates", "house", "lab", "stories"];

/// Papers whose every pointer to a file is followed.
const PAPERS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "THREATS.md",
    "STANDARDS.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
];

/// Crates under a licence that lets everybody use them.
const OF_USE_TO_OTHERS: &[&str] = &["irc", "otr", "scram"];

const RUST_VERSION: &str = "1.92";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn paper(name: &str) -> String {
    std::fs::read_to_string(root().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn files() -> Files {
    tree::read(&root(), FOLDERS).expect("the tree can be read")
}

#[expect(
    clippy::disallowed_methods,
    reason = "cargo itself is the only one who knows the graph"
)]
fn graph() -> Graph {
    // With all features: what only the build for tests is made of is held to the same rules. Cargo asks the network
    // for nothing that the build of the workspace has not brought already.
    let told = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--locked", "--format-version", "1", "--all-features"])
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .current_dir(root())
        .output()
        .expect("cargo can be started");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    Graph::parse(&String::from_utf8_lossy(&told.stdout)).expect("cargo tells the graph")
}

fn licence(name: &str) -> &'static str {
    if OF_USE_TO_OTHERS.contains(&name) {
        "MIT OR Apache-2.0"
    } else {
        "GPL-3.0-or-later"
    }
}

#[track_caller]
fn none(complaints: Complaints) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn arrows_run_downward_only() {
    let graph = graph();
    none(graph.wrong_arrows(ARROWS));
    none(graph.idle_arrows(ARROWS));
}

#[test]
fn the_page_on_architecture_shows_the_arrows_that_are_checked() {
    let shown = papers::arrows(&paper("ARCHITECTURE.md"), "## Arrows");
    let checked: BTreeMap<_, _> = ARROWS
        .iter()
        .map(|(name, needs)| {
            (
                (*name).to_owned(),
                needs.iter().map(|need| (*need).to_owned()).collect(),
            )
        })
        .collect();
    assert_eq!(shown, checked);
}

#[test]
fn nothing_but_the_gate_can_open_or_resolve_a_connection() {
    let graph = graph();
    none(reach::forbidden(
        &graph,
        reach::REACHING,
        &[MAY_REACH, &["window"]].concat(),
    ));
    let of_the_window: Vec<_> = reach::REACHING
        .iter()
        .filter(|(name, _)| !OF_THE_WINDOW.contains(name))
        .copied()
        .collect();
    none(reach::forbidden_in(&graph, &of_the_window, "window"));
    // The list would find what is there: it finds Tor in the gate.
    assert!(!reach::forbidden_in(&graph, reach::REACHING, "gate").is_empty());
}

#[test]
fn the_gate_has_one_way_out_and_no_resolver() {
    let but_tor: Vec<_> = reach::REACHING
        .iter()
        .copied()
        .filter(|(name, _)| !matches!(*name, "arti-client" | "tor-*"))
        .collect();
    none(reach::forbidden_in(&graph(), &but_tor, "gate"));
}

#[test]
fn languages_and_state_machines_wait_for_nothing() {
    let graph = graph();
    none(
        NEVER_WAIT
            .iter()
            .flat_map(|name| reach::forbidden_in(&graph, reach::WAITING, name))
            .collect(),
    );
    assert!(!reach::forbidden_in(&graph, reach::WAITING, "engine").is_empty());
}

#[test]
fn every_crate_is_under_the_law_of_the_workspace() {
    let manifests: Vec<String> = OF_USE_TO_OTHERS
        .iter()
        .map(|name| format!("crates/{name}/Cargo.toml"))
        .collect();
    let licensed: Vec<&str> = manifests.iter().map(String::as_str).collect();
    none(tree::unlawful_manifests(&files(), &licensed));
    none(tree::unlike_the_rest(&graph(), RUST_VERSION, licence));
    let law = paper("Cargo.toml");
    for line in [
        "unsafe_code = \"deny\"",
        "unwrap_used = \"deny\"",
        "expect_used = \"deny\"",
        "panic = \"deny\"",
        "indexing_slicing = \"deny\"",
        "string_slice = \"deny\"",
        "disallowed_methods = \"deny\"",
        "missing_docs = \"deny\"",
    ] {
        assert!(
            law.lines().any(|it| it == line),
            "the lint table has lost the line {line}"
        );
    }
}

#[test]
fn unsafe_code_stands_only_where_the_kernel_is_asked() {
    none(tree::unsafe_elsewhere(&files(), UNSAFE));
}

#[test]
fn no_file_is_too_long_to_read() {
    none(tree::long_files(&files()));
}

#[test]
fn every_package_of_others_comes_from_the_one_registry_with_a_checksum() {
    let ours: Vec<&str> = ARROWS.iter().map(|(name, _)| *name).collect();
    none(tree::foreign_sources(&paper("Cargo.lock"), &ours));
}

#[test]
fn every_test_that_the_papers_name_is_there() {
    let tests = papers::tests(&files());
    for name in ["THREATS.md", "STANDARDS.md"] {
        let text = paper(name);
        assert!(
            papers::named_tests(&text) > 30,
            "{name} names hardly any test: has its form changed?"
        );
        none(papers::missing_tests(name, &text, &tests));
    }
}

/// One file an extension: each is in the list for machines, with tests that are there.
#[test]
fn every_extension_of_xmpp_is_in_the_list_for_machines_with_its_test() {
    let (name, text) = ("docs/otter.doap", paper("docs/otter.doap"));
    none(papers::missing_tests(name, &text, &papers::tests(&files())));
    let listed = text.matches("<xmpp:SupportedXep>").count();
    assert!(
        papers::named_tests(&text) >= listed,
        "{name}: an extension without a test"
    );
    for file in std::fs::read_dir(root().join("crates/xmpp/src/xep")).expect("there are extensions") {
        let file = file.expect("it can be read").file_name();
        let file = file.to_string_lossy().into_owned();
        let number = file.split('_').next().unwrap_or_default();
        assert!(
            text.contains(&format!("/xep-{number}.html")),
            "{name} does not list {file}"
        );
    }
}

#[test]
fn every_requirement_of_otr_is_listed_with_its_test_or_as_open() {
    let text = paper("STANDARDS.md");
    none(papers::unlisted_requirements("STANDARDS.md", &text, "R", 55));
    none(papers::unlisted_requirements("STANDARDS.md", &text, "A", 35));
}

#[test]
fn every_file_that_the_papers_point_to_is_there() {
    let folders = ["crates", "docs", "house", "lab", "stories"];
    let is_there = |path: &str| root().join(path).exists();
    for name in PAPERS {
        none(papers::missing_files(name, &paper(name), &folders, is_there));
    }
    for decision in std::fs::read_dir(root().join("docs/decisions")).expect("there are decisions") {
        let path = decision.expect("it can be read").path();
        let text = std::fs::read_to_string(&path).expect("it is text");
        none(papers::missing_files(
            &path.display().to_string(),
            &text,
            &folders,
            is_there,
        ));
    }
}
