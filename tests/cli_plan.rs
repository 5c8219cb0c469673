//! `cm plan`, and what every command says to wrong input. No server is asked.
#![cfg(feature = "cli")]

mod support;

use std::fs;

use consistent_memcached::placement::DISTRIBUTIONS;
use serde_json::Value;
use support::cm::{cm, ended, temporary, text};

const THREE: &str = "10.0.0.1,10.0.0.2,10.0.0.3";
const FOUR: &str = "10.0.0.1,10.0.0.2,10.0.0.3,10.0.0.4 weight=1 name=fourth";

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
