//! The graph of crates, as `cargo metadata` tells it: ours, those of others, and the arrows between them.
//! It must never leave out a crate of ours, whatever its folder.
//! Standard: the JSON format of `cargo metadata`, version 1.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::Complaints;

/// One crate, ours or another's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its licence, as an SPDX expression.
    pub license: String,
    /// The oldest compiler that it promises to work with.
    pub rust_version: String,
    /// The edition of the language.
    pub edition: String,
    /// Whether it may be published to any registry.
    pub publishable: bool,
    /// The crates that it is built on (normal and build dependencies, not those of its tests), by id.
    needs: BTreeSet<String>,
}

/// All crates that the workspace is built from.
#[derive(Clone, Debug, Default)]
pub struct Graph {
    packages: BTreeMap<String, Package>,
    ours: BTreeSet<String>,
}

/// The arrows that are allowed: a crate of ours, and the crates of ours that it may depend on.
pub type Arrows<'a> = &'a [(&'a str, &'a [&'a str])];

impl Graph {
    /// Reads what `cargo metadata --format-version 1` printed.
    ///
    /// # Errors
    /// A sentence, where it is not of that form.
    pub fn parse(text: &str) -> Result<Graph, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| format!("no JSON: {error}"))?;
        let mut graph = Graph::default();
        for package in list(&json, "packages")? {
            graph
                .packages
                .insert(word(package, "id")?, read_package(package)?);
        }
        for id in list(&json, "workspace_members")? {
            graph
                .ours
                .insert(id.as_str().ok_or("a member without id")?.to_owned());
        }
        for node in list(json.get("resolve").unwrap_or(&Value::Null), "nodes")? {
            let needs = needs(node)?;
            let package = graph
                .packages
                .get_mut(&word(node, "id")?)
                .ok_or("a node without package")?;
            package.needs = needs;
        }
        Ok(graph)
    }

    /// The crates of this workspace.
    pub fn ours(&self) -> impl Iterator<Item = &Package> {
        self.ours.iter().filter_map(|id| self.packages.get(id))
    }

    /// The names of all crates that `name`, a crate of ours, is built from; itself is one of them.
    pub fn closure(&self, name: &str) -> BTreeSet<&str> {
        let start = self
            .ours
            .iter()
            .filter(|id| self.packages.get(*id).is_some_and(|p| p.name == name));
        let mut open: Vec<&str> = start.map(String::as_str).collect();
        let mut seen = BTreeSet::new();
        while let Some(id) = open.pop() {
            if seen.insert(id)
                && let Some(package) = self.packages.get(id)
            {
                open.extend(package.needs.iter().map(String::as_str));
            }
        }
        seen.into_iter()
            .filter_map(|id| self.packages.get(id))
            .map(|package| package.name.as_str())
            .collect()
    }

    /// Which arrows between our crates are not in `allowed`, and which of our crates have no line there.
    pub fn wrong_arrows(&self, allowed: Arrows<'_>) -> Complaints {
        let mut complaints = Complaints::new();
        for package in self.ours() {
            let Some((_, may)) = allowed.iter().find(|(name, _)| *name == package.name) else {
                complaints.push(format!("`{}` has no line in the table of arrows", package.name));
                continue;
            };
            for need in package
                .needs
                .intersection(&self.ours)
                .filter_map(|id| self.packages.get(id))
            {
                if !may.contains(&need.name.as_str()) {
                    complaints.push(format!("`{}` may not depend on `{}`", package.name, need.name));
                }
            }
        }
        complaints
    }

    /// Which lines of `allowed` name a crate or an arrow that is not there: a table that allows more than is used
    /// hides the next mistake.
    pub fn idle_arrows(&self, allowed: Arrows<'_>) -> Complaints {
        let mut complaints = Complaints::new();
        for (name, may) in allowed {
            let Some(package) = self.ours().find(|package| package.name == *name) else {
                complaints.push(format!("the table of arrows names `{name}`, which is not there"));
                continue;
            };
            let used: BTreeSet<&str> = package
                .needs
                .iter()
                .filter_map(|id| self.packages.get(id))
                .map(|p| p.name.as_str())
                .collect();
            let idle = may.iter().filter(|need| !used.contains(*need));
            complaints.extend(
                idle.map(|need| format!("`{name}` does not depend on `{need}`: take it off the table")),
            );
        }
        complaints
    }
}

fn read_package(package: &Value) -> Result<Package, String> {
    let text = |key: &str| {
        package
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    Ok(Package {
        name: word(package, "name")?,
        license: text("license"),
        rust_version: text("rust_version"),
        edition: text("edition"),
        // `null` is "to anywhere", an empty list "to nowhere".
        publishable: package
            .get("publish")
            .and_then(Value::as_array)
            .is_none_or(|to| !to.is_empty()),
        needs: BTreeSet::new(),
    })
}

/// The ids of what a node needs for more than its tests.
fn needs(node: &Value) -> Result<BTreeSet<String>, String> {
    let mut needs = BTreeSet::new();
    for dependency in list(node, "deps")? {
        let kinds = list(dependency, "dep_kinds")?;
        let for_tests = |kind: &Value| kind.get("kind").and_then(Value::as_str) == Some("dev");
        if !kinds.iter().all(for_tests) {
            needs.insert(word(dependency, "pkg")?);
        }
    }
    Ok(needs)
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>, String> {
    value
        .get(key)
        .and_then(Value::as_array)
        .ok_or_else(|| format!("no list `{key}`"))
}

fn word(value: &Value, key: &str) -> Result<String, String> {
    let found = value.get(key).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("no `{key}`"))
}
