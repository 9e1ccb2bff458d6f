//! The pages: what the console shows to people, over the same service as the API.

mod adopt;
mod alarm;
mod answer;
mod app;
mod app_form;
mod assets;
mod assign;
mod assign_query;
mod backup_form;
mod changes;
mod compared;
mod context;
mod diagnosis;
mod error;
mod export;
mod form_data;
mod format;
mod forms;
mod head;
mod history;
mod hooks_card;
mod notices;
mod overview;
mod package;
mod plot;
mod points;
mod policies;
mod protection_form;
mod proven;
mod prune;
mod recovery;
mod resources;
mod running_task;
mod schedules;
mod scheduling;
mod second_copy;
mod second_store_fields;
mod settings;
mod several_apps;
mod site_settings;
mod store_fields;
mod stores;
mod strip;
mod task_row;
mod tasks;
mod telling;
mod theme;
mod theme_choice;
mod usage;

use axum::Router;
use axum::middleware::from_fn;

use crate::routes::routes;
use error::PageError;
use points::{content, errors, file, folder, restore, restore_here, several};
use source_app::service::Service;
use telling::{credentials, notifications, tokens};

routes! {
    /// All routes of pages: method and path. Static files are not among them.
    pub const ROUTES;
    GET "/" overview::overview,
    GET "/apps/{id}" app::dashboard,
    POST "/apps/{id}/tasks" app::start,
    GET "/apps/{id}/restore" restore_here::choose,
    POST "/apps/{id}/restore" restore_here::start,
    GET "/apps/{id}/prune" prune::plan,
    POST "/apps/{id}/prune" prune::start,
    POST "/apps/{id}/release" alarm::release,
    GET "/apps/{id}/points" points::list::list,
    GET "/apps/{id}/find" points::everywhere::find,
    GET "/apps/{id}/points/{snapshot}" folder::folder,
    GET "/apps/{id}/points/{snapshot}/errors" errors::errors,
    GET "/apps/{id}/points/{snapshot}/view" file::view,
    GET "/apps/{id}/points/{snapshot}/raw" content::raw,
    GET "/apps/{id}/points/{snapshot}/download" content::download,
    GET "/apps/{id}/points/{snapshot}/restore" restore::form,
    POST "/apps/{id}/points/{snapshot}/restore" restore::start,
    POST "/apps/{id}/points/{snapshot}/several" several::chosen,
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
    GET "/policies/preview" policies::contract::preview,
    GET "/policies/{id}" policies::form::edit,
    POST "/policies/{id}" policies::form::save,
    POST "/policies/{id}/remove" policies::list::remove,
    GET "/apps/{id}/export" export::show,
    GET "/apps/{id}/export/file" export::file,
    GET "/assign" assign::steps,
    POST "/assign" assign::assign,
    GET "/assign/several" several_apps::form,
    POST "/assign/several" several_apps::make,
    GET "/adopt" adopt::show,
    POST "/adopt" adopt::open,
    GET "/apps/{id}/recovery" recovery::show,
    GET "/apps/{id}/settings" settings::show,
    POST "/apps/{id}/settings" settings::save,
    GET "/apps/{id}/remove" settings::question,
    POST "/apps/{id}/remove" settings::remove,
    GET "/resources" resources::list::list,
    GET "/resources/new" resources::new::form,
    POST "/resources/new" resources::new::add,
    GET "/resources/{id}" resources::one::show,
    POST "/resources/{id}" resources::one::save,
    POST "/resources/{id}/remove" resources::new::remove,
    GET "/scheduling" scheduling::show,
    POST "/scheduling/pause" scheduling::pause,
    POST "/scheduling/resume" scheduling::resume,
    GET "/settings" site_settings::show,
    POST "/settings/words" site_settings::add,
    POST "/settings/words/remove" site_settings::remove,
    POST "/theme" theme_choice::choose,
    GET "/stores" stores::list,
    GET "/stores/{name}" stores::show,
    POST "/stores/{name}/read" stores::read,
    GET "/stores/{name}/points" stores::points,
    GET "/tasks" tasks::list,
    GET "/tasks/{id}" tasks::one,
    GET "/tasks/{id}/log" tasks::whole_log,
    POST "/tasks/{id}/cancel" tasks::cancel,
    POST "/tasks/{id}/retry" tasks::retry,
    GET "/settings/changes" changes::show,
    GET "/settings/diagnosis" diagnosis::show,
    GET "/settings/package" package::show,
    POST "/settings/package" package::add,
    GET "/settings/notifications" notifications::show,
    POST "/settings/notifications/test" notifications::test,
    GET "/settings/credentials" credentials::show,
    POST "/settings/credentials" credentials::change,
    GET "/settings/tokens" tokens::show,
    POST "/settings/tokens" tokens::add,
    POST "/settings/tokens/{id}/revoke" tokens::revoke,
}

/// The pages and the files that they are drawn with.
pub fn router(service: Service) -> Router {
    routes()
        .fallback(async || PageError::not_found("There is no such page."))
        .layer(from_fn(error::as_page))
        .merge(assets::routes())
        .with_state(service)
}
