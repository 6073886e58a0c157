//! The real Kannel carries a notice to 200 telephones, and its reports come back.

use crate::instance::{Engine, on_both_engines};
use crate::kannel_boxes::Kannel;
use crate::stage::{free_port, gateway, import_telephones, instance, until_count};

on_both_engines!(two_hundred_telephones_report_what_arrived);

async fn two_hundred_telephones_report_what_arrived(engine: Engine) {
    let kannel = Kannel::start();
    let instance = instance(engine).await;
    let port = free_port();
    let sections = format!(
        "[http]\nlisten = \"127.0.0.1:{port}\"\n[sms]\nsender = \"TB Notfall\"\n{}",
        gateway(kannel.port, "rate = \"500/s\"")
    );
    instance.configure_at(&format!("http://127.0.0.1:{port}"), &sections);
    import_telephones(&instance, 200);
    let serve = instance.start(&["serve"]);
    serve.until_it_says("Ctrl-C").await;
    instance.release(&["--channel", "sms"]);
    until_count(&instance, &serve, "delivered", 200).await;

    let deliveries = instance.deliveries("delivered");
    assert_eq!(deliveries.len(), 200);
    assert!(deliveries.iter().all(|delivery| delivery["attempts"] == 1), "each was handed over once");
    assert_eq!(instance.notices()[0]["state"], "completed");
    let id = deliveries[0]["id"].as_str().unwrap();
    let shown = instance.run(&["deliveries", "show", id]).exits(0);
    assert!(shown.out.contains("Receipts:") && shown.out.contains("delivered by gateway"), "{}", shown.out);
    serve.signal("TERM");
    serve.end().await.exits(0);
}
