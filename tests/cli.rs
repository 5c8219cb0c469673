//! The command line, run as a shell runs it, against real servers.
#![cfg(feature = "cli")]

mod support;

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use consistent_memcached::client::Client;
use consistent_memcached::options::Options;
use consistent_memcached::placement::DISTRIBUTIONS;
use serde_json::Value;
use support::Memcached;

const THREE: &str = "10.0.0.1,10.0.0.2,10.0.0.3";
const FOUR: &str = "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4 weight=1 name=fourth";

fn cm(arguments: &[&str]) -> Output {
    cm_with_input(arguments, b"")
}

fn cm_with_input(arguments: &[&str], input: &[u8]) -> Output {
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
fn ended(output: &Output, code: i32, stdout: &[u8]) -> String {
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
fn text(output: &Output) -> &str {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    str::from_utf8(&output.stdout).unwrap()
}

fn temporary(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{}-{name}", std::process::id()))
}

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

fn plan(more: &[&str]) -> Value {
    let arguments = ["plan", "--from", THREE, "--to", FOUR, "--json"];
    let output = cm(&[&arguments[..], more].concat());
    serde_json::from_str(text(&output)).unwrap()
}

#[test]
fn plan_tells_what_moves() {
    let report = plan(&[]);
    let moved = report["moved"].as_f64().unwrap();
    assert!((0.24..0.26).contains(&moved), "{moved}");
    assert!((moved - report["least"].as_f64().unwrap()).abs() < 0.001);
    assert_eq!(report["least_for_even_shares"], 0.25);
    assert_eq!(report["keys"], 100_000);
    let servers = report["servers"].as_array().unwrap();
    assert_eq!(servers.len(), 4);
    assert!(servers[3]["before"].is_null());
    assert_eq!(servers[3]["server"], "fourth");
    assert_eq!(servers[3]["after"]["fair"], 0.25);
    for side in ["before", "after"] {
        let share = |server: &Value| server[side]["share"].as_f64().unwrap_or(0.0);
        let all: f64 = servers.iter().map(share).sum();
        assert!((all - 1.0).abs() < 1e-9);
    }
    let others = report["distributions"].as_array().unwrap();
    let names: Vec<&str> = others
        .iter()
        .map(|o| o["distribution"].as_str().unwrap())
        .collect();
    assert_eq!(names, DISTRIBUTIONS);
    assert_eq!(others[0]["moved"], report["moved"]);
    let modulo = others
        .iter()
        .find(|other| other["distribution"] == "modulo");
    assert!(modulo.unwrap()["moved"].as_f64().unwrap() > 0.7);
}

#[test]
fn plan_counts_the_keys_given_and_shows_a_change_of_options() {
    let path = temporary("keys");
    fs::write(&path, "one\ntwo\nthree\n").unwrap();
    let report = plan(&["--keys", path.to_str().unwrap()]);
    fs::remove_file(path).unwrap();
    assert_eq!(report["keys"], 3);

    let arguments = [
        "plan", "--from", THREE, "--to", THREE, "--json", "--sample", "30000",
    ];
    let migrate = ["--compat", "pylibmc", "--to-option", "distribution=rehash"];
    let output = cm(&[&arguments[..], &migrate].concat());
    let report: Value = serde_json::from_str(text(&output)).unwrap();
    let moved = report["moved"].as_f64().unwrap();
    assert!((0.6..0.7).contains(&moved), "{moved}");
    assert_eq!(report["distributions"][0]["moved"], 0.0);

    let weighted = format!("{THREE},10.0.0.9 weight=5");
    let output = cm(&[
        "plan", "--from", THREE, "--to", &weighted, "--sample", "1000",
    ]);
    assert!(text(&output).contains("weights are unknown to distribution=rendezvous"));
}

#[test]
fn plan_draws_a_picture() {
    let path = temporary("plan.svg");
    plan(&["--sample", "1000", "--svg", path.to_str().unwrap()]);
    let svg = fs::read_to_string(&path).unwrap();
    fs::remove_file(path).unwrap();
    assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
    for name in [
        "10.0.0.1:11211",
        "fourth",
        "ketama-weighted",
        "Keys that move",
    ] {
        assert!(svg.contains(name), "{name}");
    }
    let unwritable = ["--svg", "/nowhere/at/all.svg", "--sample", "10"];
    let arguments = ["plan", "--from", THREE, "--to", FOUR];
    ended(&cm(&[&arguments[..], &unwritable].concat()), 3, b"");
}

#[test]
fn wrong_input_is_one_line_and_code_2() {
    let junk = temporary("junk");
    fs::write(&junk, b"good\nnot good\n\xff\x00").unwrap();
    let empty = temporary("empty");
    fs::write(&empty, "\n\n").unwrap();
    let (junk_path, empty_path) = (junk.to_str().unwrap(), empty.to_str().unwrap());
    let plan = ["plan", "--from", THREE, "--to", FOUR];
    for (arguments, word) in [
        (
            &["plan", "--from", "a,,b", "--to", "a"][..],
            "an empty entry",
        ),
        (&["plan", "--from", "a", "--to", "a,\u{1b}[2J"], "letters"),
        (&["plan", "--from", "a", "--to", "a,A:11211"], "twice"),
        (&["plan", "--from", "a", "--to", ""], "no server"),
        (&["plan", "--from", "a"], "--to"),
        (&["plan", "--from", "a", "--to", "a b=\n"], "option"),
        (&[&plan[..], &["--keys", "/nowhere"]].concat(), "/nowhere"),
        (&[&plan[..], &["--keys", "/"]].concat(), "cannot read"),
        (&[&plan[..], &["--keys", junk_path]].concat(), "line 2"),
        (&[&plan[..], &["--keys", empty_path]].concat(), "no key"),
        (&[&plan[..], &["--keys", "-"]].concat(), "no key"),
        (&[&plan[..], &["--sample", "0"]].concat(), "sample"),
        (&[&plan[..], &["--distribution", "x"]].concat(), "rehash"),
        (&[&plan[..], &["-o", "slots"]].concat(), "NAME=VALUE"),
        (&[&plan[..], &["-o", "colour=red"]].concat(), "colour"),
        (&[&plan[..], &["--to-option", "slots=7"]].concat(), "slots"),
        (
            &[&plan[..], &["-o", "slots=65537"]].concat(),
            "power of two",
        ),
        (&["locate", "--servers", "a"], "KEY"),
        (&["locate", "--servers", "a", "two words"], "0x20"),
        (&["get", "--servers", "a", ""], "empty"),
        (&["set", "--servers", "a", "k", "v", "--ttl", "soon"], "ttl"),
        (&["incr", "--servers", "a", "k", "1.5"], "64 bits"),
        (&["touch", "--servers", "a", "k"], "SECONDS"),
        (&["frobnicate"], "frobnicate"),
        (&[], "command"),
    ] {
        let said = ended(&cm(arguments), 2, b"");
        assert!(said.contains(word), "{arguments:?}: {said}");
    }
    fs::remove_file(junk).unwrap();
    fs::remove_file(empty).unwrap();
}

#[test]
fn help_is_there_for_every_command() {
    let help = cm(&["--help"]);
    assert!(text(&help).contains("Exit codes:") && text(&help).contains("timeout_ms"));
    for command in [
        "locate", "plan", "chart", "get", "set", "delete", "touch", "incr", "stats", "flush",
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
