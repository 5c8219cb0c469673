//! Generates the C header and names the shared library.

use std::env;
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
fn header() -> Result<(), Box<dyn std::error::Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let header = PathBuf::from(env::var("OUT_DIR")?).join("consistent_memcached.h");
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    cbindgen::Builder::new()
        .with_crate(&root)
        .with_config(config)
        .generate()?
        .write_to_file(header);
    Ok(())
}
