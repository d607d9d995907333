//! The letters: the system's for the languages, our own outlines for emoji.
//! It must never leave a letter out silently: this renderer draws what it has no outline for as nothing at all.
//! Standard: Unicode 15 for emoji, drawn from Noto Emoji (SIL Open Font License 1.1).

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use slint::fontique_011::fontique::{Blob, Collection, FamilyId, GenericFamily};

use crate::Error;

/// Families that are asked for by name, in this order, before whatever else the system has.
const WANTED: [&str; 10] = [
    "Noto Sans",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Segoe UI",
    "SF Pro Text",
    "Noto Sans CJK SC",
    "Noto Sans Symbols",
    "Noto Sans Symbols2",
    "Noto Sans Math",
    "DejaVu Sans",
];

/// Outlines of emoji that are newer than our own.
const NEWER: [&str; 2] = ["Noto Emoji", "Symbola"];

/// Families whose glyphs are pictures, which the software renderer cannot draw.
const PICTURES: [&str; 3] = ["Noto Color Emoji", "Apple Color Emoji", "Segoe UI Emoji"];

/// The software renderer on a real screen, and the letters.
///
/// # Errors
/// [`Error::NoScreen`] where there is none.
pub(crate) fn choose_renderer() -> Result<(), Error> {
    slint::BackendSelector::new()
        .backend_name("winit".to_owned())
        .renderer_name("software".to_owned())
        .select()?;
    Ok(())
}

/// Puts the families in order. To be called once the screen is chosen and before the first page is made.
pub(crate) fn register() {
    let mut fonts = slint::fontique_011::shared_collection();
    let mut families: Vec<FamilyId> = WANTED.iter().filter_map(|name| fonts.family_id(name)).collect();
    families.extend(usual(&mut fonts));
    let emoji = Blob::new(Arc::new(epaint_default_fonts::NOTO_EMOJI_REGULAR));
    families.extend(fonts.register_fonts(emoji, None).into_iter().map(|(id, _)| id));
    families.extend(NEWER.iter().filter_map(|name| fonts.family_id(name)));
    UNDRAWN.set(undrawn(&mut fonts, &families));
    for generic in [
        GenericFamily::SansSerif,
        GenericFamily::SystemUi,
        GenericFamily::UiSansSerif,
        GenericFamily::Emoji,
    ] {
        fonts.set_generic_families(generic, families.iter().copied());
    }
}

thread_local! {
    /// Emoji that no family has an outline for: they would be drawn as nothing.
    static UNDRAWN: RefCell<BTreeSet<char>> = const { RefCell::new(BTreeSet::new()) };
}

/// The English name of an emoji that cannot be drawn; `None` for everything that can, as far as is known.
pub(crate) fn name_of_undrawn(letter: char) -> Option<&'static str> {
    UNDRAWN
        .with_borrow(|undrawn| undrawn.contains(&letter))
        .then(|| emojis::get(letter.encode_utf8(&mut [0; 4])).map_or("emoji", emojis::Emoji::name))
}

/// The emoji without an outline in any of the families.
fn undrawn(fonts: &mut Collection, families: &[FamilyId]) -> BTreeSet<char> {
    let mut wanted: BTreeSet<char> = emojis::iter()
        .filter_map(|it| it.as_str().chars().next())
        .collect();
    for family in families {
        let Some(family) = fonts.family(*family) else {
            continue;
        };
        for font in family.fonts().iter().take(1) {
            let Some(data) = font.load(None) else { continue };
            if let Some(letters) = font.charmap_index().charmap(data.as_ref()) {
                wanted.retain(|letter| letters.map(*letter).is_none());
            }
        }
    }
    wanted
}

/// What the system uses for texts without serifs, pictures left out.
fn usual(fonts: &mut Collection) -> Vec<FamilyId> {
    let pictures: Vec<_> = PICTURES.iter().filter_map(|name| fonts.family_id(name)).collect();
    fonts
        .generic_families(GenericFamily::SansSerif)
        .filter(|id| !pictures.contains(id))
        .collect()
}
