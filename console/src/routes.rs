//! Routes as a table.

/// Makes a router and the list of its routes of one table, so that neither can have what the other
/// lacks.
macro_rules! routes {
    ($(#[$about:meta])* pub const $table:ident; $($method:ident $path:literal $handler:path,)+) => {
        $(#[$about])*
        pub const $table: &[(&str, &str)] = &[$((stringify!($method), $path)),+];

        fn routes() -> axum::Router<source_app::service::Service> {
            axum::Router::new()$(.route($path, axum::routing::on(axum::routing::MethodFilter::$method, $handler)))+
        }
    };
}

pub(crate) use routes;
