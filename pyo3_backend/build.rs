//! Tells the source which Python and which compiler it is built for.

use std::process::Command;
use std::{env, fs};

fn main() {
    pyo3_build_config::use_pyo3_cfgs();
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(rustc)
        .arg("--version")
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    println!("cargo::rustc-env=GILSCOPE_COMPILER={version}");
    println!(
        "cargo::rustc-env=GILSCOPE_PYO3_VERSION={}",
        find_pyo3_version()
    );
    println!("cargo::rerun-if-changed=Cargo.lock");
    println!("cargo::rerun-if-changed=build.rs");
}

/// Return the version of `PyO3` that the lock file names, which is what is linked.
fn find_pyo3_version() -> String {
    let lock = fs::read_to_string("Cargo.lock").unwrap_or_default();
    let version = lock
        .split("name = \"pyo3\"\nversion = \"")
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    version.unwrap_or("unknown").to_owned()
}
