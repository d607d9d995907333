//! The page that is left when the engine has gone.
//! It must never say that anything is still sent. Standard: none.

use std::rc::Rc;

use slint::ComponentHandle;
use view::Change;

use crate::markup;
use crate::pages::Page;
use crate::{App, End};

/// The page has nothing of its own to remember.
pub(crate) struct Gone;

impl Page for Gone {
    fn attach(self: Rc<Self>, app: &Rc<App>) {
        let global = app.ui().global::<markup::Gone<'_>>();
        let ends = |end| {
            let app = Rc::downgrade(app);
            move || {
                if let Some(app) = app.upgrade() {
                    app.quit(end);
                }
            }
        };
        global.on_again(ends(End::Again));
        global.on_close(ends(End::Closed));
    }

    fn refresh(&self, _: &Rc<App>, _: &[Change]) {}
}
