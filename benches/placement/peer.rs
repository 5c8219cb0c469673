//! The peers: programs around the other clients' own code, in `peers/`.
//!
//! A peer is given a file of servers and a file of keys, a line each, and answers orders on
//! standard input, a line each with a line: `owners N` with the owners of the first N keys, as
//! numbers in the order of the servers; `time N` with the nanoseconds that N lookups take, of
//! the keys in order, going round.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

pub struct Program {
    pub name: &'static str,
    command: Vec<OsString>,
}

/// The peers that are there. What is missing is said on standard error.
pub fn programs(folder: &Path) -> Vec<Program> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let sources = root.join("benches/placement/peers");
    let fetched = root.join("target/bench-peers");
    let mut programs = Vec::new();

    let libmemcached = folder.join("libmemcached");
    let compiled = Command::new("cc")
        .args(["-O2", "-o"])
        .arg(&libmemcached)
        .arg(sources.join("libmemcached.c"))
        .arg("-lmemcached")
        .stderr(Stdio::null())
        .status();
    if compiled.is_ok_and(|status| status.success()) {
        for (name, kind) in [
            ("libmemcached ketama", "ketama"),
            ("libmemcached ketama-weighted", "ketama-weighted"),
        ] {
            let command = vec![libmemcached.clone().into(), kind.into()];
            programs.push(Program { name, command });
        }
    } else {
        eprintln!("left out: libmemcached (no compiler, or no libmemcached-dev)");
    }

    let python = fetched.join("venv/bin/python");
    let dalli = fetched.join("dalli/lib");
    for (name, command, probe) in [
        (
            "pymemcache",
            vec![python.into(), sources.join("pymemcache_peer.py").into()],
            ["-c", "import pymemcache"],
        ),
        (
            "Dalli",
            vec![
                "ruby".into(),
                "-I".into(),
                dalli.into(),
                sources.join("dalli_peer.rb").into(),
            ],
            ["-e", "require 'dalli'"],
        ),
    ] {
        let without_script = &command[..command.len() - 1];
        let there = start(without_script)
            .args(probe)
            .stderr(Stdio::null())
            .status();
        if there.is_ok_and(|status| status.success()) {
            programs.push(Program { name, command });
        } else {
            eprintln!("left out: {name} (see benches/placement/peers/install)");
        }
    }
    programs
}

fn start(command: &[OsString]) -> Command {
    let mut started = Command::new(&command[0]);
    started.args(&command[1..]);
    started
}

/// A running peer; ends with this.
pub struct Peer {
    name: &'static str,
    process: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    pub fn start(program: &Program, servers: &Path, keys: &Path) -> Self {
        let mut process = start(&program.command)
            .args([servers, keys])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a peer that starts");
        Self {
            name: program.name,
            orders: process.stdin.take().expect("a pipe"),
            answers: BufReader::new(process.stdout.take().expect("a pipe")),
            process,
        }
    }

    pub fn time(&mut self, count: u64) -> u64 {
        self.ask(&format!("time {count}"))[0] as u64
    }

    pub fn owners(&mut self, count: usize) -> Vec<usize> {
        self.ask(&format!("owners {count}"))
    }

    fn ask(&mut self, order: &str) -> Vec<usize> {
        let mut answer = String::new();
        let answered = writeln!(self.orders, "{order}")
            .and_then(|()| self.orders.flush())
            .and_then(|()| self.answers.read_line(&mut answer));
        let numbers: Vec<usize> = answer
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let good = answered.is_ok() && !numbers.is_empty();
        assert!(good, "{} answers {order} with {answer:?}", self.name);
        numbers
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
