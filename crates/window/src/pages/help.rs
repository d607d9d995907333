//! The page of help.
//! It must never promise what THREATS.md does not. Standard: THREATS.md, docs/deniability.md.

use std::rc::Rc;

use slint::ComponentHandle;
use view::Change;

use crate::App;
use crate::markup;
use crate::pages::Page;

/// The page has nothing of its own to remember.
pub(crate) struct Help;

impl Page for Help {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Help<'_>>();
        global.set_version(env!("CARGO_PKG_VERSION").into());
    }

    fn refresh(&self, _: &Rc<App>, _: &[Change]) {}
}
