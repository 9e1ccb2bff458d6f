//! The JSON API: the service over HTTP, as `docs/openapi.yaml` describes it.
//!
//! Who may call it is decided before it, by [`super::server`]. Here every value is parsed strictly,
//! what is unknown is refused, and no answer has a secret in it.

mod adopt;
mod answer;
mod apps;
mod caller;
mod changes;
mod credentials;
mod diagnosis;
mod download;
mod error;
mod extract;
mod found;
mod hooks;
mod integrations;
mod notifications;
mod number;
mod options;
mod package;
mod points;
mod policies;
mod prune;
mod resources;
mod scheduling;
mod stores;
mod tasks;
mod tokens;
mod views;

use axum::Router;
use axum::extract::DefaultBodyLimit;

use crate::routes::routes;
use error::ApiError;
use extract::MAX_BODY_BYTES;
use source_app::service::Service;

routes! {
    /// All routes: method, and path below `/api`.
    pub const ROUTES;
    GET "/apps" apps::list,
    POST "/apps" apps::assign,
    POST "/several-apps" apps::make,
    GET "/apps/{app}" apps::dashboard,
    PUT "/apps/{app}" apps::edit,
    DELETE "/apps/{app}" apps::remove,
    GET "/apps/{app}/configuration" apps::configuration,
    GET "/apps/{app}/recovery" apps::recovery,
    GET "/apps/{app}/budget" apps::budget,
    GET "/apps/{app}/schedules" apps::schedules,
    GET "/apps/{app}/export" apps::export,
    PUT "/apps/{app}/pause" scheduling::pause,
    DELETE "/apps/{app}/pause" scheduling::resume,
    POST "/apps/{app}/tasks" tasks::start,
    GET "/apps/{app}/estimate" options::estimate,
    GET "/apps/{app}/preview" options::preview,
    GET "/apps/{app}/prune" prune::plan,
    DELETE "/apps/{app}/held-prune" prune::release,
    GET "/apps/{app}/points" points::list,
    GET "/apps/{app}/comparison" apps::comparison,
    GET "/apps/{app}/search" points::search_all,
    GET "/apps/{app}/points/{snapshot}" points::show,
    GET "/apps/{app}/points/{snapshot}/entries" points::entries,
    GET "/apps/{app}/points/{snapshot}/search" points::search,
    GET "/apps/{app}/points/{snapshot}/errors" points::errors,
    GET "/apps/{app}/points/{snapshot}/download" download::download,
    POST "/apps/{app}/points/{snapshot}/archive" download::several,
    PUT "/apps/{app}/points/{snapshot}/pin" prune::pin,
    DELETE "/apps/{app}/points/{snapshot}/pin" prune::unpin,
    GET "/status" apps::status,
    GET "/resources" resources::list,
    POST "/resources" resources::add,
    GET "/resources/{resource}" resources::show,
    PUT "/resources/{resource}" resources::edit,
    DELETE "/resources/{resource}" resources::remove,
    GET "/classification" resources::classification,
    POST "/classification" resources::add_word,
    DELETE "/classification" resources::remove_word,
    GET "/scheduling" scheduling::show,
    PUT "/pause" scheduling::pause_all,
    DELETE "/pause" scheduling::resume_all,
    GET "/choices" integrations::choices,
    GET "/form" integrations::form,
    GET "/classes" integrations::classes,
    GET "/suggestions" integrations::suggestions,
    GET "/stores" stores::list,
    POST "/stores" adopt::open,
    GET "/stores/{store}" stores::show,
    POST "/stores/{store}/read" stores::read,
    GET "/stores/{store}/points" stores::points,
    GET "/marks" adopt::marks,
    GET "/entries" adopt::entries,
    GET "/tasks" tasks::list,
    GET "/tasks/{task}" tasks::show,
    GET "/tasks/{task}/log" tasks::log,
    GET "/tasks/{task}/usage" tasks::usage,
    POST "/tasks/{task}/cancel" tasks::cancel,
    POST "/tasks/{task}/retry" tasks::retry,
    GET "/schedules" policies::list_schedules,
    POST "/schedules" policies::add_schedule,
    GET "/schedules/{schedule}" policies::show_schedule,
    PUT "/schedules/{schedule}" policies::edit_schedule,
    DELETE "/schedules/{schedule}" policies::remove_schedule,
    GET "/policies" policies::list,
    POST "/policies" policies::add,
    GET "/policies/{policy}" policies::show,
    PUT "/policies/{policy}" policies::edit,
    DELETE "/policies/{policy}" policies::remove,
    GET "/policies/{policy}/contract" policies::contract,
    GET "/changes" changes::list,
    GET "/changes/verification" changes::verify,
    GET "/changes/export" changes::export,
    GET "/diagnosis" diagnosis::show,
    GET "/package" package::show,
    POST "/package" package::add,
    GET "/notifications" notifications::show,
    POST "/notifications/test" notifications::test,
    GET "/hooks" hooks::show,
    GET "/credentials" credentials::list,
    PUT "/credentials" credentials::change,
    GET "/tokens" tokens::list,
    POST "/tokens" tokens::add,
    DELETE "/tokens/{token}" tokens::revoke,
}

/// The routes below `/api`.
pub fn router(service: Service) -> Router {
    routes()
        .fallback(async || {
            ApiError::not_found("there is no such route; docs/openapi.yaml has them all")
        })
        .method_not_allowed_fallback(async || ApiError::method())
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(service)
}
