//! A screen in memory, for pictures and tests: the same pages, drawn by the same renderer, and hands to work them.
//! It must never be used by the window itself. Standard: none; Slint's public platform interface.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use slint::platform::software_renderer::{MinimalSoftwareWindow, RepaintBufferType};
use slint::platform::{Clipboard, Key, Platform, PointerEventButton, WindowAdapter, WindowEvent};
use slint::{LogicalPosition, PhysicalSize, PlatformError, Rgb8Pixel, SharedString};

/// What was drawn: rows from the top, three bytes a pixel (red, green, blue).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// In pixels.
    pub width: u32,
    /// In pixels.
    pub height: u32,
    /// `3 * width * height` bytes.
    pub bytes: Vec<u8>,
}

/// The screen and its hands. One a thread.
pub struct Screen {
    window: Rc<MinimalSoftwareWindow>,
    clipboard: Rc<RefCell<String>>,
}

struct Memory {
    window: Rc<MinimalSoftwareWindow>,
    clipboard: Rc<RefCell<String>>,
    start: Instant,
}

impl Platform for Memory {
    fn create_window_adapter(&self) -> Result<Rc<dyn WindowAdapter>, PlatformError> {
        Ok(self.window.clone())
    }

    fn duration_since_start(&self) -> Duration {
        self.start.elapsed()
    }

    fn set_clipboard_text(&self, text: &str, _: Clipboard) {
        self.clipboard.replace(text.to_owned());
    }

    fn clipboard_text(&self, _: Clipboard) -> Option<String> {
        Some(self.clipboard.borrow().clone())
    }
}

impl Screen {
    /// A screen of this size in pixels. Has to be there before the [`crate::App`].
    ///
    /// # Errors
    /// The toolkit's, where this thread has a screen already.
    pub fn new(width: u32, height: u32) -> Result<Self, slint::platform::SetPlatformError> {
        let window = MinimalSoftwareWindow::new(RepaintBufferType::NewBuffer);
        let clipboard = Rc::new(RefCell::new(String::new()));
        slint::platform::set_platform(Box::new(Memory {
            window: window.clone(),
            clipboard: clipboard.clone(),
            start: Instant::now(),
        }))?;
        window.set_size(PhysicalSize::new(width, height));
        window.dispatch_event(WindowEvent::WindowActiveChanged(true));
        Ok(Self { window, clipboard })
    }

    /// Makes everything larger, as a screen with fine pixels does, in a screen of the same size in pixels.
    pub fn scale(&self, factor: f32) {
        self.window
            .dispatch_event(WindowEvent::ScaleFactorChanged { scale_factor: factor });
        let size = self.window.size();
        self.window.set_size(size);
    }

    /// Draws everything.
    pub fn picture(&self) -> Picture {
        self.settle();
        let size = self.window.size();
        let pixels = self.draw();
        Picture {
            width: size.width,
            height: size.height,
            bytes: pixels
                .iter()
                .flat_map(|pixel| [pixel.r, pixel.g, pixel.b])
                .collect(),
        }
    }

    /// Lets timers run and layouts come to rest.
    pub fn settle(&self) {
        for _ in 0..3 {
            slint::platform::update_timers_and_animations();
            self.draw();
        }
    }

    fn draw(&self) -> Vec<Rgb8Pixel> {
        let size = self.window.size();
        let pixels = usize::try_from(size.width.saturating_mul(size.height)).unwrap_or_default();
        let mut buffer = vec![Rgb8Pixel::default(); pixels];
        let stride = usize::try_from(size.width).unwrap_or_default();
        self.window.request_redraw();
        self.window.draw_if_needed(|renderer| {
            renderer.render(&mut buffer, stride);
        });
        buffer
    }

    /// Presses and lets go at a place, in logical pixels.
    pub fn click(&self, x: f32, y: f32) {
        self.drag((x, y), (x, y));
    }

    /// Presses at one place and lets go at another.
    pub fn drag(&self, from: (f32, f32), to: (f32, f32)) {
        let button = PointerEventButton::Left;
        let place = |(x, y): (f32, f32)| LogicalPosition::new(x, y);
        let events = [
            WindowEvent::PointerMoved {
                position: place(from),
            },
            WindowEvent::PointerPressed {
                position: place(from),
                button,
            },
            WindowEvent::PointerMoved { position: place(to) },
            WindowEvent::PointerReleased {
                position: place(to),
                button,
            },
        ];
        for event in events {
            self.window.dispatch_event(event);
        }
    }

    /// Turns the wheel over a place: positive is up.
    pub fn wheel(&self, x: f32, y: f32, by: f32) {
        self.window.dispatch_event(WindowEvent::PointerScrolled {
            position: LogicalPosition::new(x, y),
            delta_x: 0.0,
            delta_y: by,
        });
    }

    /// Presses one key that has a name.
    pub fn key(&self, key: Key) {
        self.press(&SharedString::from(key));
    }

    /// Presses one key with others held.
    pub fn chord(&self, held: &[Key], text: &str) {
        for key in held {
            let text = SharedString::from(*key);
            self.window.dispatch_event(WindowEvent::KeyPressed { text });
        }
        self.press(text);
        for key in held.iter().rev() {
            let text = SharedString::from(*key);
            self.window.dispatch_event(WindowEvent::KeyReleased { text });
        }
    }

    /// Types a text, letter by letter.
    pub fn write(&self, text: &str) {
        for letter in text.chars() {
            self.press(&SharedString::from(letter));
        }
    }

    /// What was copied last.
    pub fn clipboard(&self) -> String {
        self.clipboard.borrow().clone()
    }

    /// Puts a text where the next paste finds it.
    pub fn set_clipboard(&self, text: &str) {
        self.clipboard.replace(text.to_owned());
    }

    fn press(&self, text: &str) {
        let text = SharedString::from(text);
        self.window
            .dispatch_event(WindowEvent::KeyPressed { text: text.clone() });
        self.window.dispatch_event(WindowEvent::KeyReleased { text });
    }
}
