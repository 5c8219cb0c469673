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
