//! Generates the C header and names the shared library.

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;

fn main() {
    println!("cargo::rerun-if-changed=src/ffi");
    println!("cargo::rerun-if-changed=cbindgen.toml");
    println!("cargo::rerun-if-changed=build.rs");
    soname();
    if let Err(error) = header() {
        println!("cargo::error=the C header cannot be generated: {error}");
    }
}

/// The major number of the ABI is that of the version: 0 until 1.0.0.
fn soname() {
    let abi = env::var("CARGO_PKG_VERSION_MAJOR").unwrap_or_default();
    println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libconsistent_memcached.so.{abi}");
}

/// Into OUT_DIR: a build never changes the tree. A test compares it with the one in include/.
fn header() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    // The module's own file leads to the others.
    let builder = cbindgen::Builder::new()
        .with_config(config)
        .with_src(root.join("src/ffi/mod.rs"));
    let mut header = Vec::new();
    builder.generate()?.write(&mut header);
    let header = without_safety_sections(&String::from_utf8(header)?);
    fs::write(
        PathBuf::from(env::var("OUT_DIR")?).join("consistent_memcached.h"),
        header,
    )?;
    Ok(())
}

/// Rust wants a section "Safety" for each function; in C it goes without saying.
fn without_safety_sections(header: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    let mut within = false;
    for line in header.lines() {
        if line == "// # Safety" {
            within = true;
            // The empty line before it.
            kept.pop();
        }
        within &= line.starts_with("//");
        if !within {
            kept.push(line);
        }
    }
    kept.join("\n") + "\n"
}
