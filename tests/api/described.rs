//! The description is the truth: a property-based run finds no answer that contradicts it, and no 5xx.

use std::path::PathBuf;
use std::process::Command;

use rundruf::domain::actor::{Right, Role};

use crate::instance::{Engine, on_both_engines};
use crate::stage::Stage;

on_both_engines!(what_is_described_holds);

/// Which refusals count for what is not as the description has it: 412 and 428 too, for the version of what is changed
/// is looked at before what it is changed to. What one answer named is asked for by the next question, but where that
/// would revoke the very token that asks.
const RULES: &str = "\
[checks]
missing_required_header.expected-statuses = [\"400\", \"401\", \"403\", \"415\", \"422\", \"428\"]
negative_data_rejection.expected-statuses = [
    \"400\", \"401\", \"403\", \"404\", \"405\", \"409\", \"412\", \"413\", \"415\", \"422\", \"428\", \"429\",
]

[[operations]]
include-method = \"DELETE\"
include-path-regex = \"/tokens/[^/]+$\"
phases.coverage.extra-data-sources.responses = false
phases.fuzzing.extra-data-sources.responses = false
";

/// schemathesis beside the interpreter that tests/run has made.
fn schemathesis() -> PathBuf {
    let python = std::env::var("RUNDRUF_TEST_PYTHON").expect("tests/run names an interpreter");
    PathBuf::from(python).with_file_name("schemathesis")
}

async fn what_is_described_holds(engine: Engine) {
    let stage = Stage::new(engine, 5, 2).await;
    let roles = [Role::Admin, Role::Approver, Role::Author];
    let rights: Vec<Right> = roles.iter().flat_map(|role| role.rights().iter().copied()).collect();
    let token = stage.token("caller-of-all-routes", &rights, None).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schemathesis.toml"), RULES).unwrap();
    let mut command = Command::new(schemathesis());
    command
        .current_dir(folder.path())
        .arg("run")
        .arg(format!("http://{}/api/openapi.json", stage.serving.address))
        .args(["--header", &format!("Authorization: Bearer {token}")])
        // A stream does not end by itself.
        .args(["--exclude-path-regex", "/events$"])
        .args(["--phases", "coverage,fuzzing", "--max-examples", "15", "--max-time", "60"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,\
                response_headers_conformance,response_schema_conformance,negative_data_rejection,\
                missing_required_header,unsupported_method,ignored_auth",
        ])
        .args(["--seed", "1", "--no-color", "--suppress-health-check", "all", "--warnings", "off"])
        .args(["--generation-database", "none"]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{complained}\n{}", stage.serving.err());
    let asked = stage.ask_as(&token, "GET", "/api/v1/instance", "", b"").await;
    assert_eq!(asked.status, 200, "it still runs, and who asked was let in to the end: {asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_description_is_browsed_without_a_network() {
    let stage = Stage::new(Engine::Sqlite, 0, 0).await;
    let page = stage.serving.get("/api/docs/").await;
    assert!(page.status == 200 && page.head.contains("script-src 'self'"), "{page:?}");
    for text in ["http://", "https://"] {
        let foreign = page.body.match_indices(text).count();
        assert_eq!(foreign, 0, "{}", page.body);
    }
    for file in
        page.body.split(['"', '\'']).filter(|word| [".js", ".css"].iter().any(|end| word.ends_with(end)))
    {
        let found =
            stage.serving.ask("HEAD", &format!("/api/docs/{}", file.trim_start_matches("./")), "", b"").await;
        assert_eq!(found.status, 200, "{file}");
    }
}
