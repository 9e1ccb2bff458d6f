//! What the steps that assign an app hand on from one to the next.

use serde::Deserialize;

use super::error::PageError;
use plakar_driver::Options;
use source_app::model::{Protection, Retention};
use source_app::service::{Form, Mark, Service};
use source_app::state::{AppKind, AppSpec, Resource};

/// What the first two steps gave, or a page that led here.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub struct AssignQuery {
    pub kind: String,
    pub resource: String,
    pub resource_class: String,
    pub subclass: String,
    /// Where the resource is, if that is known of it.
    #[serde(skip)]
    pub location: String,
    /// Integration and protocol, with a `/` between.
    pub connector: String,
    /// The source or destination of Plakar's that becomes the app.
    pub entry: String,
    /// The mark of restore points that are taken over.
    pub mark: String,
    /// The store that they are in.
    pub store: String,
    /// `first`: go back to the first step.
    pub step: String,
}

impl AssignQuery {
    pub fn resource(&self) -> Resource {
        let text = |text: &str| text.trim().to_owned();
        Resource {
            name: text(&self.resource),
            class: text(&self.resource_class),
            subclass: text(&self.subclass),
        }
    }

    pub fn source(&self) -> bool {
        self.kind == "source"
    }

    /// The protocol of its location.
    pub fn protocol(&self) -> Option<&str> {
        self.location.split_once("://").map(|(protocol, _)| protocol)
    }

    /// What the connector's form begins with.
    pub fn options(&self, form: &Form) -> Options {
        let fits = self.protocol() == Some(form.protocol.as_str());
        let location = ("location".to_owned(), self.location.clone());
        fits.then_some(location).into_iter().collect()
    }

    pub fn connector(&self) -> Option<(&str, &str)> {
        self.connector.split_once('/')
    }

    /// An app of it, without what the last step adds. What is empty of the resource the service fills
    /// in.
    pub fn spec(&self, kind: AppKind, form: &Form) -> AppSpec {
        let given = self.resource();
        let letter = |letter: char| {
            if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' }
        };
        let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
        let resource = Resource {
            name: or(given.name, &form.protocol),
            class: or(given.class, &form.class),
            subclass: given.subclass,
        };
        let name: String = resource.name.chars().map(letter).take(40).collect();
        AppSpec {
            kind,
            name: or(self.entry.clone(), name.trim_matches('-')),
            resource,
            environment: String::new(),
            data_classes: Vec::new(),
            integration: form.integration.clone(),
            protocol: form.protocol.clone(),
            entry: String::new(),
            store: (!self.store.is_empty()).then(|| self.store.clone()),
            second_store: None,
            copy_range: Default::default(),
            retention: Retention::default(),
            protection: Protection::default(),
            backup: Default::default(),
        }
    }

    /// The form of the entry, or of the connector that was chosen.
    pub async fn form(&self, service: &Service, kind: AppKind) -> Result<Option<Form>, PageError> {
        if !self.entry.is_empty() {
            return Ok(Some(service.form_of_entry(kind, &self.entry).await?));
        }
        let class = (self.resource_class.as_str(), self.subclass.as_str());
        match self.connector() {
            Some((integration, protocol)) => {
                Ok(Some(service.form(kind, class, Some(integration), Some(protocol)).await?))
            }
            None => Ok(None),
        }
    }

    /// The mark that is taken over.
    pub async fn mark(&self, service: &Service) -> Result<Option<Mark>, PageError> {
        if self.mark.is_empty() {
            return Ok(None);
        }
        let marks = service.marks(&self.store).await?;
        let found = marks.into_iter().find(|mark| mark.key == self.mark);
        found.map(Some).ok_or_else(|| {
            PageError::not_found("The store has no such restore points.").back("/adopt")
        })
    }

    /// Fills in what is known of its resource: class, subclass and location.
    pub async fn fill(&mut self, service: &Service) -> Result<(), PageError> {
        let (mut resource, mut options) = (self.resource(), Options::new());
        service.fill_from_resource(&mut resource, &mut options).await?;
        (self.resource_class, self.subclass) = (resource.class, resource.subclass);
        self.location = options.remove("location").unwrap_or_default();
        Ok(())
    }
}
