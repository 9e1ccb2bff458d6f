//! docs/openapi.yaml: what it says of each operation, and whether it is a good description at all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::{Value, json};
use source_app::model::EventKind;
use source_app::state::{
    AppKind, Cause, ChangeAction, ChangeSubject, ChangeWay, MatchMode, TaskKind, TaskState,
    TokenAccess,
};
use web_console::api::ROUTES;

/// OpenAPI's own schema of 2022-10-07, <https://spec.openapis.org/oas/3.1/schema/2022-10-07>
/// (Apache 2.0), as it came.
const META: &str = include_str!("openapi-3.1-schema.json");

pub struct Description {
    pub root: Value,
    schemas: BTreeMap<String, Validator>,
    pub operations: Vec<Operation>,
}

pub struct Operation {
    pub id: String,
    pub method: String,
    pub path: String,
    pub value: Value,
}

impl Description {
    pub fn get() -> &'static Self {
        static DESCRIPTION: OnceLock<Description> = OnceLock::new();
        DESCRIPTION.get_or_init(|| {
            let text = include_str!("../../../docs/openapi.yaml");
            let root: Value = serde_norway::from_str(text).unwrap();
            let schemas = schemas(&root);
            let operations = operations(&root);
            Self { root, schemas, operations }
        })
    }

    /// The operation of an address without its query.
    pub fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        let fits = |template: &str| {
            let (a, b): (Vec<_>, Vec<_>) =
                (template.split('/').collect(), path.split('/').collect());
            a.len() == b.len()
                && a.iter().zip(b).all(|(part, given)| *part == given || part.starts_with('{'))
        };
        self.operations.iter().find(|operation| operation.method == method && fits(&operation.path))
    }

    /// What is wrong with a value by a schema `{"$ref": "#/components/schemas/NAME"}`.
    pub fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let name = schema["$ref"]
            .as_str()
            .unwrap_or_else(|| panic!("not a reference: {schema}"))
            .rsplit('/')
            .next()
            .unwrap();
        self.schemas[name]
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect()
    }

    /// What a reference leads to, or the value itself.
    pub fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self
                .root
                .pointer(reference.trim_start_matches('#'))
                .unwrap_or_else(|| panic!("{reference}")),
            None => value,
        }
    }

    /// The parameters of a kind.
    pub fn parameters<'a>(&'a self, operation: &'a Operation, place: &str) -> Vec<&'a Value> {
        let own = operation.value["parameters"].as_array().into_iter().flatten();
        let of_path =
            self.root["paths"][&operation.path]["parameters"].as_array().into_iter().flatten();
        own.chain(of_path)
            .map(|parameter| self.resolve(parameter))
            .filter(|parameter| parameter["in"] == place)
            .collect()
    }
}

fn schemas(root: &Value) -> BTreeMap<String, Validator> {
    let registry = jsonschema::Registry::new()
        .add("https://api.test/openapi", root.clone())
        .unwrap()
        .prepare()
        .unwrap();
    let compile = |name: &String| {
        let schema =
            json!({ "$ref": format!("https://api.test/openapi#/components/schemas/{name}") });
        let options = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true);
        (name.clone(), options.with_registry(&registry).build(&schema).unwrap())
    };
    root["components"]["schemas"].as_object().unwrap().keys().map(compile).collect()
}

fn operations(root: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in root["paths"].as_object().unwrap() {
        for (method, value) in
            item.as_object().unwrap().iter().filter(|(key, _)| *key != "parameters")
        {
            let id = value["operationId"].as_str().unwrap().to_owned();
            operations.push(Operation {
                id,
                method: method.to_uppercase(),
                path: path.clone(),
                value: value.clone(),
            });
        }
    }
    operations
}

#[test]
fn the_description_is_one_by_openapis_own_schema() {
    let description = Description::get();
    let meta: Value = serde_json::from_str(META).unwrap();
    let validator = jsonschema::draft202012::new(&meta).unwrap();
    let faults: Vec<String> = validator
        .iter_errors(&description.root)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
    for (name, schema) in description.root["components"]["schemas"].as_object().unwrap() {
        assert!(jsonschema::meta::is_valid(schema), "{name}");
    }
    assert_eq!(description.root["info"]["version"], env!("CARGO_PKG_VERSION"));
    let ids: BTreeSet<&str> =
        description.operations.iter().map(|operation| operation.id.as_str()).collect();
    assert_eq!(ids.len(), description.operations.len());
}

#[test]
fn the_description_has_the_routes_and_no_others() {
    let described: BTreeSet<(&str, &str)> = Description::get()
        .operations
        .iter()
        .map(|operation| (operation.method.as_str(), operation.path.as_str()))
        .collect();
    assert_eq!(described, ROUTES.iter().copied().collect());
}

#[test]
fn closed_lists_are_those_of_the_program() {
    let schemas = &Description::get().root["components"]["schemas"];
    let classes = &schemas["Policy"]["properties"]["classes"];
    for (name, described, words) in [
        ("AppKind", &schemas["AppKind"], json!(AppKind::ALL)),
        ("TaskKind", &schemas["TaskKind"], json!(TaskKind::ALL)),
        ("TaskState", &schemas["TaskState"], json!(TaskState::ALL)),
        ("Cause", &schemas["Cause"], json!(Cause::ALL)),
        ("TokenAccess", &schemas["TokenAccess"], json!(TokenAccess::ALL)),
        ("EventKind", &schemas["EventKind"], json!(EventKind::ALL)),
        ("ChangeWay", &schemas["ChangeWay"], json!(ChangeWay::ALL)),
        ("ChangeSubject", &schemas["ChangeSubject"], json!(ChangeSubject::ALL)),
        ("ChangeAction", &schemas["ChangeAction"], json!(ChangeAction::ALL)),
        ("Match", classes, json!(MatchMode::ALL)),
    ] {
        assert_eq!(described["enum"], words, "{name}");
    }
}

#[test]
fn each_parameter_of_a_path_is_described() {
    let description = Description::get();
    for operation in &description.operations {
        let in_path: BTreeSet<&str> = operation
            .path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
            .collect();
        let described: BTreeSet<&str> = description
            .parameters(operation, "path")
            .iter()
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(in_path, described, "{}", operation.id);
    }
}

/// A schema that lets anything through holds nothing against the server.
#[test]
fn answers_are_described_to_the_last_field() {
    let description = Description::get();
    let mut answers = BTreeSet::new();
    for operation in &description.operations {
        for response in operation.value["responses"].as_object().unwrap().values() {
            references(description, description.resolve(response), &mut answers);
        }
    }
    for (name, schema) in description.root["components"]["schemas"].as_object().unwrap() {
        let Some(properties) = schema["properties"].as_object() else { continue };
        assert_eq!(schema["additionalProperties"], false, "{name}");
        // Their fields are not the same for each kind of task.
        if !answers.contains(name) || name == "TaskInput" || name == "TaskFigures" {
            continue;
        }
        let required: BTreeSet<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        assert_eq!(required, properties.keys().map(String::as_str).collect(), "{name}");
    }
    assert!(answers.len() > 40, "{answers:?}");
}

/// The names of all schemas that a value refers to.
fn references(description: &Description, value: &Value, found: &mut BTreeSet<String>) {
    if let Some(name) =
        value["$ref"].as_str().and_then(|reference| reference.strip_prefix("#/components/schemas/"))
        && found.insert(name.to_owned())
    {
        references(description, description.resolve(value), found);
    }
    match value {
        Value::Object(fields) => {
            fields.values().for_each(|value| references(description, value, found))
        }
        Value::Array(items) => items.iter().for_each(|value| references(description, value, found)),
        _ => (),
    }
}
