//! The command line, run as a shell runs it.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

pub fn cm(arguments: &[&str]) -> Output {
    cm_with_input(arguments, b"")
}

pub fn cm_with_input(arguments: &[&str], input: &[u8]) -> Output {
    let mut process = Command::new(env!("CARGO_BIN_EXE_cm"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may have ended.
    let _ = process.stdin.take().unwrap().write_all(input);
    process.wait_with_output().unwrap()
}

/// Ended with this code, said this on standard output, and for a code that is not 0 one line
/// on standard error.
#[track_caller]
pub fn ended(output: &Output, code: i32, stdout: &[u8]) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert_eq!(
        output.stdout.escape_ascii().to_string(),
        stdout.escape_ascii().to_string()
    );
    let lines = said.lines().count();
    assert_eq!(lines, usize::from(code != 0), "{said}");
    assert!(said.is_empty() || said.starts_with("cm: "), "{said}");
    said
}

#[track_caller]
pub fn text(output: &Output) -> &str {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    str::from_utf8(&output.stdout).unwrap()
}

pub fn temporary(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{}-{name}", std::process::id()))
}

pub fn handover(from: &str, to: &str, more: &[&str]) -> Output {
    let patient = ["-o", "timeout_ms=20000", "-o", "connect_timeout_ms=5000"];
    let arguments = ["handover", "--from", from, "--to", to];
    cm(&[&arguments[..], &patient, more].concat())
}

/// The lines of the summary, without their names: listed, outside the prefix, leftovers, to be
/// moved, copied, already there, gone meanwhile, failed.
pub fn counts(output: &Output) -> Vec<usize> {
    let said = str::from_utf8(&output.stdout).unwrap();
    let count = |line: &str| line.split_once('\t').unwrap().1.parse().unwrap();
    said.lines().map(count).collect()
}

/// The counts of a run in which nothing failed.
#[track_caller]
pub fn done(output: &Output) -> Vec<usize> {
    text(output);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    counts(output)
}

/// What a run says that ends with code 3, and its counts.
#[track_caller]
pub fn failed(output: &Output) -> (String, Vec<usize>) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.lines().all(|line| line.starts_with("cm: ")), "{said}");
    (said, counts(output))
}
