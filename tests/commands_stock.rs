//! The commands around a notice, as a person types them: the real program on a folder of its own.
#![cfg(test)]

mod stock;
