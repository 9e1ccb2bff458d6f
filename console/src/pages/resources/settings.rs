//! What a form says of a resource.

use crate::pages::error::sentence;
use crate::pages::form_data::FormData;
use crate::pages::forms::Field;
use source_app::state::ResourceSpec;

/// What is in the form of a resource.
pub struct ResourceSettings {
    pub spec: ResourceSpec,
    /// Whether it is excluded, whatever the reason says.
    pub excludes: bool,
}

/// What is wrong, by the names of the fields; of no single field by an empty name.
pub type ResourceFaults = Vec<(&'static str, String)>;

/// The fields of the form.
pub struct ResourceFields {
    pub fields: Vec<Field>,
    pub excludes: Field,
    pub reason: Field,
    pub faults: Vec<String>,
}

impl ResourceSettings {
    /// What is kept.
    pub fn of(spec: ResourceSpec) -> Self {
        Self { excludes: !spec.excluded.is_empty(), spec }
    }

    /// What was posted.
    pub fn posted(posted: &FormData) -> Self {
        let tags = posted.get("tags").split(',').map(str::trim).filter(|tag| !tag.is_empty());
        let excludes = posted.ticked("excludes");
        let spec = ResourceSpec {
            name: posted.get("name").to_owned(),
            class: posted.get("class").to_owned(),
            subclass: posted.get("subclass").to_owned(),
            location: posted.get("location").to_owned(),
            tags: tags.map(str::to_owned).collect(),
            excluded: if excludes { posted.get("excluded").to_owned() } else { String::new() },
        };
        Self { spec, excludes }
    }

    /// What is wrong. A class that may be told by the location may be missing.
    pub fn faults(&self, is_new: bool) -> ResourceFaults {
        let told = is_new && self.spec.class.is_empty() && !self.spec.location.is_empty();
        let faults = self.spec.faults().into_iter().filter(|(name, _)| !(told && *name == "class"));
        let mut faults: ResourceFaults =
            faults.map(|(name, fault)| (name, sentence(&fault.to_string()))).collect();
        if self.excludes && self.spec.excluded.is_empty() {
            let missing = "The reason is missing; write why it needs no protection.";
            faults.push(("excluded", missing.to_owned()));
        }
        faults
    }

    /// The fields, with what was entered and what is wrong.
    pub fn fields(&self, refused: &ResourceFaults, is_new: bool) -> ResourceFields {
        let fault = |name: &str| {
            refused.iter().find(|(field, _)| *field == name).map(|(_, fault)| fault.clone())
        };
        let spec = &self.spec;
        let class = Field::text("class", "Class", &spec.class).fault(fault("class"));
        let class = match is_new {
            true => class.help("Plakar's word for what kind of thing it is, such as file-storage. Nothing entered: what reaches its location."),
            false => class
                .required()
                .help("Plakar's word for what kind of thing it is, such as file-storage."),
        };
        let fields = vec![
            Field::text("name", "Name", &spec.name)
                .required()
                .help("What holds the data, in your words.")
                .fault(fault("resource")),
            Field::text("location", "Location", &spec.location)
                .help("Where it is, such as opendrive://Photos or the path of a folder: the form of its first app begins with it. No password.")
                .fault(fault("location")),
            class,
            Field::text("subclass", "Subclass", &spec.subclass).fault(fault("subclass")),
            Field::text("tags", "Tags", &spec.tags.join(", "))
                .help("Your own words, separated by commas.")
                .fault(fault("tags")),
        ];
        ResourceFields {
            fields,
            excludes: Field::checkbox("excludes", "Exclude from coverage", self.excludes)
                .help("Its apps need no protection: none of them is shown as not protected, nor it without an app."),
            reason: Field::text("excluded", "Reason", &spec.excluded)
                .help("Needed to exclude it; it is shown with the verdict.")
                .fault(fault("excluded")),
            faults: refused.iter().map(|(_, fault)| fault.clone()).collect(),
        }
    }
}
