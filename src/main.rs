//! Parses arguments, runs, sets the exit code.

fn main() {}
