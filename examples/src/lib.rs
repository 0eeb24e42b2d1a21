//! What trueup looks like in use: the demo, step by step.
//!
//! [`demo::run`] is the whole of it and reads like a program that embeds trueup; [`steps`] has what
//! such a program takes from trueup, and [`inventory`] the second system. Tests go the same way.

pub mod catalogue;
pub mod demo;
pub mod findings;
pub mod inventory;
mod outputs;
pub mod sections;
mod show;
pub mod steps;

/// What a step gives; errors are for people to read.
pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;
