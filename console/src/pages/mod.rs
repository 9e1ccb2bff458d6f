//! The pages: what the console shows to people, over the same service as the API.

mod adopt;
mod answer;
mod app;
mod app_form;
mod assets;
mod assign;
mod context;
mod error;
mod export;
mod format;
mod forms;
mod head;
mod notices;
mod overview;
mod points;
mod policies;
mod protection_form;
mod prune;
mod recovery;
mod running_task;
mod schedules;
mod settings;
mod store_fields;
mod task_row;
mod tasks;

use axum::Router;
use axum::middleware::from_fn;

use crate::routes::routes;
use error::PageError;
use points::{content, errors, file, folder, restore};
use source_app::service::Service;

routes! {
    /// All routes of pages: method and path. Static files are not among them.
    pub const ROUTES;
    GET "/" overview::overview,
    GET "/apps/{id}" app::dashboard,
    POST "/apps/{id}/tasks" app::start,
    GET "/apps/{id}/prune" prune::plan,
    POST "/apps/{id}/prune" prune::start,
    GET "/apps/{id}/points" points::list::list,
    GET "/apps/{id}/points/{snapshot}" folder::folder,
    GET "/apps/{id}/points/{snapshot}/errors" errors::errors,
    GET "/apps/{id}/points/{snapshot}/view" file::view,
    GET "/apps/{id}/points/{snapshot}/raw" content::raw,
    GET "/apps/{id}/points/{snapshot}/download" content::download,
    GET "/apps/{id}/points/{snapshot}/restore" restore::form,
    POST "/apps/{id}/points/{snapshot}/restore" restore::start,
    POST "/apps/{id}/points/{snapshot}/pin" prune::pin,
    GET "/apps/{id}/schedules" schedules::list::list,
    GET "/apps/{id}/schedules/new" schedules::form::new_of_app,
    POST "/apps/{id}/schedules/new" schedules::form::add_to_app,
    GET "/policies/{id}/schedules/new" schedules::form::new_of_policy,
    POST "/policies/{id}/schedules/new" schedules::form::add_to_policy,
    GET "/schedules/preview" schedules::form::preview,
    GET "/schedules/{id}" schedules::form::edit,
    POST "/schedules/{id}" schedules::form::save,
    POST "/schedules/{id}/enabled" schedules::list::enable,
    POST "/schedules/{id}/remove" schedules::list::remove,
    GET "/policies" policies::list::list,
    GET "/policies/new" policies::form::new,
    POST "/policies/new" policies::form::add,
    GET "/policies/{id}" policies::form::edit,
    POST "/policies/{id}" policies::form::save,
    POST "/policies/{id}/remove" policies::list::remove,
    GET "/apps/{id}/export" export::show,
    GET "/apps/{id}/export/file" export::file,
    GET "/assign" assign::steps,
    POST "/assign" assign::assign,
    GET "/adopt" adopt::show,
    POST "/adopt" adopt::open,
    GET "/apps/{id}/recovery" recovery::show,
    GET "/apps/{id}/settings" settings::show,
    POST "/apps/{id}/settings" settings::save,
    GET "/apps/{id}/remove" settings::question,
    POST "/apps/{id}/remove" settings::remove,
    GET "/tasks" tasks::list,
    GET "/tasks/{id}" tasks::one,
    GET "/tasks/{id}/log" tasks::whole_log,
    POST "/tasks/{id}/cancel" tasks::cancel,
    POST "/tasks/{id}/retry" tasks::retry,
}

/// The pages and the files that they are drawn with.
pub fn router(service: Service) -> Router {
    routes()
        .fallback(async || PageError::not_found("There is no such page."))
        .layer(from_fn(error::as_page))
        .merge(assets::routes())
        .with_state(service)
}
