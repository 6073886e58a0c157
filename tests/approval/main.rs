//! Four eyes, release by one, prepared alarms and corrections, through the program as it is built.
#![cfg(test)]

mod alarms;
mod corrections;
mod desk;
mod four_eyes;
