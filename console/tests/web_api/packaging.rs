//! The package that came with the program.

use plakar_driver::Plakar;
use serde_json::{Value, json};
use support::installed::installed;

use crate::client::Api;
use crate::world::{World, environment, guard};

/// A server that was installed, with a package, beside the others.
pub async fn installed_api(api: &Api, world: &World) -> Api {
    let (program, share) = installed(&world.user.home().join("installed"), "v9.1.0");
    let mut environment = environment(&world.user, &world.simulator);
    environment.push(("PLAKAR_OPENDRIVE".into(), program.into()));
    environment.push(("PLAKAR_OPENDRIVE_SHARE".into(), share.into()));
    let plakar = Plakar::new(&crate::plakar::plakar(), guard(), environment).unwrap();
    api.with(&world.user.home().join("state"), plakar).await
}

/// Adds the package, and diagnoses the machine before and after it.
pub async fn packaging(api: &Api, installed: &Api) {
    let none = api.get("/package").await;
    assert_eq!((&none["installed"], &none["own"]), (&json!("v0.0.1"), &Value::Null));
    let message = api.refused(400, "POST", "/package", json!({})).await;
    assert!(message.contains("no package came with this program"), "{message}");
    let shown = installed.get("/package").await;
    assert_eq!((&shown["installed"], &shown["own"]), (&json!("v0.0.1"), &json!("v9.1.0")));
    assert!(shown["command"].as_str().unwrap().ends_with("/add-to-plakar"), "{shown}");
    let added = installed.ok(200, "POST", "/package", json!({})).await;
    assert_eq!((&added["installed"], &added["same"]), (&json!("v9.1.0"), &json!(true)));

    let diagnosis = installed.get("/diagnosis").await;
    let item = |name: &str| {
        let items = diagnosis["items"].as_array().unwrap();
        items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("{diagnosis}"))
    };
    assert_eq!(item("Plakar's package")["verdict"], "good");
    assert_eq!(item("Plakar")["verdict"], "good");
    assert!(item("Store safe")["bytes"].as_u64().unwrap() > 0);
    let text = installed.get("/diagnosis?redact=true").await.to_string();
    let home = item("State")["place"].as_str().unwrap().trim_end_matches("/state").to_owned();
    assert!(!text.contains(&home) && !text.contains("safe"), "{text}");
}
