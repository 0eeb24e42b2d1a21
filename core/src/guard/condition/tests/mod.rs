//! What conditions answer, and what they refuse.

mod public_cases;
mod refusals;
mod textproto;
