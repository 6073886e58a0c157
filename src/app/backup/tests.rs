//! A file that was bent is refused, and nothing is done with it.
