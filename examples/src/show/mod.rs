//! How the demo looks on a terminal.

mod live;
mod screen;
mod text;

pub(crate) use screen::Screen;
pub(crate) use text::{Paint, bar, bytes, grouped, seconds, shortened};
