//! The own address as a link and as a QR code, to be given away.
//! It must never hold more than the address: whoever scans it learns nothing else. Standard: RFC 5122; ISO/IEC 18004.

use std::rc::Rc;

use qrcodegen::{QrCode, QrCodeEcc};
use slint::{ComponentHandle, Image, Rgb8Pixel, SharedPixelBuffer, SharedString};
use view::Change;

use crate::pages::account::account;
use crate::pages::{Page, with};
use crate::{App, markup};

/// The sheet has nothing of its own to remember.
pub(crate) struct Share;

impl Page for Share {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Share<'_>>();
        global.on_begin(with(app, begin));
        global.on_copy(with(app, |app, text: SharedString| app.copy(&text)));
    }

    fn refresh(&self, _: &Rc<App>, _: &[Change]) {}
}

fn begin(app: &Rc<App>, index: i32) {
    let Some(account) = account(app, index) else {
        return;
    };
    let link = view::link(&account.address);
    let global = app.ui().global::<markup::Share<'_>>();
    global.set_address(account.address.as_str().into());
    global.set_key(view::fingerprint(&account.fingerprint).into());
    global.set_code(code(&link).unwrap_or_default());
    global.set_link(link.into());
}

/// Pixels of one module, and the modules of light around the code that scanners need.
const MODULE: i32 = 8;
const QUIET: i32 = 4;

/// A text as a QR code, dark on light. `None` where it is too long for one (about 2.3 kB).
fn code(text: &str) -> Option<Image> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let side = (code.size() + 2 * QUIET) * MODULE;
    let mut pixels = SharedPixelBuffer::<Rgb8Pixel>::new(side.try_into().ok()?, side.try_into().ok()?);
    let places = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
    for (pixel, (x, y)) in pixels.make_mut_slice().iter_mut().zip(places) {
        // Beyond its edge the code is light.
        let dark = code.get_module(x / MODULE - QUIET, y / MODULE - QUIET);
        let shade = if dark { 0 } else { 255 };
        *pixel = Rgb8Pixel::new(shade, shade, shade);
    }
    Some(Image::from_rgb8(pixels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_becomes_a_code_of_dark_on_light() {
        let image = code("xmpp:alice@otter.example").unwrap();
        let pixels = image.to_rgb8().unwrap();
        assert_eq!((pixels.width(), pixels.height()), (33 * 8, 33 * 8));
        // Along the upper edge of the code: the quiet zone, the finder pattern's edge, and the light line behind it.
        let row = pixels.as_slice().chunks(33 * 8).nth(4 * 8).unwrap();
        let modules: Vec<u8> = row.iter().step_by(8).take(12).map(|it| it.r).collect();
        assert_eq!(modules, [255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 255]);
        assert!(code(&"x".repeat(5_000)).is_none());
    }
}
