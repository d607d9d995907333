//! Compiles the markup, with the translations inside, and one that nobody made: the pseudo-locale, for the tests.

#[expect(unreachable_pub, reason = "it is public in its own crate")]
#[path = "../view/src/stretch.rs"]
mod stretch;

use std::fs;
use std::io::Error;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let languages = with_pseudo(Path::new("lang"))?;
    let settings = slint_build::CompilerConfiguration::new()
        .with_style("fluent-light".into())
        // One string has one translation, wherever it stands.
        .with_default_translation_context(slint_build::DefaultTranslationContext::None)
        .with_bundled_translations(languages)
        // Names of elements stay in: the tests find elements by them.
        .with_debug_info(true);
    slint_build::compile_with_config("ui/app.slint", settings)?;
    Ok(())
}

/// A folder with the catalogues and, beside them, `qps`: the English sentences with longer words.
fn with_pseudo(from: &Path) -> Result<PathBuf, Error> {
    let out = std::env::var_os("OUT_DIR").ok_or_else(|| Error::other("cargo sets OUT_DIR"))?;
    let folder = PathBuf::from(out).join("lang");
    let catalogue = |language: &str| folder.join(language).join("LC_MESSAGES/window.po");
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        let Some(language) = name.to_str() else { continue };
        let source = from.join(language).join("LC_MESSAGES/window.po");
        say_that_it_is_read(&source);
        let text = fs::read_to_string(&source)?;
        let changed = fs::metadata(&source)?.modified()?;
        put(&catalogue(language), &text, changed)?;
        if language == "de" {
            put(&catalogue("qps"), &pseudo(&text), changed)?;
        }
    }
    Ok(folder)
}

/// Writes a file that is as old as its source, so that it does not look changed at the next build.
fn put(path: &Path, text: &str, changed: SystemTime) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, text)?;
    fs::File::options().write(true).open(path)?.set_modified(changed)
}

fn say_that_it_is_read(path: &Path) {
    println!("cargo:rerun-if-changed={}", path.display());
}

/// The catalogue of a language that forms plurals as English does, with longer English in the place of its own words.
fn pseudo(model: &str) -> String {
    let (mut one, mut more) = (String::new(), String::new());
    let mut out = String::new();
    for line in model.lines() {
        let said = |start: &str| line.strip_prefix(start)?.strip_suffix('"').map(stretch::stretch);
        if let Some(text) = said("msgid \"") {
            one = text;
        } else if let Some(text) = said("msgid_plural \"") {
            more = text;
        }
        let longer = if one == "[]" {
            // The head of the catalogue.
            line.replace("Language: de", "Language: qps")
        } else if line.starts_with("msgstr[0]") {
            format!("msgstr[0] \"{one}\"")
        } else if line.starts_with("msgstr[") {
            format!("msgstr[1] \"{more}\"")
        } else if line.starts_with("msgstr") {
            format!("msgstr \"{one}\"")
        } else {
            line.to_owned()
        };
        out.push_str(&longer);
        out.push('\n');
    }
    out
}
