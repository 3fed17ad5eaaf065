//! Arithmetic expansion (POSIX XCU 2.6.4; bash(1), *ARITHMETIC EVALUATION*): signed 64-bit, as in C.

use bstr::{BString, ByteSlice};

use crate::format::shell::{is_name, is_name_start};

/// Parentheses, unary operators and conditionals within one another.
const MAX_DEPTH: usize = 50;

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It hangs on what is not known, or is not known here.
    Unknown,
    /// Shells refuse it.
    Error,
}

type Result = std::result::Result<i64, Problem>;

/// Where variables live.
pub trait Variables {
    /// The value of a variable as text; empty if unset.
    fn get(&self, name: &[u8]) -> Option<BString>;
    /// Sets one.
    fn set(&mut self, name: &[u8], value: i64);
}

/// Evaluates an expression whose expansions have been made. `plain`: only what POSIX asks for, as dash.
pub fn evaluate(text: &[u8], plain: bool, variables: &mut dyn Variables) -> Result {
    let mut parser = Parser { text, at: 0, plain, variables, depth: 0, live: true };
    parser.blanks();
    if parser.at >= text.len() {
        return if plain { Err(Problem::Unknown) } else { Ok(0) };
    }
    let value = parser.comma()?;
    if parser.at < text.len() { Err(Problem::Error) } else { Ok(value) }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    plain: bool,
    variables: &'a mut dyn Variables,
    depth: usize,
    /// Assignments count: not the side of `&&`, `||` or `?:` that is not taken.
    live: bool,
}

/// Binary operators, those that bind least first.
const LEVELS: [&[&str]; 10] = [
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

const ASSIGNMENTS: [&str; 11] = ["=", "*=", "/=", "%=", "+=", "-=", "<<=", ">>=", "&=", "^=", "|="];

impl Parser<'_> {
    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn blanks(&mut self) {
        while self.rest().first().is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token.as_bytes());
        if found {
            self.at += token.len();
            self.blanks();
        }
        found
    }

    fn comma(&mut self) -> Result {
        let mut value = self.assignment()?;
        while self.take(",") {
            if self.plain {
                return Err(Problem::Error);
            }
            value = self.assignment()?;
        }
        Ok(value)
    }

    fn assignment(&mut self) -> Result {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Problem::Unknown);
        }
        let value = self.assignment_within();
        self.depth -= 1;
        value
    }

    fn assignment_within(&mut self) -> Result {
        let start = self.at;
        if let Some(name) = self.name() {
            let operator = ASSIGNMENTS.iter().rev().find(|o| self.rest().starts_with(o.as_bytes()));
            if let Some(operator) = operator.filter(|o| **o != "=" || !self.rest().starts_with(b"==")) {
                self.take(operator);
                let value = self.assignment()?;
                let value = match operator.strip_suffix('=') {
                    Some("") | None => value,
                    Some(binary) => apply(binary, self.variable(&name)?, value)?,
                };
                self.set(&name, value);
                return Ok(value);
            }
        }
        self.at = start;
        self.conditional()
    }

    fn set(&mut self, name: &[u8], value: i64) {
        if self.live {
            self.variables.set(name, value);
        }
    }

    fn conditional(&mut self) -> Result {
        let condition = self.binary(0)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let live = self.live;
        self.live = live && condition != 0;
        let yes = self.comma();
        self.live = live && condition == 0;
        if !self.take(":") {
            return Err(Problem::Error);
        }
        let no = self.assignment();
        self.live = live;
        if condition != 0 { yes } else { no }
    }

    fn binary(&mut self, level: usize) -> Result {
        let Some(operators) = LEVELS.get(level) else { return self.power() };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.operator(operators) {
            let live = self.live;
            self.live = live && !matches!((operator, left), ("&&", 0) | ("||", 1..) | ("||", ..=-1));
            let right = self.binary(level + 1);
            let skipped = live && !self.live;
            self.live = live;
            let right = if skipped { right.unwrap_or(0) } else { right? };
            left = apply(operator, left, right)?;
        }
        Ok(left)
    }

    /// The operator that comes next, if it is one of these and not the start of a longer one.
    fn operator(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        let rest = self.rest();
        let found = operators.iter().find(|o| rest.starts_with(o.as_bytes()))?;
        let next = rest.get(found.len()).copied();
        let longer = match *found {
            "|" | "&" => next == found.bytes().next() || next == Some(b'='),
            "<" | ">" => next == found.bytes().next(),
            "*" => next == Some(b'*') || next == Some(b'='),
            "==" | "!=" | "<=" | ">=" | "||" | "&&" => false,
            _ => next == Some(b'='),
        };
        (!longer && self.take(found)).then_some(found)
    }

    fn power(&mut self) -> Result {
        let base = self.unary()?;
        if self.plain || !self.take("**") {
            return Ok(base);
        }
        let exponent = u32::try_from(self.power()?).map_err(|_| Problem::Error)?;
        Ok(base.wrapping_pow(exponent))
    }

    fn unary(&mut self) -> Result {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Problem::Unknown);
        }
        let value = self.unary_within();
        self.depth -= 1;
        value
    }

    fn unary_within(&mut self) -> Result {
        for (token, by) in [("++", 1), ("--", -1)] {
            if !self.plain && self.take(token) {
                let name = self.name().ok_or(Problem::Unknown)?;
                let value = self.variable(&name)?.wrapping_add(by);
                self.set(&name, value);
                return Ok(value);
            }
        }
        if self.take("!") {
            return Ok(i64::from(self.unary()? == 0));
        }
        if self.take("~") {
            return Ok(!self.unary()?);
        }
        if self.take("-") {
            return Ok(self.unary()?.wrapping_neg());
        }
        if self.take("+") { self.unary() } else { self.primary() }
    }

    fn primary(&mut self) -> Result {
        if self.take("(") {
            let value = self.comma()?;
            return if self.take(")") { Ok(value) } else { Err(Problem::Error) };
        }
        if let Some(name) = self.name() {
            // a subscript follows without a blank; what else follows a name is found at the end
            let joined = self.text.get(..self.at).is_some_and(|t| t.last().is_some_and(|b| is_name(*b)));
            if self.rest().starts_with(b"[") && joined {
                return Err(Problem::Unknown);
            }
            let value = self.variable(&name)?;
            for (token, by) in [("++", 1), ("--", -1)] {
                if !self.plain && self.take(token) {
                    self.set(&name, value.wrapping_add(by));
                }
            }
            return Ok(value);
        }
        let length = self.rest().iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'#').count();
        let digits = self.rest().get(..length).unwrap_or_default().to_owned();
        self.at += length;
        self.blanks();
        number(&digits)
    }

    fn name(&mut self) -> Option<BString> {
        let rest = self.rest();
        rest.first().filter(|b| is_name_start(**b))?;
        let length = rest.iter().take_while(|b| is_name(**b)).count();
        let name = rest.get(..length)?.into();
        self.at += length;
        self.blanks();
        Some(name)
    }

    /// A variable's value is an expression in bash and ash, a number in dash.
    fn variable(&mut self, name: &[u8]) -> Result {
        let text = self.variables.get(name).ok_or(Problem::Unknown)?;
        let text = text.trim_ascii();
        if text.is_empty() {
            return Ok(0);
        }
        let (sign, digits) = match text.first() {
            Some(b'-') => (-1, text.get(1..).unwrap_or_default()),
            Some(b'+') => (1, text.get(1..).unwrap_or_default()),
            _ => (1, text),
        };
        if digits.first().is_some_and(u8::is_ascii_digit) {
            return number(digits).map(|n| n.wrapping_mul(sign));
        }
        Err(if self.plain { Problem::Error } else { Problem::Unknown })
    }
}

fn number(digits: &[u8]) -> Result {
    let text = digits.to_str().map_err(|_| Problem::Error)?;
    let (text, radix) = match text {
        "" => return Err(Problem::Error),
        _ if text.contains('#') => return Err(Problem::Unknown),
        _ if text.starts_with("0x") || text.starts_with("0X") => (text.get(2..).unwrap_or_default(), 16),
        _ if text.len() > 1 && text.starts_with('0') => (text.get(1..).unwrap_or_default(), 8),
        _ => (text, 10),
    };
    i64::from_str_radix(text, radix).map_err(|e| match e.kind() {
        std::num::IntErrorKind::PosOverflow => Problem::Unknown,
        _ => Problem::Error,
    })
}

fn apply(operator: &str, left: i64, right: i64) -> Result {
    Ok(match operator {
        "||" => i64::from(left != 0 || right != 0),
        "&&" => i64::from(left != 0 && right != 0),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "==" => i64::from(left == right),
        "!=" => i64::from(left != right),
        "<=" => i64::from(left <= right),
        ">=" => i64::from(left >= right),
        "<" => i64::from(left < right),
        ">" => i64::from(left > right),
        "<<" => left.wrapping_shl(right as u32),
        ">>" => left.wrapping_shr(right as u32),
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        "/" => left.checked_div(right).ok_or(Problem::Error)?,
        "%" => left.checked_rem(right).ok_or(Problem::Error)?,
        _ => return Err(Problem::Error),
    })
}
