//! What is known of a string, of a list of words, of an exit status.

use std::sync::Arc;

use bstr::{BStr, BString, ByteSlice};

/// Longer strings are not kept.
const MAX_LENGTH: usize = 1 << 16;

/// Why a status is not known.
const STATUS: &str = "it is the exit status of a job";

/// A string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Exactly this.
    Known(BString),
    /// Not known.
    Unknown {
        /// Why, as in "`date` printed it".
        why: Arc<str>,
        /// It is not empty.
        filled: bool,
    },
    /// The number that is the exit status of this job, which is not known.
    StatusOf(usize),
}

impl Value {
    /// Not known, for this reason.
    pub fn unknown(why: impl Into<Arc<str>>) -> Self {
        Value::Unknown { why: why.into(), filled: false }
    }

    /// Not known but not empty.
    pub fn filled(why: impl Into<Arc<str>>) -> Self {
        Value::Unknown { why: why.into(), filled: true }
    }

    /// The string, if it is known.
    pub fn known(&self) -> Option<&BStr> {
        match self {
            Value::Known(text) => Some(text.as_bstr()),
            Value::Unknown { .. } | Value::StatusOf(_) => None,
        }
    }

    /// Whether it is empty, if that is known.
    pub fn is_empty(&self) -> Option<bool> {
        match self {
            Value::Known(text) => Some(text.is_empty()),
            Value::Unknown { filled, .. } => filled.then_some(false),
            Value::StatusOf(_) => Some(false),
        }
    }

    /// This, and then `more`.
    pub fn push(&mut self, more: &Value) {
        if self.known().is_some_and(|text| text.is_empty()) {
            *self = more.clone();
            return;
        }
        if let Value::StatusOf(_) = self {
            *self = Value::filled(STATUS);
        }
        match (&mut *self, more) {
            (Value::Known(text), Value::Known(more)) if text.len() + more.len() > MAX_LENGTH => {
                *self = Value::filled("it is longer than 64 KiB");
            }
            (Value::Known(text), Value::Known(more)) => text.extend_from_slice(more),
            (Value::Known(text), Value::Unknown { why, filled }) => {
                *self = Value::Unknown { why: why.clone(), filled: *filled || !text.is_empty() };
            }
            (Value::Known(_), Value::StatusOf(_)) => *self = Value::filled(STATUS),
            (Value::Unknown { filled, .. }, more) => *filled |= more.is_empty() == Some(false),
            (Value::StatusOf(_), _) => {}
        }
    }

    /// What holds for both.
    pub fn join(&self, other: &Value) -> Value {
        if self == other {
            return self.clone();
        }
        let filled = self.is_empty() == Some(false) && other.is_empty() == Some(false);
        let why = match (self, other) {
            (Value::Unknown { why, .. }, _) | (_, Value::Unknown { why, .. }) => why.clone(),
            _ => "it depends on the way taken".into(),
        };
        Value::Unknown { why, filled }
    }
}

impl From<&[u8]> for Value {
    fn from(text: &[u8]) -> Self {
        Value::Known(text.into())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Value::Known(text.into())
    }
}

impl From<BString> for Value {
    fn from(text: BString) -> Self {
        Value::Known(text)
    }
}

/// An element of a list of words whose length may not be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// One word.
    One(Value),
    /// Any number of words, none among them.
    Any(Arc<str>),
}

impl Field {
    /// The word, if it is one and known.
    pub fn known(&self) -> Option<&BStr> {
        match self {
            Field::One(value) => value.known(),
            Field::Any(_) => None,
        }
    }
}

/// The words, if all are known.
pub fn all_known(fields: &[Field]) -> Option<Vec<&BStr>> {
    fields.iter().map(Field::known).collect()
}

/// How many words, if that is known.
pub fn count(fields: &[Field]) -> Option<usize> {
    fields.iter().all(|f| matches!(f, Field::One(_))).then_some(fields.len())
}

/// The words with blanks between, as `$*` has them.
pub fn joined(fields: &[Field], separator: &[u8]) -> Value {
    let mut text = Value::Known(BString::default());
    for (i, field) in fields.iter().enumerate() {
        if i > 0 {
            text.push(&separator.into());
        }
        match field {
            Field::One(value) => text.push(value),
            Field::Any(why) => text.push(&Value::unknown(why.clone())),
        }
    }
    text
}

/// An exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// This one.
    Code(u8),
    /// Not 0.
    Failed,
    /// That of this job.
    Job(usize),
    /// Not known.
    Unknown,
}

impl Status {
    /// 0.
    pub const OK: Status = Status::Code(0);

    /// Whether it is 0, if that is known.
    pub fn success(self) -> Option<bool> {
        match self {
            Status::Code(code) => Some(code == 0),
            Status::Failed => Some(false),
            Status::Unknown | Status::Job(_) => None,
        }
    }

    /// The code, if it is known.
    pub fn code(self) -> Option<u8> {
        match self {
            Status::Code(code) => Some(code),
            _ => None,
        }
    }

    /// What holds for both.
    pub fn join(self, other: Status) -> Status {
        match (self.success(), other.success()) {
            _ if self == other => self,
            (Some(false), Some(false)) => Status::Failed,
            _ => Status::Unknown,
        }
    }
}

impl From<bool> for Status {
    fn from(success: bool) -> Self {
        Status::Code(u8::from(!success))
    }
}

/// Whether something holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// Not known.
    Unknown,
}

impl From<bool> for Truth {
    fn from(yes: bool) -> Self {
        if yes { Truth::Yes } else { Truth::No }
    }
}

impl From<Option<bool>> for Truth {
    fn from(yes: Option<bool>) -> Self {
        yes.map_or(Truth::Unknown, Truth::from)
    }
}

impl Truth {
    /// The opposite.
    #[must_use]
    pub fn negate(self) -> Self {
        match self {
            Truth::Yes => Truth::No,
            Truth::No => Truth::Yes,
            Truth::Unknown => Truth::Unknown,
        }
    }

    /// As an answer.
    pub fn known(self) -> Option<bool> {
        match self {
            Truth::Yes => Some(true),
            Truth::No => Some(false),
            Truth::Unknown => None,
        }
    }
}
