//! Who is told, and tokens.

use serde_json::{Value, json};

use crate::client::Api;
use crate::world::World;

/// Makes a token, and gives its id; `notify.toml` is one whose receiver is away.
pub async fn telling(api: &Api, world: &World) -> Value {
    let state = world.user.home().join("state");
    let none = api.get("/notifications").await;
    assert_eq!((&none["exists"], &none["receivers"]), (&json!(false), &json!([])));
    let message = api.refused(404, "POST", "/notifications/test", json!({})).await;
    assert!(message.contains("is not there, so nobody is told"), "{message}");
    let file = state.join("notify.toml");
    std::fs::write(&file, "[[webhook]]\nname = \"ops\"\nurl = \"example.org\"\n").unwrap();
    let open = api.get("/notifications").await["fault"].as_str().unwrap().to_owned();
    assert!(open.contains("is open to other users") && open.contains("run: chmod 600"), "{open}");
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let message = api.refused(400, "POST", "/notifications/test", json!({})).await;
    assert!(message.contains("notify.toml, line 3: url: the address has no scheme"), "{message}");
    let text = "[[webhook]]\nname = \"ops\"\nurl = \"http://127.0.0.1:1/very-secret\"\n";
    std::fs::write(&file, text).unwrap();
    let tested = api.ok(200, "POST", "/notifications/test", json!({ "receiver": "ops" })).await;
    assert_eq!(tested["items"][0]["arrived"], false);
    let shown = api.get("/notifications").await;
    assert_eq!(shown["receivers"][0]["place"], "127.0.0.1:1");
    assert_eq!(shown["receivers"][0]["failures"], 1);
    assert!(!shown.to_string().contains("very-secret"), "{shown}");
    std::fs::remove_file(&file).unwrap();
    hooks(api, world).await;
    credentials(api, world).await;
    let made = api.ok(201, "POST", "/tokens", json!({ "name": "a", "access": "full" })).await;
    api.refused(409, "POST", "/tokens", json!({ "name": "a", "access": "full" })).await;
    assert_eq!(api.get("/tokens").await["items"][0]["name"], "a");
    made["id"].clone()
}

/// One password for all that uses an account.
async fn credentials(api: &Api, world: &World) {
    let listed = api.get("/credentials").await;
    let account = &listed["items"][0];
    assert_eq!(account["username"], world.simulator.username());
    assert!(account["entries"].as_array().unwrap().len() > 2, "{account}");
    let change = |secret: &str| json!({ "protocol": "opendrive", "username": world.simulator.username(), "secret": secret });
    let message = api.refused(502, "PUT", "/credentials", change("wrong")).await;
    assert!(message.contains("nothing was saved"), "{message}");
    let message = api.refused(400, "PUT", "/credentials", change("cmd:id")).await;
    assert!(message.contains("a command is not set from the console"), "{message}");
    let nobody = json!({ "protocol": "opendrive", "username": "nobody", "secret": "x" });
    api.refused(404, "PUT", "/credentials", nobody).await;
    let changed = api.ok(200, "PUT", "/credentials", change(world.simulator.password())).await;
    assert_eq!(&changed, account);
}

/// `hooks.toml` is shown, and no route changes it.
async fn hooks(api: &Api, world: &World) {
    let none = api.get("/hooks").await;
    assert_eq!((&none["exists"], &none["hooks"]), (&json!(false), &json!([])));
    let file = world.user.home().join("state/hooks.toml");
    let write = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&file, mode).unwrap();
    };
    write("[[hook]]\nname = \"dump\"\nbefore = [\"/bin/true\", \"very-secret\"]\n");
    let shown = api.get("/hooks").await;
    let hook = &shown["hooks"][0];
    assert_eq!((&hook["name"], &hook["before"]), (&json!("dump"), &json!("/bin/true")));
    assert_eq!((&hook["after"], &hook["tasks"]), (&json!(null), &json!(["backup"])));
    assert!(!shown.to_string().contains("very-secret"), "{shown}");
    write("[[hook]]\nname = \"dump\"\n");
    let fault = api.get("/hooks").await["fault"].as_str().unwrap().to_owned();
    assert!(fault.contains("hooks.toml, line 1: it runs nothing"), "{fault}");
    std::fs::remove_file(&file).unwrap();
}
