//! As much of text protobuf as the public cases are written in.

/// A field's value: nested fields, text as bytes, or a bare word.
#[derive(Clone, Debug)]
pub(super) enum Field {
    Message(Vec<(String, Field)>),
    Text(Vec<u8>),
    Word(String),
}

impl Field {
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.all(name).next()
    }

    pub(super) fn all(&self, name: &str) -> std::vec::IntoIter<&Self> {
        let fields: &[(String, Self)] = match self {
            Self::Message(fields) => fields,
            _ => &[],
        };
        let found: Vec<&Self> = fields.iter().filter(|(n, _)| n == name).map(|(_, f)| f).collect();
        found.into_iter()
    }

    pub(super) fn fields(&self) -> &[(String, Self)] {
        match self {
            Self::Message(fields) => fields,
            _ => panic!("no message: {self:?}"),
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(bytes) => String::from_utf8(bytes.clone()).unwrap(),
            Self::Word(word) => word.clone(),
            Self::Message(_) => panic!("no text: {self:?}"),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(bytes) => bytes,
            _ => panic!("no bytes: {self:?}"),
        }
    }
}

pub(super) fn parse(text: &str) -> Field {
    let mut reader = Reader { rest: text.as_bytes() };
    let found = reader.fields();
    assert!(reader.rest.is_empty(), "left over: {:?}", String::from_utf8_lossy(reader.rest));
    found
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn skip(&mut self) {
        loop {
            let blank = self
                .rest
                .iter()
                .take_while(|b| b.is_ascii_whitespace() || matches!(b, b',' | b';'))
                .count();
            self.rest = &self.rest[blank..];
            if self.rest.first() != Some(&b'#') {
                return;
            }
            let line = self.rest.iter().take_while(|b| **b != b'\n').count();
            self.rest = &self.rest[line..];
        }
    }

    fn takes(&mut self, byte: u8) -> bool {
        self.skip();
        let there = self.rest.first() == Some(&byte);
        self.rest = &self.rest[usize::from(there)..];
        there
    }

    fn word(&mut self) -> String {
        self.skip();
        let long = self
            .rest
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric() || b"_.+-/".contains(b))
            .count();
        let (word, rest) = self.rest.split_at(long);
        self.rest = rest;
        assert!(long > 0, "no word: {:?}", String::from_utf8_lossy(&rest[..rest.len().min(40)]));
        String::from_utf8(word.to_vec()).unwrap()
    }

    fn fields(&mut self) -> Field {
        let mut found = Vec::new();
        loop {
            self.skip();
            if self.rest.is_empty() || self.rest[0] == b'}' {
                return Field::Message(found);
            }
            let name = if self.takes(b'[') {
                let name = self.word();
                assert!(self.takes(b']'));
                name
            } else {
                self.word()
            };
            self.takes(b':');
            found.push((name, self.value()));
        }
    }

    fn value(&mut self) -> Field {
        if self.takes(b'{') {
            let message = self.fields();
            assert!(self.takes(b'}'));
            return message;
        }
        let mut text = Vec::new();
        let mut quoted = false;
        while let Some(quote @ (b'"' | b'\'')) = {
            self.skip();
            self.rest.first().copied()
        } {
            self.rest = &self.rest[1..];
            self.quoted(quote, &mut text);
            quoted = true;
        }
        if quoted { Field::Text(text) } else { Field::Word(self.word()) }
    }

    fn quoted(&mut self, quote: u8, out: &mut Vec<u8>) {
        loop {
            let byte = self.byte();
            match byte {
                b if b == quote => return,
                b'\\' => self.escape(out),
                b => out.push(b),
            }
        }
    }

    fn byte(&mut self) -> u8 {
        let byte = self.rest[0];
        self.rest = &self.rest[1..];
        byte
    }

    fn digits(&mut self, most: usize, radix: u32) -> u32 {
        let long =
            self.rest.iter().take(most).take_while(|b| char::from(**b).is_digit(radix)).count();
        let (digits, rest) = self.rest.split_at(long);
        self.rest = rest;
        u32::from_str_radix(std::str::from_utf8(digits).unwrap(), radix).unwrap()
    }

    fn escape(&mut self, out: &mut Vec<u8>) {
        let letter = self.byte();
        let plain = match letter {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'a' => 7,
            b'b' => 8,
            b'v' => 11,
            b'f' => 12,
            b'x' | b'X' => u8::try_from(self.digits(2, 16)).unwrap(),
            b'0'..=b'7' => {
                let mut code = u32::from(letter - b'0');
                for _ in 0..2 {
                    match self.rest.first() {
                        Some(digit @ b'0'..=b'7') => code = code * 8 + u32::from(digit - b'0'),
                        _ => break,
                    }
                    self.rest = &self.rest[1..];
                }
                u8::try_from(code).unwrap()
            }
            b'u' | b'U' => {
                let code = self.digits(if letter == b'u' { 4 } else { 8 }, 16);
                let c = char::from_u32(code).unwrap();
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return;
            }
            other => other,
        };
        out.push(plain);
    }
}
