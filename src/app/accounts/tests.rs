//! Signing in and everything around it, with a clock that is moved by hand.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;

use super::*;
use crate::app::instance::Instance;
use crate::config::defaults;
use crate::domain::account::{AccountName, Duty};
use crate::domain::actor::{Actor, Right, Role, Way};
use crate::domain::chance::Chance;
use crate::domain::clock::{Clock, ManualClock, Timestamp};
use crate::domain::ids::IdSource;
use crate::domain::seal::Seal;
use crate::domain::second_factor::SecondFactor;
use crate::domain::settings::{DatabaseUrl, Settings};
use crate::store::{Purpose, Store};

mod proofs;

const PASSWORD: &str = "kanne rost dienstag ufer";
const OTHER: &str = "wolke gabel montag kiesel";

struct Stage {
    instance: Instance,
    clock: Arc<ManualClock>,
    _folder: tempfile::TempDir,
}

async fn stage(set: impl FnOnce(&mut Settings)) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(ManualClock::new(Timestamp(1_795_000_000_000)));
    let chance = Arc::new(Chance::seeded(1));
    let mut settings = defaults().unwrap();
    settings.database.url = DatabaseUrl::Sqlite(folder.path().join("rundruf.db"));
    settings.database.key_file = folder.path().join("rundruf.key");
    set(&mut settings);
    let store = Store::open(&settings.database.url, Purpose::Write, clock.clone()).await.unwrap();
    let (_, settings) = watch::channel(Arc::new(settings));
    let instance = Instance {
        store,
        settings,
        seal: Seal::new(b"key"),
        ids: Arc::new(IdSource::new(clock.clone(), chance.clone())),
        clock: clock.clone(),
        chance,
        checked: crate::templates::CheckedTemplates::default(),
    };
    Stage { instance, clock, _folder: folder }
}

fn secret(text: &str) -> SecretString {
    text.into()
}

fn name(text: &str) -> AccountName {
    text.parse().unwrap()
}

fn from(address: &str) -> Origin {
    Origin { address: address.to_owned(), request: "r-1".to_owned(), agent: "test".to_owned() }
}

const HOME: &str = "192.0.2.1";

impl Stage {
    async fn user(&self, account: &str, roles: &[Role]) {
        let roles = roles.iter().copied().collect();
        let password = Some(secret(PASSWORD));
        add_user(&self.instance, &Actor::shell("test"), &name(account), roles, password).await.unwrap();
    }

    async fn try_as(
        &self,
        account: &str,
        password: &str,
        proof: Option<Proof>,
        at: &str,
    ) -> Result<SignedIn, AccountsError> {
        sign_in(&self.instance, account, &secret(password), proof.as_ref(), &from(at)).await
    }

    async fn signed_in(&self, account: &str) -> SecretString {
        self.try_as(account, PASSWORD, None, HOME).await.unwrap().token
    }

    async fn caller(&self, token: &SecretString) -> Option<Caller> {
        caller_of(&self.instance, token, HOME, "r-2").await.unwrap()
    }

    async fn actor(&self, token: &SecretString) -> Actor {
        actor_of(&self.instance, token, HOME, "r-2").await.unwrap().unwrap()
    }

    /// Sets a second factor up; gives it and the recovery codes.
    async fn enrol(&self, actor: &Actor) -> (SecondFactor, Vec<SecretString>) {
        let offered = offer_factor(&self.instance, actor, &secret(PASSWORD)).await.unwrap();
        let factor = SecondFactor::of(offered.secret, "x", &name(&actor.name)).unwrap();
        let codes = confirm_factor(&self.instance, actor, &self.code(&factor)).await.unwrap();
        (factor, codes)
    }

    fn code(&self, factor: &SecondFactor) -> SecretString {
        factor.code_at(self.clock.now())
    }

    /// The whole audit log as text.
    async fn log(&self) -> String {
        let entries = self.instance.store.audit_entries(0, 10_000).await.unwrap();
        entries.iter().map(|entry| format!("{entry:?}")).collect::<Vec<_>>().join("\n")
    }
}

#[tokio::test]
async fn a_session_gives_the_rights_of_the_roles_until_it_ends() {
    let stage = stage(|_| ()).await;
    stage.user("anna", &[Role::Author]).await;
    let token = stage.signed_in(" Anna ").await;
    let caller = stage.caller(&token).await.unwrap();
    assert_eq!((caller.actor.label().as_str(), caller.actor.way), ("anna", Way::Account));
    assert_eq!((caller.actor.origin.as_str(), caller.actor.request.as_str()), (HOME, "r-2"));
    assert!(
        caller.actor.may(Right::NoticesWrite).is_ok() && caller.actor.may(Right::NoticesRelease).is_err()
    );
    end_own_session(&stage.instance, &caller.actor, caller.session.unwrap()).await.unwrap();
    assert!(stage.caller(&token).await.is_none());
}

#[tokio::test]
async fn a_session_ends_without_use_and_in_any_case() {
    let stage = stage(|_| ()).await;
    stage.user("anna", &[Role::Author]).await;
    let idle = stage.signed_in("anna").await;
    stage.clock.advance(Duration::from_secs(29 * 60));
    assert!(stage.caller(&idle).await.is_some());
    stage.clock.advance(Duration::from_secs(29 * 60));
    assert!(stage.caller(&idle).await.is_some(), "it was used meanwhile");
    stage.clock.advance(Duration::from_secs(30 * 60));
    assert!(stage.caller(&idle).await.is_none());

    let busy = stage.signed_in("anna").await;
    for _ in 0..35 {
        stage.clock.advance(Duration::from_secs(20 * 60));
        assert!(stage.caller(&busy).await.is_some());
    }
    stage.clock.advance(Duration::from_secs(20 * 60));
    assert!(stage.caller(&busy).await.is_none(), "twelve hours are over");
}

#[tokio::test]
async fn nobody_learns_what_was_wrong_and_the_log_has_no_password() {
    let stage = stage(|_| ()).await;
    stage.user("anna", &[Role::Author]).await;
    stage.user("berta", &[Role::Author]).await;
    let shell = Actor::shell("test");
    set_disabled(&stage.instance, &shell, &name("berta"), true, None).await.unwrap();
    let wrong = [
        ("anna", OTHER),
        ("berta", PASSWORD),
        ("nobody", PASSWORD),
        (PASSWORD, "anna"),
        ("anna", ""),
        ("", ""),
    ];
    for (account, password) in wrong {
        let refused = stage.try_as(account, password, None, HOME).await.unwrap_err();
        assert!(matches!(refused, AccountsError::Wrong), "{account}: {refused}");
    }
    let log = stage.log().await;
    assert_eq!(log.matches("session.refused").count(), wrong.len());
    assert!(!log.contains("kanne") && !log.contains("wolke") && !log.contains("argon2"), "{log}");
}

#[tokio::test]
async fn many_failures_slow_one_address_down_and_keep_nobody_out_elsewhere() {
    let stage = stage(|_| ()).await;
    stage.user("anna", &[Role::Author]).await;
    for _ in 0..6 {
        stage.try_as("anna", OTHER, None, "198.51.100.7").await.unwrap_err();
    }
    let refused = stage.try_as("anna", PASSWORD, None, "198.51.100.7").await.unwrap_err();
    assert_eq!(refused.retry_after(), Some(1), "even the right one must wait there: {refused}");
    stage.try_as("anna", PASSWORD, None, HOME).await.unwrap();
    stage.clock.advance(Duration::from_secs(1));
    stage.try_as("anna", PASSWORD, None, "198.51.100.7").await.unwrap();
    assert!(stage.log().await.contains(r#"\"waits_begin\":true"#));
}

#[tokio::test]
async fn whoever_guesses_from_the_office_keeps_nobody_out_who_has_signed_in_there() {
    let stage = stage(|_| ()).await;
    for account in ["anna", "berta"] {
        stage.user(account, &[Role::Author]).await;
    }
    stage.signed_in("anna").await;
    for n in 0..31 {
        stage.try_as(&format!("somebody{n}"), OTHER, None, HOME).await.unwrap_err();
    }
    let stranger = stage.try_as("berta", PASSWORD, None, HOME).await.unwrap_err();
    assert!(matches!(stranger, AccountsError::Wait { .. }), "{stranger}");
    stage.signed_in("anna").await;
}

#[tokio::test]
async fn whoever_was_given_a_new_start_reads_it_at_the_next_sign_in() {
    let stage = stage(|_| ()).await;
    stage.user("anna", &[Role::Approver]).await;
    let first = stage.try_as("anna", PASSWORD, None, HOME).await.unwrap();
    assert_eq!((first.before, first.handed_over), (None, None));
    stage.clock.advance(Duration::from_secs(60));
    let admin = Actor::shell("root");
    let made_up = reset(&stage.instance, &admin, &name("anna"), true, false).await.unwrap().unwrap();
    assert!(stage.caller(&first.token).await.is_none(), "her session has ended");
    let at = stage.clock.now();
    stage.clock.advance(Duration::from_secs(60));
    let next = stage.try_as("anna", made_up.expose_secret(), None, HOME).await.unwrap();
    assert_eq!(next.handed_over, Some(("shell:root".to_owned(), at)));
    stage.clock.advance(Duration::from_secs(60));
    let later = stage.try_as("anna", made_up.expose_secret(), None, HOME).await.unwrap();
    assert_eq!(later.handed_over, None, "it was said");
    let caller = stage.caller(&later.token).await.unwrap();
    let home = from(HOME);
    let changed = change_password(
        &stage.instance,
        &caller.actor,
        caller.session,
        &made_up,
        secret(OTHER),
        false,
        &home,
    );
    assert_eq!(changed.await.unwrap().handed_over, None, "and is not said again with a new password");
}

#[tokio::test]
async fn a_token_ends_in_time_and_gives_no_more_than_it_has() {
    let stage = stage(|_| ()).await;
    let end = stage.clock.now().plus(Duration::from_secs(3_600));
    let wish = |token: &str, rights: &[Right], expires_at: Option<Timestamp>| TokenWish {
        name: name(token),
        rights: rights.iter().copied().collect(),
        groups: None,
        expires_at,
    };
    let rights = [Right::AccountsWrite, Right::NoticesRead];
    let shell = Actor::shell("test");
    let maker = create_token(&stage.instance, &shell, wish("maker", &rights, Some(end))).await.unwrap().token;
    let actor = stage.actor(&maker).await;
    let beyond = [
        wish("more", &[Right::NoticesRelease], Some(end)),
        wish("longer", &[Right::NoticesRead], Some(end.plus(Duration::from_secs(1)))),
    ];
    for wish in beyond {
        let refused = create_token(&stage.instance, &actor, wish).await;
        assert!(matches!(refused, Err(AccountsError::BeyondTheToken)));
    }
    let admin = add_user(&stage.instance, &actor, &name("eve"), [Role::Admin].into(), None).await;
    assert!(matches!(admin, Err(AccountsError::BeyondTheToken)));
    create_token(&stage.instance, &actor, wish("within", &[Right::NoticesRead], Some(end))).await.unwrap();
    let unsaid = create_token(&stage.instance, &actor, wish("unsaid", &[Right::NoticesRead], None)).await;
    assert_eq!(unsaid.unwrap().expires_at, end, "it ends with the token that made it");
    let limited = Actor { groups: Some(["schools".to_owned()].into()), ..actor.clone() };
    let kept = revoke_token(&stage.instance, &limited, &name("within")).await;
    assert!(matches!(kept, Err(AccountsError::LimitedToken)), "{kept:?}");
    let unknown = TokenWish {
        groups: Some(["nowhere".to_owned()].into()),
        ..wish("grouped", &[Right::NoticesRead], None)
    };
    let refused = create_token(&stage.instance, &shell, unknown).await;
    assert!(matches!(refused, Err(AccountsError::NoSuchGroup(_))));
    stage.clock.advance(Duration::from_secs(3_600));
    assert!(stage.caller(&maker).await.is_none());
}

#[tokio::test]
async fn a_token_for_which_nobody_names_an_end_has_one() {
    let stage = stage(|_| ()).await;
    let wish = TokenWish {
        name: name("plain"),
        rights: [Right::NoticesRead].into(),
        groups: None,
        expires_at: None,
    };
    let made = create_token(&stage.instance, &Actor::shell("test"), wish).await.unwrap();
    let days = Duration::from_secs(90 * 24 * 3_600);
    assert_eq!(made.expires_at, stage.clock.now().plus(days));
    assert!(stage.caller(&made.token).await.is_some());
    stage.clock.advance(days);
    assert!(stage.caller(&made.token).await.is_none());
}

#[tokio::test]
async fn without_the_right_nothing_about_others_is_seen_or_changed() {
    let stage = stage(|_| ()).await;
    stage.user("anna", &[Role::Author, Role::Approver]).await;
    stage.user("berta", &[Role::Admin]).await;
    let token = stage.signed_in("berta").await;
    let session = stage.caller(&token).await.unwrap().session.unwrap();
    let anna = stage.actor(&stage.signed_in("anna").await).await;
    let (instance, before) = (&stage.instance, stage.log().await);
    let denied = [
        users(instance, &anna).await.err(),
        tokens(instance, &anna).await.err(),
        sessions(instance, &anna, None).await.err(),
        sessions(instance, &anna, Some(&name("berta"))).await.err(),
        end_session(instance, &anna, session).await.err(),
        reset(instance, &anna, &name("berta"), true, true).await.err(),
        set_disabled(instance, &anna, &name("berta"), true, None).await.err(),
        set_roles(instance, &anna, &name("anna"), [Role::Admin].into(), None).await.err(),
        add_user(instance, &anna, &name("eve"), [Role::Admin].into(), None).await.err(),
    ];
    for refused in denied {
        assert!(matches!(refused, Some(AccountsError::Denied(_))), "{refused:?}");
    }
    let own = end_own_session(instance, &anna, session).await;
    assert!(matches!(own, Err(AccountsError::NoSuchSession)), "it is not hers");
    assert_eq!(stage.log().await, before);
    assert!(stage.caller(&token).await.is_some());
}

#[tokio::test]
async fn the_code_on_the_console_makes_the_first_admin_within_an_hour() {
    let stage = stage(|_| ()).await;
    let late = offer_setup(&stage.instance).await.unwrap().unwrap();
    stage.clock.advance(SETUP_CODE_LASTS);
    let claim = async |code: &SecretString| {
        set_up(&stage.instance, code, &name("anna"), secret(PASSWORD), &from(HOME)).await
    };
    assert!(matches!(claim(&late).await, Err(AccountsError::WrongSetupCode)));
    let code = offer_setup(&stage.instance).await.unwrap().unwrap();
    claim(&code).await.unwrap();
    assert!(offer_setup(&stage.instance).await.unwrap().is_none());
    assert!(claim(&code).await.is_err());
    let actor = stage.actor(&stage.signed_in("anna").await).await;
    assert!(actor.may(Right::AccountsWrite).is_ok());
    assert!(!stage.log().await.contains(code.expose_secret()));
}
