//! The words of a condition, with the place each begins at.

use super::quote::Unquote;
use super::value::Value;
use super::wrong::{Wrong, wrong};

/// One word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, or a word of the language.
    Name(String),
    /// A number, text or bytes; a whole number beyond the positive ones is `TooGreat`.
    Literal(Value<'static>),
    /// 2^63, which only a minus sign makes a number.
    TooGreat,
    /// An operator or a bracket.
    Sign(&'static str),
    /// Nothing is left.
    End,
}

/// Longer ones come first, so that `<=` is not `<`.
const SIGNS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "!", "+", "-", "*", "/", "%", "?", ":", "(", ")",
    "[", "]", "{", "}", ".", ",",
];

/// All words of a condition, `End` last.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, Wrong> {
    let mut lexer = Lexer { text, at: 0 };
    let mut found = Vec::new();
    loop {
        lexer.skip();
        let at = lexer.at;
        let token = lexer.token()?;
        let end = token == Token::End;
        found.push((at, token));
        if end {
            return Ok(found);
        }
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    /// White space and comments.
    fn skip(&mut self) {
        loop {
            self.take_while(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}'));
            if !self.rest().starts_with("//") {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn token(&mut self) -> Result<Token, Wrong> {
        let Some(first) = self.peek() else { return Ok(Token::End) };
        if let Some(quoted) = self.quoted()? {
            return Ok(Token::Literal(quoted));
        }
        if first.is_ascii_alphabetic() || first == '_' {
            let name = self.take_while(|c| c.is_ascii_alphanumeric() || c == '_');
            return Ok(Token::Name(name.to_owned()));
        }
        let digit_next =
            self.rest().get(1..).is_some_and(|r| r.starts_with(|c: char| c.is_ascii_digit()));
        if first.is_ascii_digit() || (first == '.' && digit_next) {
            return self.number();
        }
        self.sign(first)
    }

    fn sign(&mut self, first: char) -> Result<Token, Wrong> {
        match SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
            Some(sign) => {
                self.at += sign.len();
                Ok(Token::Sign(sign))
            }
            None => wrong(self.at, format!("`{first}` means nothing here")),
        }
    }

    fn number(&mut self) -> Result<Token, Wrong> {
        let at = self.at;
        if self.rest().starts_with("0x") {
            self.at += 2;
            let digits = self.take_while(|c| c.is_ascii_hexdigit());
            return self.whole(at, digits, 16);
        }
        let digits = self.take_while(|c| c.is_ascii_digit());
        if !self.fraction() {
            return self.whole(at, digits, 10);
        }
        let text = self.text.get(at..self.at).unwrap_or_default();
        match text.parse() {
            Ok(number) => self.ended(at, Token::Literal(Value::Double(number))),
            Err(_) => wrong(at, format!("`{text}` is no number")),
        }
    }

    /// Takes a fraction and an exponent; whether there was one of them.
    fn fraction(&mut self) -> bool {
        let start = self.at;
        let mut after = self.rest().chars();
        if after.next() == Some('.') && after.next().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            self.take_while(|c| c.is_ascii_digit());
        }
        let exponent =
            self.rest().strip_prefix(['e', 'E']).map(|r| r.strip_prefix(['+', '-']).unwrap_or(r));
        if let Some(digits) = exponent.filter(|r| r.starts_with(|c: char| c.is_ascii_digit())) {
            self.at = self.text.len() - digits.len();
            self.take_while(|c| c.is_ascii_digit());
        }
        self.at > start
    }

    fn whole(&mut self, at: usize, digits: &str, radix: u32) -> Result<Token, Wrong> {
        let unsigned = self.peek().is_some_and(|c| matches!(c, 'u' | 'U'));
        self.at += usize::from(unsigned);
        let token = match u64::from_str_radix(digits, radix) {
            Ok(number) if unsigned => Token::Literal(Value::Uint(number)),
            Ok(number) => match i64::try_from(number) {
                Ok(number) => Token::Literal(Value::Int(number)),
                Err(_) if number == 1 << 63 => Token::TooGreat,
                Err(_) => return wrong(at, "the number does not fit into 64 bits"),
            },
            Err(_) => return wrong(at, "the number does not fit into 64 bits"),
        };
        self.ended(at, token)
    }

    /// A number ends where no letter or digit follows.
    fn ended(&self, at: usize, token: Token) -> Result<Token, Wrong> {
        match self.peek() {
            Some(c) if c.is_alphanumeric() || c == '_' => {
                wrong(at, format!("a number cannot go on with `{c}`"))
            }
            _ => Ok(token),
        }
    }

    /// Text or bytes in quotes, if that is what comes.
    fn quoted(&mut self) -> Result<Option<Value<'static>>, Wrong> {
        let rest = self.rest();
        let prefix = rest.find(['"', '\'']).filter(|n| *n <= 2).and_then(|n| rest.get(..n));
        let Some((raw, bytes)) = prefix.and_then(prefix_means) else { return Ok(None) };
        let start = self.at;
        self.at += prefix.map_or(0, str::len);
        let body = self.body(start, raw)?;
        let unquote = Unquote { at: body.0, raw, bytes };
        unquote.value(body.1).map(Some)
    }

    /// What stands between the quotes, and where it begins.
    fn body(&mut self, start: usize, raw: bool) -> Result<(usize, &'a str), Wrong> {
        let rest = self.rest();
        let triple = ["\"\"\"", "'''"].into_iter().find(|quote| rest.starts_with(quote));
        let quote = triple.or_else(|| rest.get(..1)).unwrap_or_default();
        self.at += quote.len();
        let (from, mut escaped) = (self.at, false);
        for (i, c) in self.rest().char_indices() {
            let here = self.rest().get(i..).unwrap_or_default();
            if !escaped && here.starts_with(quote) {
                let body = self.rest().get(..i).unwrap_or_default();
                self.at += i + quote.len();
                return Ok((from, body));
            }
            if triple.is_none() && matches!(c, '\n' | '\r') {
                break;
            }
            escaped = c == '\\' && !escaped && !raw;
        }
        wrong(start, "the quote is not closed")
    }
}

/// Whether `r`, `b` and so on mean raw text and bytes; none if they mean nothing.
fn prefix_means(prefix: &str) -> Option<(bool, bool)> {
    match prefix.to_ascii_lowercase().as_str() {
        "" => Some((false, false)),
        "r" => Some((true, false)),
        "b" => Some((false, true)),
        "br" | "rb" => Some((true, true)),
        _ => None,
    }
}
