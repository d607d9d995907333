//! Which prefix stands for which namespace, at each level of a stream.
//! Must never be asked about levels beyond the depth limit, so that a look-up stays short.
//! Namespaces in XML 1.0 (third edition).

use minidom::Element;
use rxml::{AttrMap, Namespace, RawQName};

use super::insert_once;
use crate::error::OfflineReason;

/// The declarations of all open elements, outermost first.
#[derive(Default)]
pub(super) struct Namespaces {
    scopes: Vec<Scope>,
}

#[derive(Default)]
struct Scope {
    default: Option<String>,
    prefixes: Vec<(String, String)>,
}

impl Namespaces {
    /// Enters an element: resolves its name and attributes.
    pub(super) fn open(
        &mut self,
        name: RawQName,
        attributes: Vec<(RawQName, String)>,
    ) -> Result<Element, OfflineReason> {
        let mut scope = Scope::default();
        let mut plain = Vec::with_capacity(attributes.len());
        for (name, value) in attributes {
            match &name.0 {
                None if name.1 == "xmlns" => scope.default = Some(value),
                Some(prefix) if prefix == "xmlns" => scope.declare(name.1.to_string(), value)?,
                _ => plain.push((name, value)),
            }
        }
        self.scopes.push(scope);
        let mut resolved = AttrMap::new();
        for ((prefix, local), value) in plain {
            let namespace = match &prefix {
                None => Namespace::NONE,
                Some(prefix) if prefix == "xml" => Namespace::XML,
                Some(prefix) => Namespace::from(self.of_prefix(prefix)?.to_owned()),
            };
            insert_once(&mut resolved, namespace, local, value)?;
        }
        let namespace = match &name.0 {
            None => self.default(),
            Some(prefix) => self.of_prefix(prefix)?,
        };
        let mut element = Element::bare(name.1.as_str(), namespace);
        *element.attrs_mut() = resolved;
        Ok(element)
    }

    /// Leaves elements until `depth` of them are open.
    pub(super) fn close_to(&mut self, depth: usize) {
        self.scopes.truncate(depth);
    }

    fn default(&self) -> &str {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.default.as_deref())
            .unwrap_or_default()
    }

    fn of_prefix(&self, prefix: &str) -> Result<&str, OfflineReason> {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.of_prefix(prefix))
            .ok_or(OfflineReason::MalformedXml)
    }
}

impl Scope {
    fn declare(&mut self, prefix: String, namespace: String) -> Result<(), OfflineReason> {
        if self.of_prefix(&prefix).is_some() {
            return Err(OfflineReason::MalformedXml);
        }
        self.prefixes.push((prefix, namespace));
        Ok(())
    }

    fn of_prefix(&self, prefix: &str) -> Option<&str> {
        self.prefixes
            .iter()
            .find(|(known, _)| known == prefix)
            .map(|(_, namespace)| namespace.as_str())
    }
}
