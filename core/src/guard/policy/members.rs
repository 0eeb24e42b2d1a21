//! The members of a policy document, each with what it means.

use super::super::window::DAYS;
use super::shape::{Member, Shape};

/// The types that a declared fact may have.
pub(super) const TYPES: [&str; 6] = ["bool", "int", "double", "string", "timestamp", "list"];

/// The whole document.
pub(super) const POLICY: Shape = Shape::Table(&[
    must("version", "The version of this form of document: 1.", Shape::Int(1, 1)),
    must("name", "What the policy is called.", Shape::Text),
    may("about", "What it is for, in words.", Shape::Text),
    may("valid", "How long a decision holds at most; 1h if not given.", Shape::Length(1, 30 * DAY)),
    may(
        "stale_share",
        "More stale changes than this share of a plan stop its run; 10% if not given.",
        Shape::Share,
    ),
    may("ask", "Who is asked where no rule says who: one `owner` within 24h if not given.", ASK),
    may(
        "break_glass",
        "Whose two yes open break-glass; the roles of `ask` if not given.",
        Shape::Some(&Shape::Name),
    ),
    may(
        "facts",
        "The facts that conditions may name as `facts.…`, and their types.",
        Shape::Named(&Shape::Word(&TYPES)),
    ),
    must("rule", "The rules. Their order never matters.", Shape::Each(&RULE)),
]);

const DAY: i64 = 86_400;
const MOST: i64 = 1_000_000_000_000;

const RULE: Shape = Shape::Table(&[
    must("id", "Names the rule in decisions; once in a policy.", Shape::Name),
    may("about", "Why the rule is there, in words that people are shown.", Shape::Text),
    may("actor", "Who acts; `*` stands for anything.", Shape::Some(&Shape::Pattern)),
    may("on_behalf_of", "Somebody for whom the actor acts.", Shape::Some(&Shape::Pattern)),
    may(
        "action",
        "`create`, `update`, `delete`, or the name of an action.",
        Shape::Some(&Shape::Pattern),
    ),
    may(
        "resource",
        "The resource that is written, as its system calls it.",
        Shape::Some(&Shape::Pattern),
    ),
    may("environment", "Where: the word that the host gives.", Shape::Some(&Shape::Pattern)),
    may("when", "A condition over facts, in a subset of CEL.", Shape::Text),
    may("never", "Whether break-glass cannot lift it.", Shape::Bool),
    may("outcome", "What it says of what it matches.", Shape::Word(&["deny", "ask", "allow"])),
    may("ask", "Who is asked, how many, within what time.", ASK),
    may(
        "risk",
        "R1 may run by itself, R2 when other rules say so, R3 always asks.",
        Shape::Word(&["R1", "R2", "R3"]),
    ),
    may("score", "How grave it is, 0 to 100.", Shape::Int(0, 100)),
    may("limit", "How many of the changes of a plan, on each side, may match.", LIMIT),
    may("rate", "How many matching changes there may be in any stretch of time.", RATE),
    may("budget", "How many there may be in an hour, day, week or month of the calendar.", BUDGET),
    may("window", "When it may be done; at any other time `over` holds.", Shape::Each(&WINDOW)),
    may("freeze", "When it may not be done: then `over` holds.", Shape::Each(&FREEZE)),
    may(
        "over",
        "What holds beyond limit, rate, budget and windows, and in a freeze; deny if not given.",
        Shape::Word(&["deny", "ask"]),
    ),
    may(
        "timeout",
        "How long carrying it out may take; then nothing more is sent.",
        Shape::Length(1, 30 * DAY),
    ),
    may(
        "evidence",
        "What must be kept of it: names of files that the evidence of its run must have.",
        Shape::Some(&Shape::Name),
    ),
]);

const ASK: Shape = Shape::Table(&[
    may("roles", "Who may answer: people with one of these roles.", Shape::Some(&Shape::Name)),
    may("count", "How many different people must approve.", Shape::Int(1, 20)),
    may("within", "How long the question stays open.", Shape::Length(60, 90 * DAY)),
]);

const LIMIT: Shape = Shape::Table(&[
    may("at_least", "So many are allowed however small the share.", Shape::Int(0, MOST)),
    may("share", "The share of the target's covered rows.", Shape::Share),
    may("at_most", "So many are allowed however large the share.", Shape::Int(0, MOST)),
]);

const RATE: Shape = Shape::Table(&[
    must("count", "How many.", Shape::Int(1, MOST)),
    must("per", "In any stretch of this length.", Shape::Length(1, 366 * DAY)),
]);

const BUDGET: Shape = Shape::Table(&[
    must("count", "How many.", Shape::Int(1, MOST)),
    must("per", "Of the calendar.", Shape::Word(&["hour", "day", "week", "month"])),
    must("zone", "The IANA zone whose calendar it is.", Shape::Text),
]);

const WINDOW: Shape = Shape::Table(&[
    must("zone", "The IANA zone whose clocks count.", Shape::Text),
    may("days", "The days on which it begins; all if not given.", Shape::Some(&Shape::Word(&DAYS))),
    must("from", "Its first minute.", Shape::Clock),
    must("to", "The minute that ends it.", Shape::Clock),
    may("next_day", "Whether it ends on the next day.", Shape::Bool),
]);

const FREEZE: Shape = Shape::Table(&[
    must("zone", "The IANA zone whose clocks count.", Shape::Text),
    must("from", "When it begins.", Shape::Local),
    must("to", "When it is over.", Shape::Local),
]);

const fn must(name: &'static str, about: &'static str, shape: Shape) -> Member {
    Member { name, about, required: true, shape }
}

const fn may(name: &'static str, about: &'static str, shape: Shape) -> Member {
    Member { name, about, required: false, shape }
}
