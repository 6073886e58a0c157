//! Second factors, recovery codes, and passwords that are replaced.

use super::*;

#[tokio::test]
async fn a_second_factor_is_asked_for_and_no_code_counts_twice() {
    let stage = stage(|_| ()).await;
    stage.user("anna", &[Role::Author]).await;
    let actor = stage.actor(&stage.signed_in("anna").await).await;
    let (factor, codes) = stage.enrol(&actor).await;
    let used = stage.code(&factor);
    let with = |code: &SecretString| Some(Proof::Code(code.clone()));
    let refused = stage.try_as("anna", PASSWORD, None, HOME).await.unwrap_err();
    assert!(matches!(refused, AccountsError::FactorNeeded));
    let refused = stage.try_as("anna", PASSWORD, with(&used), HOME).await.unwrap_err();
    assert!(matches!(refused, AccountsError::Wrong), "it was used to confirm");
    stage.clock.advance(Duration::from_secs(30));
    let code = stage.code(&factor);
    let refused = stage.try_as("anna", OTHER, with(&code), HOME).await.unwrap_err();
    assert!(matches!(refused, AccountsError::Wrong));
    stage.try_as("anna", PASSWORD, with(&code), HOME).await.unwrap();
    stage.try_as("anna", PASSWORD, with(&code), HOME).await.unwrap_err();

    let typed = secret(&codes[3].expose_secret().to_uppercase().replace('-', " "));
    stage.try_as("anna", PASSWORD, Some(Proof::RecoveryCode(typed.clone())), HOME).await.unwrap();
    stage.try_as("anna", PASSWORD, Some(Proof::RecoveryCode(typed)), HOME).await.unwrap_err();
    let log = stage.log().await;
    assert!(!log.contains(factor.secret().expose_secret()) && !log.contains(codes[0].expose_secret()));
}

#[tokio::test]
async fn guessing_codes_with_the_right_password_is_slowed_down_everywhere() {
    let stage = stage(|_| ()).await;
    stage.user("anna", &[Role::Author]).await;
    let actor = stage.actor(&stage.signed_in("anna").await).await;
    stage.enrol(&actor).await;
    let guess = |at: String| {
        let proof = Some(Proof::Code(secret("000000")));
        let stage = &stage;
        async move { stage.try_as("anna", PASSWORD, proof, &at).await.unwrap_err() }
    };
    for n in 0..6 {
        assert!(matches!(guess(format!("198.51.100.{n}")).await, AccountsError::Wrong));
    }
    assert!(matches!(guess("203.0.113.1".to_owned()).await, AccountsError::Wait { .. }));
}

#[tokio::test]
async fn a_role_that_demands_a_second_factor_can_only_set_one_up() {
    let stage = stage(|settings| settings.accounts.require_totp = [Role::Approver].into()).await;
    stage.user("anna", &[Role::Approver]).await;
    let token = stage.signed_in("anna").await;
    let caller = stage.caller(&token).await.unwrap();
    assert_eq!(caller.duties, [Duty::EnrolSecondFactor]);
    assert!(caller.actor.rights.is_empty());
    stage.enrol(&caller.actor).await;
    let caller = stage.caller(&token).await.unwrap();
    assert!(caller.duties.is_empty() && caller.actor.may(Right::NoticesRelease).is_ok());
    let dropped = drop_factor(&stage.instance, &caller.actor, &secret(PASSWORD)).await;
    assert!(matches!(dropped, Err(AccountsError::FactorDemanded)));
}

#[tokio::test]
async fn a_password_that_was_handed_over_must_be_replaced_first() {
    let stage = stage(|_| ()).await;
    let shell = Actor::shell("test");
    let made_up =
        add_user(&stage.instance, &shell, &name("anna"), [Role::Author].into(), None).await.unwrap().unwrap();
    let begun = stage.try_as("anna", made_up.expose_secret(), None, HOME).await.unwrap();
    let caller = stage.caller(&begun.token).await.unwrap();
    assert_eq!(caller.duties, [Duty::ChangePassword]);
    assert!(caller.actor.rights.is_empty());
    let change = async |old: &SecretString, new: &str| {
        change_password(&stage.instance, &caller.actor, caller.session, old, secret(new), false, &from(HOME))
            .await
    };
    let same = change(&made_up, made_up.expose_secret()).await.unwrap_err();
    assert!(matches!(same, AccountsError::Password(_)), "{same}");
    assert!(matches!(change(&secret(OTHER), PASSWORD).await, Err(AccountsError::Wrong)));
    assert!(matches!(change(&made_up, "kurz").await, Err(AccountsError::Password(_))));
    let fresh = change(&made_up, PASSWORD).await.unwrap();
    assert!(stage.caller(&begun.token).await.is_none(), "the old session has ended");
    assert!(stage.caller(&fresh.token).await.unwrap().duties.is_empty());
    stage.try_as("anna", made_up.expose_secret(), None, HOME).await.unwrap_err();
}

#[tokio::test]
async fn a_new_password_ends_the_tokens_that_its_owner_has_made() {
    let stage = stage(|_| ()).await;
    stage.user("anna", &[Role::Admin]).await;
    let actor = stage.actor(&stage.signed_in("anna").await).await;
    let wish = |token: &str| TokenWish {
        name: name(token),
        rights: [Right::NoticesRead].into(),
        groups: None,
        expires_at: None,
    };
    let hers = create_token(&stage.instance, &actor, wish("hers")).await.unwrap().token;
    let shells = create_token(&stage.instance, &Actor::shell("test"), wish("shells")).await.unwrap().token;
    assert_eq!(stage.actor(&hers).await.label(), "token:hers");
    change_password(&stage.instance, &actor, None, &secret(PASSWORD), secret(OTHER), false, &from(HOME))
        .await
        .unwrap();
    assert!(stage.caller(&hers).await.is_none());
    assert!(stage.caller(&shells).await.is_some());
    let listed = format!("{:?}", tokens(&stage.instance, &actor).await.unwrap());
    assert!(!listed.contains(hers.expose_secret()) && !stage.log().await.contains(shells.expose_secret()));
}

#[tokio::test]
async fn a_lost_key_file_is_said_and_recovery_codes_still_let_in() {
    let stage = stage(|_| ()).await;
    stage.user("anna", &[Role::Author]).await;
    let actor = stage.actor(&stage.signed_in("anna").await).await;
    let (factor, codes) = stage.enrol(&actor).await;
    let file = stage.instance.settings().database.key_file.clone();
    std::fs::remove_file(&file).unwrap();
    stage.clock.advance(Duration::from_secs(30));
    let proof = Some(Proof::Code(stage.code(&factor)));
    let refused = stage.try_as("anna", PASSWORD, proof, HOME).await.unwrap_err();
    assert!(refused.to_string().contains("is not there"), "{refused}");
    assert!(!file.exists(), "no other key is made in its place");
    stage.try_as("anna", PASSWORD, Some(Proof::RecoveryCode(codes[0].clone())), HOME).await.unwrap();
}
