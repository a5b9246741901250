//! Which plugins one of several gates judges, where together they judge them all.

use std::borrow::Cow;
use std::str::FromStr;

use thiserror::Error;

use crate::diagnostic::Method;
use crate::input;

/// The most parts that there may be. Who says more has mistyped it, or means harm.
pub const MOST: usize = 10_000;

/// A part of the plugins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// How they are dealt out.
    pub method: Method,
    /// Which part, from 1.
    pub index: usize,
    /// How many parts there are, at least 1 and at most [`MOST`].
    pub total: usize,
    /// What said so.
    pub source: Cow<'static, str>,
}

/// Why there is no telling which plugins are meant.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum PartitionError {
    /// It is not written as it should be.
    #[error("`{0}` is no partition; write hash:M/N or slice:M/N, as in hash:2/5, or none")]
    Form(String),
    /// There is no such part.
    #[error("there is no part {index} of {total}; they are counted from 1")]
    Range {
        /// The part.
        index: usize,
        /// How many there are.
        total: usize,
    },
    /// There are more parts than anybody has jobs.
    #[error("{0} parts are too many: {MOST} at most")]
    TooMany(usize),
    /// A variable of a CI system makes no sense.
    #[error("{name} is `{value}`, which is {what}; set it right, or say --partition")]
    Variable {
        /// Its name.
        name: &'static str,
        /// What it is.
        value: String,
        /// What is wrong with that.
        what: &'static str,
    },
    /// A variable of a CI system is not there, though another is.
    #[error(
        "{there} is set, and {missing} is not: set it to the number of parts, or say --partition"
    )]
    Missing {
        /// The one that is there.
        there: &'static str,
        /// The one that is not.
        missing: &'static str,
    },
    /// Two CI systems say what is to be judged.
    #[error("{0} and {1} both say which part is to be judged; say which it is with --partition")]
    Two(Cow<'static, str>, Cow<'static, str>),
}

impl FromStr for Partition {
    type Err = PartitionError;

    fn from_str(text: &str) -> Result<Partition, PartitionError> {
        let form = || PartitionError::Form(text.to_owned());
        let (method, part) = text.split_once(':').ok_or_else(form)?;
        let (index, total) = part.split_once('/').ok_or_else(form)?;
        let method = match method {
            "hash" => Method::Hash,
            "slice" => Method::Slice,
            _ => return Err(form()),
        };
        let index = number(index).ok_or_else(form)?;
        let total = number(total).ok_or_else(form)?;
        if total > MOST {
            return Err(PartitionError::TooMany(total));
        }
        if !(1..=total).contains(&index) {
            return Err(PartitionError::Range { index, total });
        }
        Ok(Partition { method, index, total, source: "--partition".into() })
    }
}

/// Digits only: `+1` and ` 1` are slips.
fn number(text: &str) -> Option<usize> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// How a CI system tells a job which part it is.
struct System {
    name: &'static str,
    index: &'static str,
    /// What the first part is called.
    first: usize,
    total: &'static str,
}

const SYSTEMS: &[System] = &[
    System { name: "Bazel", index: "TEST_SHARD_INDEX", first: 0, total: "TEST_TOTAL_SHARDS" },
    System { name: "GitLab", index: "CI_NODE_INDEX", first: 1, total: "CI_NODE_TOTAL" },
    System {
        name: "Kubernetes",
        index: "JOB_COMPLETION_INDEX",
        first: 0,
        total: "JOB_COMPLETIONS",
    },
];

impl Partition {
    /// The part that a CI system says this job is, by hash; none where no variable says so.
    /// `variable` looks one up.
    ///
    /// # Errors
    ///
    /// Where the variables make no sense: to judge all, or nothing, would be a guess.
    pub fn of_environment(
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Partition>, PartitionError> {
        let mut found: Option<Partition> = None;
        for system in SYSTEMS {
            let Some(partition) = system.says(variable)? else { continue };
            if let Some(other) = found {
                return Err(PartitionError::Two(other.source, partition.source));
            }
            found = Some(partition);
        }
        Ok(found)
    }

    /// Whether it has the plugin of this id at this place in the list, from 0.
    pub fn has(&self, place: usize, id: &str) -> bool {
        part_of(self.method, self.total, place, id) == self.index
    }
}

impl System {
    fn says(
        &self,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Partition>, PartitionError> {
        let said = |name| variable(name).filter(|value| !value.is_empty());
        // GitLab sets the total for every job, and the index where there are several.
        let Some(index) = said(self.index) else { return Ok(None) };
        let Some(total) = said(self.total) else {
            return Err(PartitionError::Missing { there: self.index, missing: self.total });
        };
        let parse = |name, value: &str| {
            let wrong = |value| PartitionError::Variable { name, value, what: "no number" };
            number(value).ok_or_else(|| wrong(value.to_owned()))
        };
        let place = parse(self.index, &index)?.checked_sub(self.first);
        let (written, total) = (total.clone(), parse(self.total, &total)?);
        if total > MOST {
            let (name, what) = (self.total, "more than there may be parts");
            return Err(PartitionError::Variable { name, value: written, what });
        }
        match place.filter(|place| *place < total) {
            Some(place) => Ok(Some(Partition {
                method: Method::Hash,
                index: place + 1,
                total,
                source: self.name.into(),
            })),
            None => Err(PartitionError::Variable {
                name: self.index,
                value: index,
                what: "none of the parts",
            }),
        }
    }
}

/// The part, from 1, of so many that has the plugin of this id at this place in the list, from 0.
pub fn part_of(method: Method, total: usize, place: usize, id: &str) -> usize {
    let total = total.max(1);
    match method {
        Method::Slice => place % total + 1,
        Method::Hash => {
            // Sixty bits of SHA-256: the same on every machine, and of every version.
            let digest = input::digest(id.as_bytes());
            let bits = digest.get(..15).and_then(|hex| u64::from_str_radix(hex, 16).ok());
            let part = u128::from(bits.unwrap_or(0)) % total as u128;
            usize::try_from(part).unwrap_or(0) + 1
        }
    }
}
