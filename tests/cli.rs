//! The command line, run as a shell runs it, against real servers.
#![cfg(feature = "cli")]

mod support;

use std::fs;
use std::process::{Command, Output, Stdio};

use consistent_memcached::client::Client;
use consistent_memcached::options::Options;
use consistent_memcached::placement::DISTRIBUTIONS;
use serde_json::Value;
use support::Memcached;
use support::cm::{cm, cm_with_input, ended, temporary, text};

const THREE: &str = "10.0.0.1,10.0.0.2,10.0.0.3";
const FOUR: &str = "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4 weight=1 name=fourth";

/// With `--servers`, and the options that tests need, behind the command.
fn on(servers: &str, arguments: &[&str]) -> Output {
    on_with_input(servers, arguments, b"")
}

fn on_with_input(servers: &str, arguments: &[&str], input: &[u8]) -> Output {
    let mut all = vec![arguments[0], "--servers", servers, "-o", "timeout_ms=10000"];
    all.extend(&arguments[1..]);
    cm_with_input(&all, input)
}

#[test]
fn an_item_from_set_to_delete() {
    let (first, second) = (Memcached::start(), Memcached::start());
    let servers = format!("{},{}", first.address(), second.address());
    let run = |arguments: &[&str]| on(&servers, arguments);

    let missing = ended(&run(&["get", "key"]), 1, b"");
    assert_eq!(missing, "cm: key: not found\n");
    ended(&run(&["touch", "key", "10"]), 1, b"");
    ended(&run(&["delete", "key"]), 1, b"");
    ended(&run(&["incr", "key"]), 1, b"");

    ended(&run(&["set", "key", "a value", "--flags", "7"]), 0, b"");
    ended(&run(&["get", "key"]), 0, b"a value");
    let value: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    ended(
        &on_with_input(&servers, &["set", "key", "-"], &value),
        0,
        b"",
    );
    ended(&run(&["get", "key"]), 0, &value);
    ended(&run(&["touch", "key", "100"]), 0, b"");
    ended(&run(&["get", "key"]), 0, &value);
    ended(&run(&["touch", "key", "-1"]), 0, b"");
    ended(&run(&["get", "key"]), 1, b"");

    ended(&run(&["set", "number", "41"]), 0, b"");
    ended(&run(&["incr", "number"]), 0, b"42\n");
    ended(&run(&["incr", "number", "8"]), 0, b"50\n");
    ended(&run(&["incr", "number", "-20"]), 0, b"30\n");
    ended(&run(&["set", "text", "words"]), 0, b"");
    ended(&run(&["incr", "text"]), 1, b"");
    ended(&run(&["delete", "number"]), 0, b"");
    ended(&run(&["get", "number"]), 1, b"");

    ended(&run(&["set", "gone", "x", "--ttl", "-1"]), 0, b"");
    ended(&run(&["get", "gone"]), 1, b"");
}

#[test]
fn locate_names_the_server_that_set_uses() {
    let (first, second) = (Memcached::start(), Memcached::start());
    let servers = format!("{},{}", first.address(), second.address());
    let prefix = ["-o", "key_prefix=app:"];
    for number in 0..20 {
        let key = format!("key{number}");
        let set = on(&servers, &["set", &key, "x", prefix[0], prefix[1]]);
        ended(&set, 0, b"");
        let located = on(&servers, &["locate", &key, prefix[0], prefix[1]]);
        let owner = text(&located).split('\t').nth(1).unwrap();
        let whole = format!("app:{key}");
        for server in [first.address(), second.address()] {
            let held = on(&server, &["get", &whole]);
            let code = i32::from(server != owner);
            ended(&held, code, if code == 0 { b"x" } else { b"" });
        }
    }
}

#[test]
fn locate_says_what_the_library_says() {
    let keys: Vec<String> = (0..50).map(|number| format!("key:{number}")).collect();
    for distribution in DISTRIBUTIONS {
        let mut options = Options::new();
        options.set("distribution", distribution).unwrap();
        let client = Client::new(FOUR, &options).unwrap();
        let lines = keys.join("\r\n\n");
        let arguments = ["locate", "--servers", FOUR, "--distribution", distribution];
        let located = cm_with_input(
            &[&arguments[..], &["--keys", "-"]].concat(),
            lines.as_bytes(),
        );
        let as_json = cm_with_input(
            &[&arguments[..], &["--keys", "-", "--json", "--next", "1"]].concat(),
            lines.as_bytes(),
        );
        let mut objects = text(&as_json).lines();
        let mut count = 0;
        for (line, key) in text(&located).lines().zip(&keys) {
            let fields: Vec<&str> = line.split('\t').collect();
            let index = client.select_server(key.as_bytes()).unwrap();
            let owner = &*client.identities()[index];
            assert_eq!(fields[..2], [key, owner], "{distribution}");
            let next: Vec<&str> = fields[3]
                .split(',')
                .filter(|name| !name.is_empty())
                .collect();
            assert!(next.len() <= 3 && !next.contains(&owner), "{line}");

            let object: Value = serde_json::from_str(objects.next().unwrap()).unwrap();
            assert_eq!(object["server"], owner);
            assert_eq!(object["index"], index);
            let kinds = ["slot", "point", "score"];
            let place = kinds.iter().find(|kind| object[*kind].is_u64()).unwrap();
            assert_eq!(fields[2], format!("{place} {}", object[*place]));
            let shortened: Vec<&str> = next.into_iter().take(1).collect();
            assert_eq!(object["next"], Value::from(shortened));
            count += 1;
        }
        assert_eq!(count, keys.len(), "{distribution}");
    }
}

#[test]
fn stats_and_flush_reach_every_server_that_lives() {
    let (first, second) = (Memcached::start(), Memcached::start());
    let both = format!("{},{}", first.address(), second.address());
    let stats = on(&both, &["stats"]);
    for server in [first.address(), second.address()] {
        let line = format!("{server}\tversion\t");
        assert!(text(&stats).contains(&line), "{}", text(&stats));
        ended(&on(&server, &["set", "key", "x"]), 0, b"");
    }
    let settings = on(&both, &["stats", "settings"]);
    assert!(text(&settings).contains("\tmaxconns\t"));

    // Port 1 of the loopback: nobody listens there.
    let three = format!("{both},127.0.0.1:1");
    let flushed = on(&three, &["flush"]);
    let said = ended(&flushed, 3, b"");
    assert!(said.contains("127.0.0.1:1"), "{said}");
    for server in [first.address(), second.address()] {
        ended(&on(&server, &["get", "key"]), 1, b"");
    }
    let partly = on(&three, &["stats"]);
    assert_eq!(partly.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&partly.stdout).contains("\tversion\t"));
    ended(&on("127.0.0.1:1", &["get", "key"]), 3, b"");
}

#[test]
fn help_is_there_for_every_command() {
    let help = cm(&["--help"]);
    assert!(text(&help).contains("Exit codes:") && text(&help).contains("timeout_ms"));
    for command in [
        "locate", "plan", "handover", "chart", "get", "set", "delete", "touch", "incr", "stats",
        "flush",
    ] {
        assert!(text(&help).contains(command));
        assert!(text(&cm(&[command, "--help"])).contains("Usage: cm"));
    }
}

/// A reader that has seen enough, as `head`, is no failure.
#[test]
fn a_closed_pipe_ends_it_quietly() {
    let keys: Vec<String> = (0..100_000).map(|number| number.to_string()).collect();
    let path = temporary("many");
    fs::write(&path, keys.join("\n")).unwrap();
    let mut process = Command::new(env!("CARGO_BIN_EXE_cm"))
        .args(["locate", "--servers", THREE, "--keys"])
        .arg(&path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(process.stdout.take());
    ended(&process.wait_with_output().unwrap(), 0, b"");
    fs::remove_file(path).unwrap();
}
