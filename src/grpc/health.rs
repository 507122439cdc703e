//! Health: serving while the instance is ready, not serving as soon as it shuts down.

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio_stream::wrappers::WatchStream;
use tonic::{Request, Response, Status};
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::Health;
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};

use crate::web::AppState;

/// Names under which the health can be asked for; the empty one is the whole instance.
const SERVICES: [&str; 2] = ["", "jornada.v1.Votes"];

/// Implements the service.
#[derive(Clone, Debug)]
pub struct HealthCheck(pub AppState);

#[tonic::async_trait]
impl Health for HealthCheck {
    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        if !SERVICES.contains(&request.into_inner().service.as_str()) {
            return Err(Status::not_found("no such service"));
        }
        let is_serving = *self.0.ready.borrow() && !self.0.stop.is_cancelled();
        Ok(Response::new(respond(serving(is_serving))))
    }

    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let is_known = SERVICES.contains(&request.into_inner().service.as_str());
        let statuses = if is_known {
            WatchStream::new(self.0.ready.subscribe())
                .map(serving)
                .boxed()
        } else {
            let unknown = std::future::ready(ServingStatus::ServiceUnknown);
            stream::once(unknown).chain(stream::pending()).boxed()
        };
        // The last one, after which the stream ends: it would hold up the shutdown.
        let stopped = stream::once(std::future::ready(ServingStatus::NotServing));
        let statuses = statuses
            .take_until(self.0.stop.clone().cancelled_owned())
            .chain(stopped);
        Ok(Response::new(
            statuses.map(|status| Ok(respond(status))).boxed(),
        ))
    }
}

fn serving(is_serving: bool) -> ServingStatus {
    if is_serving {
        ServingStatus::Serving
    } else {
        ServingStatus::NotServing
    }
}

fn respond(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse {
        status: status.into(),
    }
}
