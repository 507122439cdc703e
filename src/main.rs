//! Jornada.

fn main() {}
