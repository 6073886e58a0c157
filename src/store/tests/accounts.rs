//! Accounts, sessions, tokens and waits, as both engines keep them.

use std::collections::BTreeSet;

use super::*;
use crate::domain::account::{AccountName, LinkedIdentity};
use crate::domain::actor::{Actor, Right, Role};
use crate::domain::audit::{NewEntry, Subject};
use crate::domain::ids::SessionId;
use crate::domain::sign_in_wait::WaitKey;

on_both_engines!(
    a_name_is_given_once,
    the_last_admin_stays,
    two_editors_at_once_are_noticed,
    a_step_and_a_recovery_code_count_once,
    disabling_ends_sessions_and_tokens,
    a_token_takes_with_it_what_was_made_with_it,
    whoever_is_kept_out_makes_no_token,
    whoever_was_just_let_in_is_kept_out_by_a_reset,
    whoever_an_account_was_linked_to_before_is_kept_out,
    what_a_provider_has_vouched_for_outlives_a_new_password,
    a_setup_code_makes_one_account,
    waits_are_counted_and_taken_back,
    an_address_is_known_after_a_session,
);

fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

fn entry(action: &'static str) -> NewEntry {
    NewEntry::new(&Actor::shell("test"), action, Subject::new("account", "x"))
}

fn new_account(account: &str, roles: &[Role]) -> NewAccount {
    NewAccount {
        name: name(account),
        roles: roles.iter().copied().collect(),
        password: Some("hash".to_owned()),
        must_change: true,
        linked: None,
        created_by: "shell:test".to_owned(),
    }
}

impl Bench {
    async fn account_of(&self, account: &str, roles: &[Role]) {
        self.store.add_account(&new_account(account, roles), &entry("account.added")).await.unwrap();
    }

    async fn change(&self, account: &str, change: AccountChange) -> Result<(), StoreError> {
        self.store.change_account(&name(account), change, None, &entry("account.changed")).await
    }

    fn session_of(&self, account: &str, token: u8) -> NewSession {
        NewSession {
            id: SessionId(self.ids.next()),
            hash: vec![token; 32],
            account: name(account),
            origin: "192.0.2.1".to_owned(),
            agent: "test".to_owned(),
            ends_at: self.clock.now().plus(Duration::from_secs(3_600)),
            vouched_factor: false,
        }
    }

    async fn begin(&self, session: &NewSession, used: &UsedFactor) -> bool {
        let seen = self.store.account(&session.account).await.unwrap().unwrap();
        self.begin_as(session, &seen, used).await
    }

    async fn begin_as(&self, session: &NewSession, seen: &Account, used: &UsedFactor) -> bool {
        self.store.begin_session(session, seen, used, START, &entry("session.began")).await.unwrap()
    }

    async fn token_of(&self, token: &str, account: Option<&str>, hash: u8) -> Result<(), StoreError> {
        self.token_by(account.unwrap_or("shell:anna"), token, account, hash).await
    }

    async fn token_by(
        &self,
        maker: &str,
        token: &str,
        account: Option<&str>,
        hash: u8,
    ) -> Result<(), StoreError> {
        let new = NewToken {
            name: name(token),
            hash: vec![hash; 32],
            account: account.map(name),
            rights: [Right::NoticesRead, Right::AuditRead].into(),
            groups: Some(["schools".to_owned(), "mit,komma".to_owned()].into()),
            created_by: maker.to_owned(),
            expires_at: Some(START.plus(Duration::from_secs(60))),
        };
        self.store.add_token(&new, &entry("token.created")).await
    }

    async fn entries(&self) -> i64 {
        self.store.audit_head().await.unwrap().sequence
    }
}

async fn a_name_is_given_once(bench: Bench) {
    bench.account_of("anna", &[Role::Author, Role::Approver]).await;
    let again = bench.store.add_account(&new_account("anna", &[Role::Admin]), &entry("x")).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))));
    let anna = bench.store.account(&name("anna")).await.unwrap().unwrap();
    assert_eq!(anna.roles, BTreeSet::from([Role::Author, Role::Approver]));
    assert!(anna.must_change && anna.disabled_at.is_none() && anna.totp.is_none());
    bench.token_of("leitstelle", None, 1).await.unwrap();
    bench.store.revoke_token(&name("leitstelle"), &entry("token.revoked")).await.unwrap();
    let again = bench.token_of("leitstelle", None, 2).await;
    assert!(matches!(again, Err(StoreError::Conflict(_))), "not even after it was revoked");
    assert_eq!(bench.entries().await, 3, "what was refused leaves no entry");
}

async fn the_last_admin_stays(bench: Bench) {
    bench.account_of("anna", &[Role::Admin]).await;
    bench.account_of("adminton", &[Role::Author]).await;
    let demoted = AccountChange::Roles([Role::Author].into());
    for change in [AccountChange::Disable, demoted.clone()] {
        let refused = bench.change("anna", change).await.unwrap_err();
        assert!(refused.to_string().contains("last admin"), "{refused}");
    }
    bench.change("adminton", AccountChange::Disable).await.unwrap();
    bench.account_of("berta", &[Role::Admin, Role::Author]).await;
    bench.change("anna", demoted).await.unwrap();
    assert!(bench.change("berta", AccountChange::Disable).await.is_err());
    bench.change("anna", AccountChange::Roles([Role::Admin].into())).await.unwrap();
    bench.change("berta", AccountChange::Disable).await.unwrap();
    bench.change("berta", AccountChange::Enable).await.unwrap();
}

async fn two_editors_at_once_are_noticed(bench: Bench) {
    bench.account_of("anna", &[Role::Author]).await;
    let seen = bench.store.account(&name("anna")).await.unwrap().unwrap().version;
    let change = async |roles: &[Role]| {
        let roles = AccountChange::Roles(roles.iter().copied().collect());
        bench.store.change_account(&name("anna"), roles, Some(seen), &entry("x")).await
    };
    change(&[Role::Approver]).await.unwrap();
    assert!(matches!(change(&[Role::Admin]).await, Err(StoreError::Conflict(_))));
    let roles = bench.store.account(&name("anna")).await.unwrap().unwrap().roles;
    assert_eq!(roles, BTreeSet::from([Role::Approver]));
    assert!(matches!(bench.change("nobody", AccountChange::Enable).await, Err(StoreError::Conflict(_))));
}

async fn a_step_and_a_recovery_code_count_once(bench: Bench) {
    bench.account_of("anna", &[Role::Author]).await;
    bench.change("anna", AccountChange::OfferFactor("sealed".to_owned())).await.unwrap();
    let confirm = |offered: &str| AccountChange::ConfirmFactor {
        offered: offered.to_owned(),
        step: 100,
        codes: vec![vec![1], vec![2]],
    };
    assert!(bench.change("anna", confirm("another")).await.is_err(), "another was offered");
    bench.change("anna", confirm("sealed")).await.unwrap();
    let anna = bench.store.account(&name("anna")).await.unwrap().unwrap();
    assert_eq!((anna.totp.as_deref(), anna.totp_step, anna.totp_pending), (Some("sealed"), Some(100), None));

    let entries = bench.entries().await;
    assert!(!bench.begin(&bench.session_of("anna", 1), &UsedFactor::Step(100)).await, "used to confirm");
    assert!(bench.begin(&bench.session_of("anna", 1), &UsedFactor::Step(101)).await);
    assert!(!bench.begin(&bench.session_of("anna", 2), &UsedFactor::Step(101)).await);
    assert!(!bench.begin(&bench.session_of("anna", 2), &UsedFactor::Step(99)).await);
    assert!(bench.begin(&bench.session_of("anna", 2), &UsedFactor::RecoveryCode(vec![2])).await);
    assert!(!bench.begin(&bench.session_of("anna", 3), &UsedFactor::RecoveryCode(vec![2])).await);
    assert!(!bench.begin(&bench.session_of("anna", 3), &UsedFactor::RecoveryCode(vec![9])).await);
    assert_eq!(bench.store.recovery_codes_left(&name("anna")).await.unwrap(), 1);
    assert_eq!(bench.entries().await, entries + 2);
    let reset = AccountChange::Reset { password: None, drop_second_factor: true, by: "admin".to_owned() };
    bench.change("anna", reset).await.unwrap();
    assert_eq!(bench.store.recovery_codes_left(&name("anna")).await.unwrap(), 0);
}

async fn disabling_ends_sessions_and_tokens(bench: Bench) {
    bench.account_of("anna", &[Role::Author]).await;
    bench.account_of("berta", &[Role::Author]).await;
    for (account, token) in [("anna", 1), ("anna", 2), ("berta", 3)] {
        assert!(bench.begin(&bench.session_of(account, token), &UsedFactor::Nothing).await);
    }
    bench.token_of("hers", Some("anna"), 11).await.unwrap();
    bench.token_of("shells", None, 12).await.unwrap();
    let known = bench.store.token_by_hash(vec![11; 32]).await.unwrap().unwrap();
    assert_eq!(known.rights, BTreeSet::from([Right::NoticesRead, Right::AuditRead]));
    assert_eq!(known.groups, Some(BTreeSet::from(["mit,komma".to_owned(), "schools".to_owned()])));
    assert_eq!(bench.store.sessions(None, Timestamp(0)).await.unwrap().len(), 3);

    bench.change("anna", AccountChange::Disable).await.unwrap();
    for (token, remains) in [(1, false), (2, false), (3, true)] {
        let found = bench.store.session_by_hash(vec![token; 32]).await.unwrap();
        assert_eq!(found.is_some(), remains, "{token}");
    }
    assert!(bench.store.token_by_hash(vec![11; 32]).await.unwrap().is_none());
    assert!(bench.store.token_by_hash(vec![12; 32]).await.unwrap().is_some());
    assert_eq!(bench.store.sessions(Some(&name("berta")), Timestamp(0)).await.unwrap().len(), 1);
}

async fn a_token_takes_with_it_what_was_made_with_it(bench: Bench) {
    bench.account_of("anna", &[Role::Admin]).await;
    bench.account_of("berta", &[Role::Admin]).await;
    bench.token_of("mother", None, 1).await.unwrap();
    bench.token_by("token:mother", "child", None, 2).await.unwrap();
    bench.token_by("token:child", "grandchild", None, 3).await.unwrap();
    bench.token_of("other", None, 4).await.unwrap();
    bench.token_of("hers", Some("anna"), 5).await.unwrap();
    bench.token_by("token:hers", "her-child", None, 6).await.unwrap();

    let counts = async |hash: u8| bench.store.token_by_hash(vec![hash; 32]).await.unwrap().is_some();
    bench.store.revoke_token(&name("mother"), &entry("token.revoked")).await.unwrap();
    for (hash, remains) in [(1, false), (2, false), (3, false), (4, true), (5, true), (6, true)] {
        assert_eq!(counts(hash).await, remains, "{hash}");
    }
    bench.change("anna", AccountChange::Disable).await.unwrap();
    assert!(!counts(5).await && !counts(6).await && counts(4).await);
}

async fn whoever_is_kept_out_makes_no_token(bench: Bench) {
    bench.account_of("anna", &[Role::Admin]).await;
    bench.account_of("berta", &[Role::Admin]).await;
    bench.token_of("mother", None, 1).await.unwrap();
    bench.store.revoke_token(&name("mother"), &entry("token.revoked")).await.unwrap();
    bench.change("anna", AccountChange::Disable).await.unwrap();
    let entries = bench.entries().await;
    for (maker, account) in [("token:mother", None), ("anna", Some("anna"))] {
        let refused = bench.token_by(maker, "late", account, 9).await.unwrap_err();
        assert!(refused.to_string().contains("may do nothing any more"), "{refused}");
    }
    assert_eq!(bench.entries().await, entries);
}

async fn whoever_was_just_let_in_is_kept_out_by_a_reset(bench: Bench) {
    bench.account_of("anna", &[Role::Author]).await;
    let seen = bench.store.account(&name("anna")).await.unwrap().unwrap();
    let reset = AccountChange::Reset {
        password: Some("another".to_owned()),
        drop_second_factor: false,
        by: "berta".to_owned(),
    };
    bench.change("anna", reset).await.unwrap();
    let anna = bench.store.account(&name("anna")).await.unwrap().unwrap();
    assert_eq!(anna.handed_over, Some(("berta".to_owned(), bench.clock.now())));
    let late = bench.session_of("anna", 1);
    assert!(!bench.begin_as(&late, &seen, &UsedFactor::Nothing).await, "the old password let nobody in");
    assert!(bench.begin(&late, &UsedFactor::Nothing).await);
    let seen = bench.store.account(&name("anna")).await.unwrap().unwrap();
    bench.change("anna", AccountChange::Disable).await.unwrap();
    assert!(!bench.begin_as(&bench.session_of("anna", 2), &seen, &UsedFactor::Nothing).await);
}

async fn a_setup_code_makes_one_account(bench: Bench) {
    let later = bench.clock.now().plus(Duration::from_secs(60));
    assert!(bench.store.offer_setup(vec![1], later).await.unwrap());
    assert!(bench.store.offer_setup(vec![2], later).await.unwrap(), "a later code replaces it");
    let first = new_account("anna", &[Role::Admin]);
    let claim =
        async |code: u8| bench.store.add_first_account(vec![code], &first, &entry("x")).await.unwrap();
    assert!(!claim(1).await);
    assert!(claim(2).await);
    assert!(!claim(2).await, "it counts once");
    assert!(!bench.store.offer_setup(vec![3], later).await.unwrap(), "there is an account");
}

async fn waits_are_counted_and_taken_back(bench: Bench) {
    let (own, origin) = (WaitKey::account_at_origin("anna", "192.0.2.1"), WaitKey::origin("192.0.2.1"));
    let keys = [own.clone(), origin.clone()];
    let mut began = 0;
    for _ in 0..6 {
        match bench.store.admit_try(&keys).await.unwrap() {
            Admission::Admitted { waits_begin } => began += i32::from(waits_begin),
            Admission::Wait(until) => panic!("{until}"),
        }
    }
    assert_eq!(began, 1, "waits begin with the sixth");
    let until = bench.clock.now().plus(Duration::from_secs(1));
    assert_eq!(bench.store.admit_try(&keys).await.unwrap(), Admission::Wait(until));
    let elsewhere = WaitKey::account_at_origin("anna", "192.0.2.9");
    let admitted = bench.store.admit_try(&[elsewhere]).await.unwrap();
    assert!(matches!(admitted, Admission::Admitted { .. }), "only that address waits");
    bench.clock.advance(Duration::from_secs(1));
    assert!(matches!(bench.store.admit_try(&keys).await.unwrap(), Admission::Admitted { .. }));
    assert!(matches!(bench.store.admit_try(&keys).await.unwrap(), Admission::Wait(_)));
    bench.store.take_back_try(&[own], true).await.unwrap();
    bench.store.take_back_try(&[origin], false).await.unwrap();
    assert_eq!(bench.store.admit_try(&keys).await.unwrap(), Admission::Admitted { waits_begin: false });
}

async fn an_address_is_known_after_a_session(bench: Bench) {
    bench.account_of("anna", &[Role::Author]).await;
    assert!(!bench.store.is_known_origin(&name("anna"), "192.0.2.1").await.unwrap());
    assert!(bench.begin(&bench.session_of("anna", 1), &UsedFactor::Nothing).await);
    assert!(bench.store.is_known_origin(&name("anna"), "192.0.2.1").await.unwrap());
    assert!(!bench.store.is_known_origin(&name("berta"), "192.0.2.1").await.unwrap());
}

async fn whoever_an_account_was_linked_to_before_is_kept_out(bench: Bench) {
    bench.account_of("anna", &[Role::Author]).await;
    let linked = async |subject: &str, by: &str| {
        let identity = LinkedIdentity { issuer: "https://p.example".to_owned(), subject: subject.to_owned() };
        bench.change("anna", AccountChange::Link { identity, by: by.to_owned() }).await.unwrap();
        let account = bench.store.account(&name("anna")).await.unwrap().unwrap();
        account.handed_over.map(|(by, _)| by)
    };
    let session = bench.session_of("anna", 1);
    assert!(bench.begin(&session, &UsedFactor::Nothing).await);
    let is_there = async || {
        bench.store.session_by_hash(vec![1; 32]).await.unwrap().is_some_and(|found| found.id == session.id)
    };
    assert_eq!(linked("one", "shell:root").await.as_deref(), Some("shell:root"));
    assert!(is_there().await, "nobody came in by a provider before");
    assert_eq!(linked("one", "shell:other").await.as_deref(), Some("shell:root"), "that is nothing new");
    assert_eq!(linked("two", "eve").await.as_deref(), Some("eve"));
    assert!(!is_there().await, "it may be theirs who was linked before");
}

async fn what_a_provider_has_vouched_for_outlives_a_new_password(bench: Bench) {
    bench.account_of("anna", &[Role::Admin]).await;
    let vouched = NewSession { vouched_factor: true, ..bench.session_of("anna", 1) };
    assert!(bench.begin(&vouched, &UsedFactor::Nothing).await);
    let mut token = 1;
    for (instead_of, goes_on) in [(Some(vouched.id), true), (None, false)] {
        token += 1;
        let session = bench.session_of("anna", token);
        let change = AccountChange::Password { hash: "new".to_owned(), instead_of, session };
        bench.change("anna", change).await.unwrap();
        let begun = bench.store.session_by_hash(vec![token; 32]).await.unwrap().unwrap();
        assert_eq!(begun.has_second_factor, goes_on);
    }
}
