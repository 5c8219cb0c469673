//! What must stay as it is written down: the direction in which the modules use each other,
//! the committed header, the documents made from the table of options.

use std::fs;
use std::path::{Path, PathBuf};

use consistent_memcached::options::TABLE;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// `ffi → client → fleet → {placement, net → protocol}`; all may use `error`, and the options'
/// table uses what it names.
#[test]
fn modules_use_each_other_in_one_direction() {
    let allowed: &[(&str, &[&str])] = &[
        (
            "ffi",
            &[
                "client",
                "fleet",
                "placement",
                "protocol",
                "options",
                "error",
            ],
        ),
        ("client", &["fleet", "net", "protocol", "options", "error"]),
        (
            "fleet",
            &["placement", "net", "protocol", "options", "error"],
        ),
        ("net", &["protocol", "error"]),
        ("placement", &["error"]),
        ("protocol", &["error"]),
        ("options", &["placement", "protocol", "error"]),
        ("options.rs", &["placement", "protocol", "error"]),
        ("error.rs", &[]),
    ];
    for (module, uses) in allowed {
        let place = root().join("src").join(module);
        let mut files = Vec::new();
        if place.is_dir() {
            sources(&place, &mut files);
        } else {
            files.push(place);
        }
        assert!(!files.is_empty(), "{module} is gone");
        for file in files {
            for used in read(&file).split("crate::").skip(1) {
                let name: String = used
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                let own = name == module.trim_end_matches(".rs");
                assert!(
                    own || uses.contains(&name.as_str()),
                    "{} uses {name}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn unsafe_code_stays_in_its_places() {
    let mut files = Vec::new();
    sources(&root().join("src"), &mut files);
    for file in files {
        let place = file.strip_prefix(root().join("src")).unwrap();
        let may = place.starts_with("ffi") || place.starts_with("net");
        assert!(
            may || !read(&file).contains("unsafe {"),
            "{}",
            file.display()
        );
    }
}

#[test]
fn the_committed_header_is_the_generated_one() {
    let generated = read(Path::new(env!("OUT_DIR")).join("consistent_memcached.h"));
    let committed = read(root().join("include/consistent_memcached.h"));
    assert!(
        committed == generated,
        "the header has changed: make header"
    );
}

/// The table of options as Markdown.
fn options_table() -> String {
    let mut table = String::from(
        "| option | type | default | values | what it does |\n|---|---|---|---|---|\n",
    );
    for spec in TABLE {
        let default = match spec.default {
            "" => "not set".to_owned(),
            default => format!("`{default}`"),
        };
        let range = match spec.type_name() {
            "choice" => format!("`{}`", spec.range().replace(", ", "`, `")),
            _ => spec.range(),
        };
        table += &format!(
            "| `{}` | {} | {default} | {range} | {} |\n",
            spec.name,
            spec.type_name(),
            spec.text
        );
    }
    table
}

const BEGIN: &str = "<!-- options: made from src/options.rs by `make docs` -->\n";
const END: &str = "<!-- end of options -->\n";

fn with_table(document: &str, name: &str) -> String {
    let (before, rest) = document
        .split_once(BEGIN)
        .unwrap_or_else(|| panic!("{name}: no place for the options"));
    let (_, after) = rest
        .split_once(END)
        .unwrap_or_else(|| panic!("{name}: the options do not end"));
    format!("{before}{BEGIN}{}{END}{after}", options_table())
}

/// With UPDATE_DOCS set, writes what it would compare: that is `make docs`.
#[test]
fn the_documents_show_the_options_as_they_are() {
    for name in ["docs/options.md", "README.md"] {
        let path = root().join(name);
        let document = read(&path);
        let expected = with_table(&document, name);
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, expected).unwrap();
        } else {
            assert!(document == expected, "{name} is out of date: make docs");
        }
    }
}
