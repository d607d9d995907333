//! The files of this tree: their length, what each crate inherits, where the lock file's packages come from.
//! It must never look outside the tree, nor into what the compiler made.
//! Standard: CONTRIBUTING.md.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::Complaints;
use crate::graph::Graph;

/// Lines that a source file may have.
pub const LONGEST_FILE: usize = 700;
/// The only place that packages of others come from.
pub const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";
/// What counts as source for [`long_files`].
const SOURCE: &[&str] = &["c", "h", "lua", "py", "rs", "sh"];

/// How an exception begins, in two parts so that these lines are none.
const EXCEPTIONS: [&str; 2] = [
    concat!("allow(", "unsafe_code"),
    concat!("expect(", "unsafe_code"),
];

/// Texts of files by their path from the root of the tree, with `/` on every system.
pub type Files = BTreeMap<String, String>;

/// Reads every text beneath `folders` of `root`. Folders named `target` and hidden ones are left out; what is no
/// UTF-8 is not text.
///
/// # Errors
/// Where a folder or file cannot be read.
pub fn read(root: &Path, folders: &[&str]) -> std::io::Result<Files> {
    let mut files = Files::new();
    let mut open: Vec<PathBuf> = folders.iter().map(|folder| root.join(folder)).collect();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    open.push(entry.path());
                }
            } else if let Ok(text) = String::from_utf8(std::fs::read(entry.path())?) {
                files.insert(relative(root, &entry.path()), text);
            }
        }
    }
    Ok(files)
}

/// Which source files are longer than [`LONGEST_FILE`] lines.
pub fn long_files(files: &Files) -> Complaints {
    let source = files.iter().filter(|(path, _)| has_ending(path, SOURCE));
    let long = source.filter(|(_, text)| text.lines().count() > LONGEST_FILE);
    long.map(|(path, text)| {
        format!(
            "{path} has {} lines: {LONGEST_FILE} are the most",
            text.lines().count()
        )
    })
    .collect()
}

/// Which of the manifests do not take lints, compiler version, edition, licence and "not published" from the
/// workspace. `licensed` names those with a licence of their own.
pub fn unlawful_manifests(files: &Files, licensed: &[&str]) -> Complaints {
    let mut complaints = Complaints::new();
    for (path, text) in files.iter().filter(|(path, _)| path.ends_with("/Cargo.toml")) {
        if !text.contains("[lints]\nworkspace = true\n") {
            complaints.push(format!("{path} does not take the lint table of the workspace"));
        }
        for key in ["version", "edition", "rust-version", "license", "publish"] {
            let own = key == "license" && licensed.contains(&path.as_str());
            if !own && !text.lines().any(|line| line == format!("{key}.workspace = true")) {
                complaints.push(format!("{path} does not take `{key}` from the workspace"));
            }
        }
    }
    complaints
}

/// Which source files of ours make an exception for `unsafe`, beside those whose path begins with one of `allowed`.
pub fn unsafe_elsewhere(files: &Files, allowed: &[&str]) -> Complaints {
    let exception = |line: &str| {
        line.trim_start().starts_with("unsafe_code,")
            || EXCEPTIONS.iter().any(|exception| line.contains(exception))
    };
    let mut complaints = Complaints::new();
    for (path, text) in files.iter().filter(|(path, _)| has_ending(path, &["rs"])) {
        if !allowed.iter().any(|start| path.starts_with(start)) && text.lines().any(exception) {
            complaints.push(format!("{path} makes an exception for `unsafe`"));
        }
    }
    complaints
}

/// Which of our crates differ from the rest in compiler version, edition or licence, or could be published.
pub fn unlike_the_rest(
    graph: &Graph,
    rust_version: &str,
    license: impl Fn(&str) -> &'static str,
) -> Complaints {
    let mut complaints = Complaints::new();
    for package in graph.ours() {
        let name = &package.name;
        if package.rust_version != rust_version {
            complaints.push(format!(
                "`{name}` promises the compiler {:?}, not {rust_version}",
                package.rust_version
            ));
        }
        if package.edition != "2024" {
            complaints.push(format!(
                "`{name}` is of the edition {:?}, not 2024",
                package.edition
            ));
        }
        if package.license != license(name) {
            complaints.push(format!(
                "`{name}` is under {:?}, not {:?}",
                package.license,
                license(name)
            ));
        }
        if package.publishable {
            complaints.push(format!("`{name}` can be published by mistake"));
        }
    }
    complaints
}

/// Which packages of a lock file are neither `ours` nor from [`REGISTRY`] with a checksum.
pub fn foreign_sources(lock: &str, ours: &[&str]) -> Complaints {
    let mut complaints = Complaints::new();
    for package in lock.split("[[package]]").skip(1) {
        let field = |key: &str| {
            let start = format!("{key} = \"");
            package
                .lines()
                .find_map(|line| line.strip_prefix(start.as_str())?.strip_suffix('"'))
        };
        let name = field("name").unwrap_or("a package without name");
        match field("source") {
            None if ours.contains(&name) => {}
            None => complaints.push(format!(
                "`{name}` comes from a folder that is not of this workspace"
            )),
            Some(REGISTRY) if field("checksum").is_some_and(|sum| sum.len() == 64) => {}
            Some(REGISTRY) => complaints.push(format!("`{name}` has no checksum")),
            Some(source) => complaints.push(format!("`{name}` comes from {source}")),
        }
    }
    complaints
}

fn has_ending(path: &str, endings: &[&str]) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted))
}

fn relative(root: &Path, path: &Path) -> String {
    let below = path.strip_prefix(root).unwrap_or(path);
    below
        .iter()
        .map(|part| part.to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}
