//! A panic in a call of Plakar's is a status, as any other error; and a call that is not there has
//! a reason.

use std::convert::Infallible;

use futures::future::BoxFuture;
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::codegen::http::{Request, Response};
use tonic::{Code, Status};

use crate::panics::caught;

/// What a Plakar of the other plugin API is told, which has installed the package all the same.
const OTHER_API_ADVICE: &str = "the installed package is for another version of Plakar: remove it (`plakar pkg rm rclone`) and add the one that is \
                         made for yours";

/// A service whose calls end with a status even where the code behind it panics.
#[derive(Debug, Clone)]
pub(super) struct PanicGuard<S>(pub(super) S);

impl<S, B> hyper::service::Service<Request<B>> for PanicGuard<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible> + Clone,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn call(&self, request: Request<B>) -> Self::Future {
        // What tonic makes of a service is always ready.
        let response = self.0.clone().call(request);
        Box::pin(async {
            let response =
                caught(response).await.unwrap_or_else(|bug| Ok(Status::internal(bug).into_http()));
            response.map(|response| {
                if is_unknown_call(&response) {
                    Status::unimplemented(OTHER_API_ADVICE).into_http()
                } else {
                    response
                }
            })
        })
    }
}

/// Whether a call is none of the service: our own errors have words.
fn is_unknown_call(response: &Response<Body>) -> bool {
    // Nearly every answer is one without a status in its headers.
    response.headers().contains_key(Status::GRPC_STATUS)
        && Status::from_header_map(response.headers()).is_some_and(|status| {
            status.code() == Code::Unimplemented && status.message().is_empty()
        })
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll};

    use hyper::service::Service as _;

    use super::*;

    #[derive(Clone)]
    struct Panics;

    impl Service<Request<Body>> for Panics {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            Box::pin(async { panic!("in a handler") })
        }
    }

    #[tokio::test]
    async fn a_handler_that_panics_answers_with_a_status() {
        let Ok(response) = PanicGuard(Panics).call(Request::new(Body::empty())).await;
        let status = Status::from_header_map(response.headers()).unwrap();
        assert_eq!(
            (status.code(), status.message()),
            (tonic::Code::Internal, "a bug: in a handler")
        );
    }
}
