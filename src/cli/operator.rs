//! Who sits at this shell: as the machine knows them, or as they call themselves.
//!
//! `USER` is whatever somebody writes into it. The user id of a process is the kernel's word, and so is the login user,
//! which stays the same through `su` and `sudo` (`/proc/self/loginuid`, proc_pid_loginuid(5)); a machine without such
//! logins, for instance a container, has none, and there anybody could set it once.

use std::fs;

use crate::domain::settings::ShellName;

/// No login user is set (audit.h: `AUDIT_UID_UNSET`).
const UNSET: u32 = u32::MAX;

/// Somebody at a shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operator {
    /// What they are called.
    pub name: String,
    /// Where they are, for the audit log: `shell`, and who they are by the machine's other words where those differ.
    pub origin: String,
}

/// What the machine says.
#[derive(Debug, Default)]
struct Machine {
    /// The user id of this process, and of whoever logged in.
    user: Option<u32>,
    login: Option<u32>,
    /// `/etc/passwd` (passwd(5)).
    passwd: String,
}

/// Who sits at this shell, by what `by` believes; `claimed` is what `USER` says.
pub fn operator(by: ShellName, claimed: Option<String>) -> Operator {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let machine = Machine {
        user: real_user(&read("/proc/self/status")),
        login: read("/proc/self/loginuid").trim().parse().ok().filter(|login| *login != UNSET),
        passwd: read("/etc/passwd"),
    };
    machine.operator(by, claimed)
}

/// The real user id of a process (proc_pid_status(5): real, effective, saved, file system).
fn real_user(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().next()?.parse().ok()
}

impl Machine {
    /// The name of a user id; `None`: it has none here.
    fn name_of(&self, id: u32) -> Option<&str> {
        self.passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let (name, own) = (fields.next()?, fields.nth(1)?);
            (own.parse() == Ok(id) && !name.is_empty()).then_some(name)
        })
    }

    /// A user id as it is written down. Nobody's account is called like one without a name.
    fn word(&self, id: Option<u32>) -> String {
        match id {
            Some(id) => self.name_of(id).map_or_else(|| format!("uid {id}"), str::to_owned),
            None => "uid unknown".to_owned(),
        }
    }

    fn operator(&self, by: ShellName, claimed: Option<String>) -> Operator {
        let user = self.word(self.user);
        let login = self.login.map(|login| self.word(Some(login)));
        let claimed = claimed.filter(|name| !name.trim().is_empty() && !name.chars().any(char::is_control));
        let name = match by {
            ShellName::User => claimed.clone().unwrap_or_else(|| user.clone()),
            ShellName::Login => login.clone().unwrap_or_else(|| user.clone()),
            ShellName::Uid => user.clone(),
        };
        let words = [("user", Some(user)), ("login", login), ("USER", claimed)];
        let others: Vec<String> = words
            .into_iter()
            .filter_map(|(what, word)| word.filter(|word| *word != name).map(|word| format!("{what} {word}")))
            .collect();
        let origin =
            if others.is_empty() { "shell".to_owned() } else { format!("shell ({})", others.join(", ")) };
        Operator { name, origin }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(user: u32, login: Option<u32>) -> Machine {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nanna:x:1001:1001::/home/anna:/bin/sh\nbroken\n";
        Machine { user: Some(user), login, passwd: passwd.to_owned() }
    }

    fn told(machine: &Machine, by: ShellName, claimed: &str) -> (String, String) {
        let Operator { name, origin } = machine.operator(by, Some(claimed.to_owned()));
        (name, origin)
    }

    fn pair(name: &str, origin: &str) -> (String, String) {
        (name.to_owned(), origin.to_owned())
    }

    #[test]
    fn whoever_calls_themselves_otherwise_is_who_the_machine_says_and_both_are_written_down() {
        let anna = machine(1001, None);
        assert_eq!(told(&anna, ShellName::Uid, "anna"), pair("anna", "shell"));
        assert_eq!(told(&anna, ShellName::Uid, "bodo"), pair("anna", "shell (USER bodo)"));
        assert_eq!(told(&anna, ShellName::User, "bodo"), pair("bodo", "shell (user anna)"));
        assert_eq!(told(&anna, ShellName::Uid, "bo\ndo"), pair("anna", "shell"));
    }

    #[test]
    fn who_has_become_root_is_known_by_their_login() {
        let root = machine(0, Some(1001));
        assert_eq!(told(&root, ShellName::Uid, "root"), pair("root", "shell (login anna)"));
        assert_eq!(told(&root, ShellName::Login, "root"), pair("anna", "shell (user root, USER root)"));
        assert_eq!(told(&machine(0, None), ShellName::Login, "root"), pair("root", "shell"));
    }

    #[test]
    fn a_user_without_a_name_is_called_by_the_number_which_is_nobodys_account() {
        let (name, origin) = told(&machine(70_001, None), ShellName::Uid, "anna");
        assert_eq!((name.as_str(), origin.as_str()), ("uid 70001", "shell (USER anna)"));
        assert!(name.parse::<crate::domain::account::AccountName>().is_err());
        assert_eq!(Machine::default().operator(ShellName::Uid, None).name, "uid unknown");
    }

    #[test]
    fn the_real_user_is_the_first_of_four() {
        assert_eq!(real_user("Name:\tx\nUid:\t1001\t0\t0\t0\nGid:\t1\t1\t1\t1\n"), Some(1001));
        assert_eq!(real_user(""), None);
    }
}
