//! What the papers claim, held against the tree: tests that they name, files that they point to, requirements that
//! they promise to list.
//! It must never take a claim for shown because its test has a fine name: it sees only that the test is there.
//! Standard: THREATS.md and STANDARDS.md, whose form is described at each function.

use std::collections::{BTreeMap, BTreeSet};

use crate::Complaints;
use crate::tree::Files;

/// The names of all tests, by the folder of the crate that they are in (`otr`, `lab`, ...).
pub type Tests = BTreeMap<String, BTreeSet<String>>;

/// Finds every test: a function below `#[test]` or `#[tokio::test]`, with other attributes in between.
pub fn tests(files: &Files) -> Tests {
    let mut tests = Tests::new();
    for (path, text) in files {
        let mut parts = path.split('/');
        let folder = match parts.next() {
            Some("crates") => parts.next(),
            first => first,
        };
        let (Some(folder), true) = (folder, path.ends_with(".rs")) else {
            continue;
        };
        tests.entry(folder.to_owned()).or_default().extend(tests_in(text));
    }
    tests
}

fn tests_in(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            marked = true;
        } else if let (true, Some(name)) = (marked, function_name(line)) {
            found.push(name.to_owned());
            marked = false;
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    line.strip_prefix("fn ")?.split(['(', '<']).next()
}

/// Which tests a paper names that are not there. A test is named as `` `crate::the_test` ``, and nothing else in these
/// papers is written with `::` between back-ticks.
pub fn missing_tests(paper: &str, text: &str, tests: &Tests) -> Complaints {
    let mut complaints = Complaints::new();
    for quoted in quoted(text) {
        let Some((folder, name)) = quoted.split_once("::") else {
            continue;
        };
        if !tests.get(folder).is_some_and(|names| names.contains(name)) {
            complaints.push(format!("{paper} names the test `{quoted}`, which is not there"));
        }
    }
    complaints
}

/// How many tests a paper names.
pub fn named_tests(text: &str) -> usize {
    quoted(text).filter(|quoted| quoted.contains("::")).count()
}

/// Which files a paper points to that are not there: whatever stands between back-ticks, or as the target of a link,
/// and begins with one of `folders`. `is_there` is asked for files and folders.
pub fn missing_files(
    paper: &str,
    text: &str,
    folders: &[&str],
    is_there: impl Fn(&str) -> bool,
) -> Complaints {
    let here = |path: &&str| {
        folders
            .iter()
            .any(|folder| path.starts_with(&format!("{folder}/")))
    };
    let whole = |path: &&str| !path.contains(['*', '{', '<', ' ', ':']);
    let named =
        quoted(text).chain(links(text).filter(|link| !link.contains("://") && !link.starts_with('#')));
    let plain = named.map(|path| path.split('#').next().unwrap_or(path));
    let linked: BTreeSet<&str> = links(text).collect();
    let wanted = plain
        .filter(whole)
        .filter(|path| here(path) || linked.contains(path));
    let missing: BTreeSet<&str> = wanted.filter(|path| !is_there(path)).collect();
    missing
        .into_iter()
        .map(|path| format!("{paper} points to {path}, which is not there"))
        .collect()
}

/// Whether the tables of a paper have exactly one line for each requirement `PREFIX1` to `PREFIXlast`, and name in it a
/// test or the word "open".
pub fn unlisted_requirements(paper: &str, text: &str, prefix: &str, last: u32) -> Complaints {
    let mut complaints = Complaints::new();
    for number in 1..=last {
        let start = format!("| {prefix}{number} |");
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with(&start)).collect();
        match lines.as_slice() {
            [line] if line.contains("::") || line.contains("open") => {}
            [_] => complaints.push(format!(
                "{paper}: {prefix}{number} has neither a test nor the word \"open\""
            )),
            lines => complaints.push(format!(
                "{paper}: {prefix}{number} has {} lines, not one",
                lines.len()
            )),
        }
    }
    complaints
}

/// Reads the table of arrows out of a paper: lines of the form `` | `crate` | `needs`, `needs` | ``, "nothing" for
/// none, below the heading `heading` and above the next one.
pub fn arrows(text: &str, heading: &str) -> BTreeMap<String, BTreeSet<String>> {
    let below = text.lines().skip_while(|line| *line != heading).skip(1);
    let section = below.take_while(|line| !line.starts_with('#'));
    let mut arrows = BTreeMap::new();
    for line in section.filter(|line| line.starts_with("| `")) {
        let mut cells = line.trim_matches('|').split('|');
        let (Some(name), Some(needs)) = (cells.next(), cells.next()) else {
            continue;
        };
        let names = |cell: &str| quoted(cell).map(str::to_owned).collect::<BTreeSet<_>>();
        arrows.extend(names(name).into_iter().map(|name| (name, names(needs))));
    }
    arrows
}

/// What stands between back-ticks, line by line; blocks of code are left out.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    let lines = text.lines().filter(move |line| {
        let fence = line.starts_with("```");
        code ^= fence;
        !fence && !code
    });
    lines.flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// The targets of links.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}
