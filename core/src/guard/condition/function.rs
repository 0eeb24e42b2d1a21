//! The functions and operators there are: on which types, and what they give.

use super::time::Part;
use super::value::Type;

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Size,
    StartsWith,
    EndsWith,
    Contains,
    ToBool,
    ToInt,
    ToUint,
    ToDouble,
    ToText,
    ToBytes,
    ToTimestamp,
    ToDuration,
    Get(Part),
}

/// Names of functions, for messages.
pub(super) const NAMES: [&str; 29] = [
    "size",
    "startsWith",
    "endsWith",
    "contains",
    "bool",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "timestamp",
    "duration",
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
    "has",
    "all",
    "exists",
    "exists_one",
    "filter",
    "map",
    "in",
];

impl Function {
    /// The function of this name that is called on a value (`a.f()`) or not (`f(a)`).
    pub(super) fn named(name: &str, method: bool) -> Option<Self> {
        Some(match (name, method) {
            ("size", _) => Self::Size,
            ("startsWith", true) => Self::StartsWith,
            ("endsWith", true) => Self::EndsWith,
            ("contains", true) => Self::Contains,
            ("bool", false) => Self::ToBool,
            ("int", false) => Self::ToInt,
            ("uint", false) => Self::ToUint,
            ("double", false) => Self::ToDouble,
            ("string", false) => Self::ToText,
            ("bytes", false) => Self::ToBytes,
            ("timestamp", false) => Self::ToTimestamp,
            ("duration", false) => Self::ToDuration,
            (_, true) => Self::Get(Part::named(name)?),
            _ => return None,
        })
    }

    /// What it gives for arguments of these types; none if it does not take them.
    pub(super) fn gives(self, arguments: &[Type]) -> Option<Type> {
        if let Self::Get(part) = self {
            return part_gives(part, arguments);
        }
        let takes = |types: &[Type]| match arguments {
            [one] => types.iter().any(|t| one.is(t)),
            _ => false,
        };
        let numbers = [Type::Int, Type::Uint, Type::Double, Type::Text];
        let (taken, given) = match self {
            Self::Size => (takes(&[Type::Text, Type::Bytes, Type::Any.list()]), Type::Int),
            Self::StartsWith | Self::EndsWith | Self::Contains => {
                (two_texts(arguments), Type::Bool)
            }
            Self::ToBool => (takes(&[Type::Bool, Type::Text]), Type::Bool),
            Self::ToInt => (takes(&numbers) || takes(&[Type::Timestamp]), Type::Int),
            Self::ToUint => (takes(&numbers), Type::Uint),
            Self::ToDouble => (takes(&numbers), Type::Double),
            Self::ToText => (!takes(&[Type::Any.list()]) && arguments.len() == 1, Type::Text),
            Self::ToBytes => (takes(&[Type::Text, Type::Bytes]), Type::Bytes),
            Self::ToTimestamp => {
                (takes(&[Type::Timestamp, Type::Text, Type::Int]), Type::Timestamp)
            }
            Self::ToDuration => (takes(&[Type::Duration, Type::Text]), Type::Duration),
            Self::Get(_) => (false, Type::Int),
        };
        taken.then_some(given)
    }
}

fn two_texts(arguments: &[Type]) -> bool {
    matches!(arguments, [a, b] if a.is(&Type::Text) && b.is(&Type::Text))
}

fn part_gives(part: Part, arguments: &[Type]) -> Option<Type> {
    let fits = match arguments {
        [one] if one.is(&Type::Timestamp) => true,
        [one] => part.of_duration() && one.is(&Type::Duration),
        [one, zone] => one.is(&Type::Timestamp) && zone.is(&Type::Text),
        _ => false,
    };
    fits.then_some(Type::Int)
}

/// What an operator between two values does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
}

impl Operator {
    /// The operator of this sign.
    pub(super) fn of(sign: &str) -> Option<Self> {
        Some(match sign {
            "+" => Self::Add,
            "-" => Self::Subtract,
            "*" => Self::Multiply,
            "/" => Self::Divide,
            "%" => Self::Remainder,
            "==" => Self::Equal,
            "!=" => Self::Unequal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "in" => Self::In,
            _ => return None,
        })
    }

    /// What it gives between these types; none if it does not take them.
    pub(super) fn gives(self, left: &Type, right: &Type) -> Option<Type> {
        match self {
            Self::Equal | Self::Unequal => left.unify(right).map(|_| Type::Bool),
            Self::In => right.is(&left.clone().list()).then_some(Type::Bool),
            Self::Less | Self::LessOrEqual | Self::Greater | Self::GreaterOrEqual => {
                let both = left.unify(right)?;
                (!matches!(both, Type::List(_))).then_some(Type::Bool)
            }
            Self::Add => added(left, right),
            Self::Subtract => subtracted(left, right),
            Self::Multiply | Self::Divide => {
                one_of(left, right, &[Type::Int, Type::Uint, Type::Double])
            }
            Self::Remainder => one_of(left, right, &[Type::Int, Type::Uint]),
        }
    }
}

fn one_of(left: &Type, right: &Type, types: &[Type]) -> Option<Type> {
    let both = left.unify(right)?;
    types.iter().any(|t| both.is(t)).then_some(both)
}

fn added(left: &Type, right: &Type) -> Option<Type> {
    match (left, right) {
        (Type::Timestamp, Type::Duration) | (Type::Duration, Type::Timestamp) => {
            Some(Type::Timestamp)
        }
        _ => {
            let types =
                [Type::Int, Type::Uint, Type::Double, Type::Text, Type::Bytes, Type::Duration];
            one_of(left, right, &types).or_else(|| one_of(left, right, &[Type::Any.list()]))
        }
    }
}

fn subtracted(left: &Type, right: &Type) -> Option<Type> {
    match (left, right) {
        (Type::Timestamp, Type::Duration) => Some(Type::Timestamp),
        (Type::Timestamp, Type::Timestamp) => Some(Type::Duration),
        _ => one_of(left, right, &[Type::Int, Type::Uint, Type::Double, Type::Duration]),
    }
}
