//! Tables of names and what they stand for.

use crate::error::{Error, Result, Status};

/// The names of a table, in its order.
pub(super) const fn names<T, const N: usize>(table: &[(&'static str, T)]) -> [&'static str; N] {
    let mut names = [""; N];
    let mut i = 0;
    while i < N {
        names[i] = table[i].0;
        i += 1;
    }
    names
}

/// What the name given to an option stands for.
pub(super) fn look_up<T: Copy>(
    option: &str,
    table: &[(&str, T)],
    name: Option<&str>,
) -> Result<Option<T>> {
    let Some(name) = name else { return Ok(None) };
    if let Some(row) = table.iter().find(|row| row.0 == name) {
        return Ok(Some(row.1));
    }
    let known: Vec<&str> = table.iter().map(|row| row.0).collect();
    let message = format!("{option}={name} is not one of {}", known.join(", "));
    Err(Error::new(Status::Option, message))
}
