//! What a policy that is being filled in comes to: which apps it is for, how much work can be lost,
//! how far back one can go.

use askama::Template;
use axum::extract::State;

use super::draft::DraftFields;
use crate::pages::answer::{PageResult, render};
use crate::pages::error::sentence;
use crate::pages::form_data::FormData;
use source_app::service::{PolicyDraft, Service};
use source_app::state::PolicyId;

/// What a draft comes to, or why that cannot be told.
pub struct ContractPreview {
    /// The apps: name and page.
    pub apps: Vec<(String, String)>,
    /// In sentences, the one that counts first.
    pub words: Vec<String>,
    /// What is wrong with the draft.
    pub fault: Option<String>,
}

impl ContractPreview {
    /// Of a draft of a new policy, or of one that is there.
    pub async fn of(service: &Service, old: Option<PolicyId>, draft: &PolicyDraft) -> Self {
        match service.draft_contract(old, draft).await {
            Ok(contract) => {
                let page = |(id, name)| (name, format!("/apps/{id}"));
                let apps = contract.apps.into_iter().map(page).collect();
                Self { apps, words: contract.words, fault: None }
            }
            Err(error) => Self::wrong(&error.to_string()),
        }
    }

    /// Of one that cannot be used.
    pub fn wrong(fault: &str) -> Self {
        Self { apps: Vec::new(), words: Vec::new(), fault: Some(sentence(fault)) }
    }
}

#[derive(Template)]
#[template(path = "policies/preview.html")]
struct PreviewFragment {
    contract: ContractPreview,
}

/// What the form holds, for the script that shows it.
pub async fn preview(State(service): State<Service>, posted: FormData) -> PageResult {
    let fields = DraftFields::posted(&posted);
    let old: Option<PolicyId> = posted.get("policy").parse().ok();
    let contract = match fields.draft() {
        Ok(draft) => ContractPreview::of(&service, old, &draft).await,
        Err(error) => ContractPreview::wrong(&error.to_string()),
    };
    render(&PreviewFragment { contract })
}
