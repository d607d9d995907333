//! Draws every screen into a folder: `cargo run --release -p window --example screens -- DIR`.
//! English, Arabic, dark, at 200 %, and in the pseudo-locale.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a picture that cannot be made ends the program"
)]

#[path = "../tests/stage/mod.rs"]
mod stage;

use std::fs::{self, File};
use std::path::Path;

use stage::Stage;
use window::headless::Picture;
use window::{Look, Theme};

/// A look and the name of its folder.
fn looks() -> Vec<(&'static str, Look)> {
    let look = |language: &str, theme, zoom| Look {
        language: language.to_owned(),
        theme,
        zoom,
        ..Look::default()
    };
    vec![
        ("en", look("en", Theme::Light, 100)),
        ("ar", look("ar", Theme::Light, 100)),
        ("dark", look("en", Theme::Dark, 100)),
        ("ar-dark", look("ar", Theme::Dark, 100)),
        ("pseudo", look("qps", Theme::Light, 100)),
        ("large", look("en", Theme::Light, 200)),
    ]
}

fn main() {
    let folder = std::env::args().nth(1).expect("the folder to draw into");
    let mut stage = Stage::new(1000, 700);
    for (name, look) in looks() {
        let folder = Path::new(&folder).join(name);
        fs::create_dir_all(&folder).unwrap();
        stage::tour::every_screen(&mut stage, &look, &|stage, name| {
            write(&folder.join(name).with_extension("png"), &stage.screen.picture());
        });
    }
}

fn write(path: &Path, picture: &Picture) {
    let mut encoder = png::Encoder::new(File::create(path).unwrap(), picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(&picture.bytes).unwrap();
}
