//! How a use case's failure is told.

use crate::app::failure::Failure;

use super::problem::{Kind, Problem};

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Denied(denied) => denied.into(),
            Failure::Wrong(why) => Self::new(Kind::Invalid, why),
            Failure::Store(error) => error.into(),
        }
    }
}
