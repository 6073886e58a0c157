use super::*;

fn pack(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

const DECLARED: (&str, &str) = ("erst-kommune/template.toml", "title = \"T\"\n");
const EMAIL: (&str, &str) = ("erst-kommune/email.de.md", "---\nsubject: S\n---\nText\n");

#[test]
fn a_folder_is_a_template_and_layout_is_none() {
    let dir = pack(&[DECLARED, EMAIL, ("layout/footer.de.md", "Eigener Fuß"), ("erst-kommune/.notiz", "x")]);
    let pack = load_pack(dir.path()).unwrap();
    assert_eq!(pack.findings, []);
    let template = &pack.templates["erst-kommune"];
    assert_eq!(template.languages(Channel::Email), ["de"]);
    assert_eq!(template.layout["footer.de.md"], "Eigener Fuß");
    assert!(template.layout.contains_key("email.html"), "what the folder lacks is built in");
}

#[test]
fn a_frozen_template_is_kept_as_json_and_read_back_unchanged() {
    let dir = pack(&[DECLARED, EMAIL]);
    let template = load_template(dir.path(), "erst-kommune").unwrap();
    let json = serde_json::to_string(&template).unwrap();
    assert_eq!(serde_json::from_str::<FrozenTemplate>(&json).unwrap(), template);
}

#[test]
fn an_unknown_template_names_the_nearest() {
    let dir = pack(&[DECLARED, EMAIL]);
    for wrong in ["erst-komune", "../erst-kommune", ""] {
        assert!(matches!(load_template(dir.path(), wrong), Err(LoadError::Unknown { .. })), "{wrong}");
    }
    let error = load_template(dir.path(), "erst-komune").unwrap_err().to_string();
    assert!(error.contains("did you mean \"erst-kommune\""), "{error}");
    let nowhere = load_pack(&dir.path().join("nirgends")).unwrap_err().to_string();
    assert!(nowhere.contains("[instance] templates"), "{nowhere}");
}

#[test]
fn a_file_of_ten_megabytes_is_refused_with_its_name_and_the_limit() {
    let dir = pack(&[DECLARED, ("erst-kommune/email.de.md", &"a".repeat(10_000_000))]);
    let error = load_template(dir.path(), "erst-kommune").unwrap_err().to_string();
    assert!(error.contains("erst-kommune/email.de.md") && error.contains("200 KB"), "{error}");
}

#[test]
fn what_is_no_template_file_or_no_utf8_is_named() {
    let dir = pack(&[DECLARED, EMAIL, ("erst-kommune/emial.de.md", "")]);
    fs::write(dir.path().join("erst-kommune/sms.de.txt"), b"St\xf6rung").unwrap();
    let error = load_template(dir.path(), "erst-kommune").unwrap_err().to_string();
    assert!(error.contains("did you mean \"email.de.md\""), "{error}");
    assert!(error.contains("save it as UTF-8"), "{error}");
    let empty = pack(&[DECLARED]);
    assert!(
        load_template(empty.path(), "erst-kommune").unwrap_err().to_string().contains("there is no text")
    );
}

#[test]
fn a_folder_that_is_not_there_is_said_once() {
    let nowhere = tempfile::tempdir().unwrap().path().join("nowhere");
    let error = load_template(&nowhere, "erst-kommune").unwrap_err();
    let said = format!("{:#}", anyhow::Error::from(error));
    assert_eq!(said.matches("os error").count(), 1, "{said}");
}
