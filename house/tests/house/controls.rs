//! The rules over made-up trees: each of them has to find what it is there to find.
//! They must never use this tree. Standard: the rules themselves.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use house::graph::Graph;
use house::tree::Files;
use house::{papers, reach, tree};

/// `app` (ours) is built on `low` (ours) and `far` (not ours); `far` is built on `deep`. Their tests use `helper`.
fn metadata(far: &str, deep: &str) -> String {
    let package = |name: &str, publish: &str| {
        format!(
            r#"{{"id":"{name} 1","name":"{name}","license":"GPL-3.0-or-later","rust_version":"1.92","edition":"2024","publish":{publish}}}"#
        )
    };
    let packages = [
        package("app", "[]"),
        package("low", "[]"),
        package(far, "null"),
        package(deep, "null"),
        package("helper", "null"),
    ]
    .join(",");
    let on = |name: &str, kind: &str| format!(r#"{{"pkg":"{name} 1","dep_kinds":[{{"kind":{kind}}}]}}"#);
    let node = |name: &str, deps: &[String]| format!(r#"{{"id":"{name} 1","deps":[{}]}}"#, deps.join(","));
    let nodes = [
        node(
            "app",
            &[on("low", "null"), on(far, "\"build\""), on("helper", "\"dev\"")],
        ),
        node("low", &[]),
        node(far, &[on(deep, "null")]),
        node(deep, &[]),
        node("helper", &[]),
    ]
    .join(",");
    format!(
        r#"{{"packages":[{packages}],"workspace_members":["app 1","low 1"],"resolve":{{"nodes":[{nodes}]}}}}"#
    )
}

fn graph(far: &str, deep: &str) -> Graph {
    Graph::parse(&metadata(far, deep)).unwrap()
}

fn files(path: &str, text: &str) -> Files {
    Files::from([(path.to_owned(), text.to_owned())])
}

#[test]
fn a_bad_arrow_is_found() {
    let graph = graph("serde", "itoa");
    assert!(graph.wrong_arrows(&[("app", &["low"]), ("low", &[])]).is_empty());
    assert_eq!(
        graph.wrong_arrows(&[("app", &[]), ("low", &["app"])]),
        ["`app` may not depend on `low`"]
    );
    assert_eq!(
        graph.wrong_arrows(&[("app", &["low"])]),
        ["`low` has no line in the table of arrows"]
    );
    let idle = graph.idle_arrows(&[("app", &["low"]), ("low", &["app"]), ("gone", &[])]);
    assert_eq!(idle.len(), 2);
}

#[test]
fn a_crate_that_connects_is_found_however_deep_it_lies() {
    assert!(reach::forbidden(&graph("serde", "itoa"), reach::REACHING, &[]).is_empty());
    for (far, deep) in [
        ("reqwest", "http"),
        ("client", "hickory-resolver"),
        ("tor-proto", "x"),
        ("x", "openssl-sys"),
    ] {
        let graph = graph(far, deep);
        assert_eq!(
            reach::forbidden(&graph, reach::REACHING, &[]).len(),
            1,
            "{far} {deep}"
        );
        assert!(reach::forbidden(&graph, reach::REACHING, &["app"]).is_empty());
    }
    assert_eq!(
        reach::forbidden_in(&graph("tokio", "mio"), reach::WAITING, "app").len(),
        2
    );
}

#[test]
fn what_only_tests_use_is_not_built_in() {
    let graph = graph("serde", "itoa");
    let closure = graph.closure("app");
    assert!(closure.contains("itoa") && closure.contains("low") && !closure.contains("helper"));
}

#[test]
fn metadata_of_another_form_is_refused_and_not_taken_for_an_empty_graph() {
    for text in [
        "",
        "{}",
        r#"{"packages":[]}"#,
        r#"{"packages":[],"workspace_members":[]}"#,
    ] {
        assert!(Graph::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_crate_of_another_law_is_found() {
    let lawful = "[package]\nname = \"x\"\nversion.workspace = true\nedition.workspace = true\n\
                  rust-version.workspace = true\nlicense.workspace = true\npublish.workspace = true\n\n\
                  [lints]\nworkspace = true\n";
    assert!(tree::unlawful_manifests(&files("crates/x/Cargo.toml", lawful), &[]).is_empty());
    let unlinted = lawful.replace("[lints]", "[lint]");
    assert_eq!(
        tree::unlawful_manifests(&files("crates/x/Cargo.toml", &unlinted), &[]).len(),
        1
    );
    let own = lawful.replace("license.workspace = true", "license = \"MIT\"");
    assert_eq!(
        tree::unlawful_manifests(&files("crates/x/Cargo.toml", &own), &[]).len(),
        1
    );
    assert!(
        tree::unlawful_manifests(&files("crates/x/Cargo.toml", &own), &["crates/x/Cargo.toml"]).is_empty()
    );
    assert!(tree::unlike_the_rest(&graph("a", "b"), "1.92", |_| "GPL-3.0-or-later").is_empty());
    assert_eq!(
        tree::unlike_the_rest(&graph("a", "b"), "1.80", |_| "GPL-3.0-or-later").len(),
        2
    );
    assert_eq!(
        tree::unlike_the_rest(&graph("a", "b"), "1.92", |_| "MIT").len(),
        2
    );
}

#[test]
fn an_exception_for_unsafe_is_found() {
    let exception = concat!("    #[expect(", "unsafe_code, reason = \"so\")]\n");
    assert_eq!(
        tree::unsafe_elsewhere(&files("crates/x/src/lib.rs", exception), &["crates/walls/"]).len(),
        1
    );
    assert!(
        tree::unsafe_elsewhere(&files("crates/walls/src/lib.rs", exception), &["crates/walls/"]).is_empty()
    );
    assert!(
        tree::unsafe_elsewhere(&files("crates/x/src/lib.rs", "#![forbid(unsafe_code)]\n"), &[]).is_empty()
    );
}

#[test]
fn a_long_file_is_found() {
    let text = "line\n".repeat(tree::LONGEST_FILE);
    assert!(tree::long_files(&files("crates/x/src/lib.rs", &text)).is_empty());
    assert_eq!(
        tree::long_files(&files("crates/x/src/lib.rs", &format!("{text}line\n"))).len(),
        1
    );
}

#[test]
fn a_package_from_elsewhere_is_found() {
    let sum = "0".repeat(64);
    let from = |source: &str| {
        format!(
            "version = 4\n\n[[package]]\nname = \"x\"\nversion = \"1.0.0\"\n{source}checksum = \"{sum}\"\n"
        )
    };
    let registry = format!("source = \"{}\"\n", tree::REGISTRY);
    assert!(tree::foreign_sources(&from(&registry), &[]).is_empty());
    assert!(tree::foreign_sources(&from(""), &["x"]).is_empty());
    assert_eq!(tree::foreign_sources(&from(""), &["y"]).len(), 1);
    assert_eq!(
        tree::foreign_sources(&from("source = \"git+https://example.org/x\"\n"), &["x"]).len(),
        1
    );
    assert_eq!(
        tree::foreign_sources(&from(&registry).replace(&sum, ""), &[]).len(),
        1
    );
}

#[test]
fn a_test_that_is_only_claimed_is_found() {
    let source = "    #[test]\n    #[ignore = \"slow\"]\n    fn it_holds() {}\n\nfn helper() {}\n\
                  #[tokio::test]\nasync fn it_waits() {}\n";
    let tests = papers::tests(&files("crates/otr/src/lib.rs", source));
    let claim = |text: &str| papers::missing_tests("P", text, &tests).len();
    assert_eq!(claim("shown by `otr::it_holds` and `otr::it_waits`"), 0);
    assert_eq!(claim("shown by `otr::helper`, `otr::gone`, `xmpp::it_holds`"), 3);
    assert_eq!(papers::named_tests("`a::b` `c` `d::e`"), 2);
}

#[test]
fn a_requirement_without_a_line_or_an_answer_is_found() {
    let all = "| R1 | x | `otr::a` |\n| R2 | y | open |\n";
    assert!(papers::unlisted_requirements("P", all, "R", 2).is_empty());
    assert_eq!(papers::unlisted_requirements("P", all, "R", 3).len(), 1);
    assert_eq!(
        papers::unlisted_requirements("P", "| R1 | x | |\n", "R", 1).len(),
        1
    );
    assert_eq!(
        papers::unlisted_requirements("P", &all.repeat(2), "R", 2).len(),
        2
    );
}

#[test]
fn a_pointer_into_nothing_is_found() {
    let there = |path: &str| path == "docs/rpc.md";
    let missing = |text: &str| papers::missing_files("P", text, &["docs"], there).len();
    assert_eq!(
        missing("see `docs/rpc.md`, [it](docs/rpc.md), [away](https://example.org/docs/x)"),
        0
    );
    assert_eq!(missing("see `docs/gone.md` and [that](OTHER.md)"), 2);
    assert_eq!(missing("```\n`docs/gone.md`\n```\n"), 0);
}

#[test]
fn the_table_of_arrows_is_read_as_it_stands() {
    let text = "## Arrows\n| crate | needs |\n|---|---|\n| `a` | `b`, `c` |\n| `b` | nothing |\n## More\n| `x` | `y` |\n";
    let arrows = papers::arrows(text, "## Arrows");
    assert_eq!(arrows.len(), 2);
    assert_eq!(arrows["a"].len(), 2);
    assert!(arrows["b"].is_empty());
}
