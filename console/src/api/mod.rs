//! The JSON API: the service over HTTP, as `docs/openapi.yaml` describes it.
//!
//! Who may call it is decided before it, by [`super::server`]. Here every value is parsed strictly,
//! what is unknown is refused, and no answer has a secret in it.

mod adopt;
mod answer;
mod apps;
mod download;
mod error;
mod extract;
mod integrations;
mod number;
mod points;
mod policies;
mod prune;
mod tasks;
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
    GET "/apps/{app}" apps::dashboard,
    PUT "/apps/{app}" apps::edit,
    DELETE "/apps/{app}" apps::remove,
    GET "/apps/{app}/configuration" apps::configuration,
    GET "/apps/{app}/recovery" apps::recovery,
    GET "/apps/{app}/schedules" apps::schedules,
    GET "/apps/{app}/export" apps::export,
    POST "/apps/{app}/tasks" tasks::start,
    GET "/apps/{app}/prune" prune::plan,
    GET "/apps/{app}/points" points::list,
    GET "/apps/{app}/points/{snapshot}" points::show,
    GET "/apps/{app}/points/{snapshot}/entries" points::entries,
    GET "/apps/{app}/points/{snapshot}/search" points::search,
    GET "/apps/{app}/points/{snapshot}/errors" points::errors,
    GET "/apps/{app}/points/{snapshot}/download" download::download,
    PUT "/apps/{app}/points/{snapshot}/pin" prune::pin,
    DELETE "/apps/{app}/points/{snapshot}/pin" prune::unpin,
    GET "/status" apps::status,
    GET "/choices" integrations::choices,
    GET "/form" integrations::form,
    GET "/classes" integrations::classes,
    GET "/suggestions" integrations::suggestions,
    GET "/stores" integrations::stores,
    POST "/stores" adopt::open,
    GET "/marks" adopt::marks,
    GET "/entries" adopt::entries,
    GET "/tasks" tasks::list,
    GET "/tasks/{task}" tasks::show,
    GET "/tasks/{task}/log" tasks::log,
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
