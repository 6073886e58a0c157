//! Why signing in by the provider did not work, in words for people.

/// Why a provider's word is not there, or not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderFault {
    /// It does not answer, not in time, or not as it should.
    #[error(
        "the identity provider cannot be used at this moment ({0}): sign in with name and password meanwhile"
    )]
    Unavailable(String),
    /// It is set up in another way than we are; an admin must look at it.
    #[error(
        "the identity provider and this instance do not fit together ({0}): sign in with name and password, and let \
         an admin run \"rundruf doctor\""
    )]
    Misfit(String),
    /// It does not take the code: it was used before, or is too old.
    #[error("the identity provider does not take that sign-in any more ({0}): begin again")]
    CodeRefused(String),
    /// What it says of the person cannot be believed.
    #[error(
        "what the identity provider says cannot be believed ({0}): begin again; if it stays so, tell an admin"
    )]
    Unbelievable(String),
}

impl ProviderFault {
    /// Whether it may be over soon, without anybody doing anything.
    pub const fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }

    /// What is wrong, without what to do about it.
    pub fn reason(&self) -> &str {
        match self {
            Self::Unavailable(why) | Self::Misfit(why) | Self::CodeRefused(why) | Self::Unbelievable(why) => {
                why
            }
        }
    }
}

/// What somebody else wrote, fit to be shown: one line, short, no control characters.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 120;
    let plain: String = text.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    plain.trim().to_owned()
}
