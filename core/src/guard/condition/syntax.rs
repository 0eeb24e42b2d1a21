//! A condition as a tree: what it says, before anything is known of types.

use super::token::{Token, tokens};
use super::value::Value;
use super::wrong::{Wrong, wrong};

/// A part of a condition and the byte it begins at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    pub(super) at: usize,
    pub(super) form: Form,
    /// How many parts stand in each other at most.
    height: usize,
}

impl Node {
    fn new(at: usize, form: Form) -> Self {
        let height = 1 + form.parts().map(|part| part.height).max().unwrap_or(0);
        Self { at, form, height }
    }
}

impl Form {
    fn parts(&self) -> impl Iterator<Item = &Node> {
        let (one, many): (Option<&Node>, &[Node]) = match self {
            Self::Literal(_) | Self::Name(_) => (None, &[]),
            Self::Member(of, _) | Self::Not(of) | Self::Negative(of) => (Some(of), &[]),
            Self::And(parts) | Self::Or(parts) | Self::List(parts) => (None, parts),
            Self::Choice(parts) => (None, &parts[..]),
            Self::Binary(_, parts) | Self::Index(parts) => (None, &parts[..]),
            Self::Call { on, arguments, .. } => (on.as_deref(), arguments),
        };
        one.into_iter().chain(many)
    }
}

/// What a part says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    Literal(Value<'static>),
    Name(String),
    Member(Box<Node>, String),
    Not(Box<Node>),
    Negative(Box<Node>),
    /// All of them, or any of them.
    And(Vec<Node>),
    Or(Vec<Node>),
    Choice(Box<[Node; 3]>),
    Binary(&'static str, Box<[Node; 2]>),
    Index(Box<[Node; 2]>),
    /// A function by name, with the value it is called on first if it is called on one.
    Call {
        name: String,
        on: Option<Box<Node>>,
        arguments: Vec<Node>,
    },
    List(Vec<Node>),
}

/// How long a condition may be, in bytes.
pub(crate) const LONGEST: usize = 10_000;
/// How deep its parts may be nested.
pub(crate) const DEEPEST: usize = 64;
/// How tall a tree of chains in each other may be.
const TALLEST: usize = 2 * DEEPEST;

const NO_MESSAGES: &str = "messages are not in this subset of CEL: use facts of their own";

/// Words that CEL keeps for host languages.
const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Reads a condition.
pub(super) fn parse(text: &str) -> Result<Node, Wrong> {
    if text.len() > LONGEST {
        return wrong(
            LONGEST,
            format!("the condition is longer than {LONGEST} bytes: split the rule"),
        );
    }
    let mut parser = Parser { tokens: tokens(text)?, next: 0, depth: 0 };
    let node = parser.choice()?;
    match parser.peek() {
        Token::End => Ok(node),
        _ => wrong(parser.at(), "nothing may follow here"),
    }
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.next).map_or(&Token::End, |(_, token)| token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).or(self.tokens.last()).map_or(0, |(at, _)| *at)
    }

    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.next += 1;
        token
    }

    fn takes(&mut self, sign: &'static str) -> bool {
        let there = *self.peek() == Token::Sign(sign);
        self.next += usize::from(there);
        there
    }

    fn expect(&mut self, sign: &'static str) -> Result<(), Wrong> {
        match self.takes(sign) {
            true => Ok(()),
            false => wrong(self.at(), format!("`{sign}` is missing here")),
        }
    }

    /// Runs one level deeper; the only way down, so that depth is bounded for all that follows.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Wrong>) -> Result<T, Wrong> {
        if self.depth == DEEPEST {
            let what = format!("the condition is nested more than {DEEPEST} deep: split the rule");
            return wrong(self.at(), what);
        }
        self.depth += 1;
        let found = parse(self);
        self.depth -= 1;
        found
    }

    /// A chain stands on its left: one in another adds up, without going deeper.
    fn check_height(&self, left: &Node) -> Result<(), Wrong> {
        match left.height > TALLEST {
            true => wrong(
                self.at(),
                format!("more than {TALLEST} operators stand in each other: split the rule"),
            ),
            false => Ok(()),
        }
    }

    fn choice(&mut self) -> Result<Node, Wrong> {
        let at = self.at();
        let condition =
            self.joined("||", Form::Or, |p| p.joined("&&", Form::And, Self::relation))?;
        if !self.takes("?") {
            return Ok(condition);
        }
        self.deeper(|p| {
            let yes = p.joined("||", Form::Or, |p| p.joined("&&", Form::And, Self::relation))?;
            p.expect(":")?;
            let no = p.choice()?;
            Ok(Node::new(at, Form::Choice(Box::new([condition, yes, no]))))
        })
    }

    /// Parts joined by `&&` or `||`, side by side and not nested, however many they are.
    fn joined(
        &mut self,
        sign: &'static str,
        form: fn(Vec<Node>) -> Form,
        part: impl Fn(&mut Self) -> Result<Node, Wrong>,
    ) -> Result<Node, Wrong> {
        let at = self.at();
        let first = part(self)?;
        if *self.peek() != Token::Sign(sign) {
            return Ok(first);
        }
        let mut parts = vec![first];
        while self.takes(sign) {
            parts.push(part(self)?);
        }
        Ok(Node::new(at, form(parts)))
    }

    fn relation(&mut self) -> Result<Node, Wrong> {
        self.binary(&["==", "!=", "<=", ">=", "<", ">", "in"], |p| {
            p.binary(&["+", "-"], |p| p.binary(&["*", "/", "%"], Self::unary))
        })
    }

    fn operator(&mut self, signs: &[&'static str]) -> Option<&'static str> {
        let found = signs.iter().find(|sign| match self.peek() {
            Token::Sign(here) => here == *sign,
            Token::Name(name) => **sign == "in" && name == "in",
            _ => false,
        });
        self.next += usize::from(found.is_some());
        found.copied()
    }

    /// Operators of one rank, from the left; a long chain is a deep tree, so it is bounded too.
    fn binary(
        &mut self,
        signs: &[&'static str],
        part: impl Fn(&mut Self) -> Result<Node, Wrong>,
    ) -> Result<Node, Wrong> {
        let at = self.at();
        let mut left = part(self)?;
        let mut chain = 0;
        while let Some(sign) = self.operator(signs) {
            chain += 1;
            if chain > DEEPEST {
                return wrong(
                    self.at(),
                    format!("more than {DEEPEST} operators in a row: split the rule"),
                );
            }
            self.check_height(&left)?;
            let right = part(self)?;
            left = Node::new(at, Form::Binary(sign, Box::new([left, right])));
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Node, Wrong> {
        let at = self.at();
        if self.takes("!") {
            let of = self.deeper(Self::unary)?;
            return Ok(Node::new(at, Form::Not(Box::new(of))));
        }
        if !self.takes("-") {
            return self.member();
        }
        match self.peek() {
            Token::TooGreat => {
                self.next += 1;
                Ok(Node::new(at, Form::Literal(Value::Int(i64::MIN))))
            }
            _ => {
                let of = self.deeper(Self::unary)?;
                Ok(Node::new(at, Form::Negative(Box::new(of))))
            }
        }
    }

    fn member(&mut self) -> Result<Node, Wrong> {
        let at = self.at();
        let mut node = self.primary()?;
        let mut chain = 0;
        loop {
            let form = if self.takes(".") {
                self.selected(node)?
            } else if self.takes("[") {
                let index = self.deeper(Self::choice)?;
                self.expect("]")?;
                Form::Index(Box::new([node, index]))
            } else if matches!(node.form, Form::Member(..)) && *self.peek() == Token::Sign("{") {
                return wrong(at, NO_MESSAGES);
            } else {
                return Ok(node);
            };
            chain += 1;
            if chain > DEEPEST {
                return wrong(
                    self.at(),
                    format!("more than {DEEPEST} steps in a row: split the rule"),
                );
            }
            node = Node::new(at, form);
            self.check_height(&node)?;
        }
    }

    fn selected(&mut self, of: Node) -> Result<Form, Wrong> {
        let name = self.name()?;
        Ok(match self.takes("(") {
            true => {
                let arguments = self.arguments(")")?;
                Form::Call { name, on: Some(Box::new(of)), arguments }
            }
            false => Form::Member(Box::new(of), name),
        })
    }

    fn name(&mut self) -> Result<String, Wrong> {
        let at = self.at();
        match self.take() {
            Token::Name(name) => Ok(name),
            _ => wrong(at, "a name is missing here"),
        }
    }

    fn arguments(&mut self, close: &'static str) -> Result<Vec<Node>, Wrong> {
        let mut found = Vec::new();
        while !self.takes(close) {
            found.push(self.deeper(Self::choice)?);
            if !self.takes(",") {
                self.expect(close)?;
                break;
            }
            if close == ")" && *self.peek() == Token::Sign(close) {
                return wrong(self.at(), "only a list may end with a comma");
            }
        }
        Ok(found)
    }

    fn primary(&mut self) -> Result<Node, Wrong> {
        let at = self.at();
        let form = match self.take() {
            Token::Literal(value) => Form::Literal(value),
            Token::TooGreat => return wrong(at, "the number does not fit into 64 bits"),
            Token::Name(name) => self.named(at, name)?,
            Token::Sign("(") => {
                let inner = self.deeper(Self::choice)?;
                self.expect(")")?;
                inner.form
            }
            Token::Sign("[") => Form::List(self.arguments("]")?),
            Token::Sign("{") => {
                return wrong(at, "maps are not in this subset of CEL: use facts of their own");
            }
            Token::Sign(".") => return wrong(at, "names do not begin with a point here"),
            Token::Sign(sign) => return wrong(at, format!("a value is missing before `{sign}`")),
            Token::End => return wrong(at, "a value is missing at the end"),
        };
        Ok(Node::new(at, form))
    }

    fn named(&mut self, at: usize, name: String) -> Result<Form, Wrong> {
        match name.as_str() {
            "true" | "false" => return Ok(Form::Literal(Value::Bool(name == "true"))),
            "null" => {
                return wrong(
                    at,
                    "null is not in this subset of CEL: `has(…)` says whether a fact is known",
                );
            }
            "in" => return wrong(at, "a value is missing before `in`"),
            word if RESERVED.contains(&word) => {
                return wrong(at, format!("`{word}` is a reserved word"));
            }
            _ => {}
        }
        if self.takes("(") {
            return Ok(Form::Call { name, on: None, arguments: self.arguments(")")? });
        }
        match *self.peek() == Token::Sign("{") {
            true => wrong(at, NO_MESSAGES),
            false => Ok(Form::Name(name)),
        }
    }
}
