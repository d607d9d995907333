//! Shows the window on a program that speaks door 1 on its standard input and output:
//! `cargo run --release -p window --example against -- otter engine`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "stands in for the supervisor"
)]

use std::process::{Command, Stdio};

use window::Options;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().expect("the program to show the window on");
    let mut engine = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let (reader, writer) = (engine.stdout.take().unwrap(), engine.stdin.take().unwrap());
    let language = std::env::var("LANG").ok();
    let options = Options {
        language,
        ..Options::default()
    };
    let end = window::run(reader, writer, &options).expect("there is a screen");
    engine.wait().unwrap();
    assert_eq!(end, window::End::Closed);
}
