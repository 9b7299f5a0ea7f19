//! The three pages a supervisor and a monitoring system read.

use super::State;
use crate::model::Fault as _;
use crate::telemetry::{chain, metrics::CONTENT_TYPE};
use axum::Json;
use axum::extract;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

pub(super) async fn alive() -> &'static str {
    "alive\n"
}

pub(super) async fn ready(extract::State(state): extract::State<State>) -> Response {
    let mut waiting = state.readiness.reasons();
    if let Err(error) = state.ledger.writable().await {
        let hint = error.hint().unwrap_or_default();
        let why = format!("failed to {}. {hint}", chain(&error));
        waiting.insert("ledger".to_owned(), why.trim_end().to_owned());
    }
    let troubles = state.readiness.troubles();
    if waiting.is_empty() {
        return Json(json!({ "ready": true, "conditions": troubles })).into_response();
    }
    let answer = json!({ "ready": false, "waiting": waiting, "conditions": troubles });
    (StatusCode::SERVICE_UNAVAILABLE, Json(answer)).into_response()
}

pub(super) async fn metrics(extract::State(state): extract::State<State>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, CONTENT_TYPE)],
        state.metrics.render(),
    )
}
