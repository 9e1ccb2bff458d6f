//! What of a source is backed up: what it leaves out, and what it will take.

use serde_json::{Value, json};

use crate::client::Api;

pub async fn options(api: &Api, app: &Value) {
    let preview = api.get(&format!("/apps/{app}/preview?ignore=letter%200*%0A*.iso")).await;
    assert_eq!(
        (&preview["left_out_files"], &preview["patterns"][1]["files"]),
        (&json!(1), &json!(0))
    );
    let all = format!("/apps/{app}/preview?ignore=*");
    let refused = api.refused(400, "GET", &all, Value::Null).await;
    assert!(refused.starts_with("ignore: the patterns leave out all there is"), "{refused}");
    assert_eq!(api.get(&format!("/apps/{app}/estimate")).await["backups"], 1);
    assert_eq!(api.get(&format!("/apps/{app}/points?label=x")).await["total"], 0);
}
