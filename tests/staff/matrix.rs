//! Tests every route with every role, token scope and without login. The rows must match the router's table of routes.

use std::collections::BTreeSet;

use jornada::web::staff::table;
use jornada_domain::staff::{Account, Role, Scope};
use jornada_service::staff::csrf;
use jornada_service::staff::token::Token;
use reqwest::header::{AUTHORIZATION, COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};

use crate::area::Area;
use jornada_testkit::instance::Stores;

/// The callers, in the order of the columns.
const CALLERS: [Caller; 7] = [
    Caller::Nobody,
    Caller::Role(Role::Viewer),
    Caller::Role(Role::Clerk),
    Caller::Role(Role::Admin),
    Caller::Token(Scope::Report),
    Caller::Token(Scope::Chart),
    Caller::Token(Scope::ReadVotes),
];

#[derive(Clone, Copy, Debug)]
enum Caller {
    Nobody,
    Role(Role),
    Token(Scope),
}

/// Method, path and expected statuses. Without login, browsers are redirected (303). Forms are sent with their CSRF
/// token and no other field.
#[rustfmt::skip]
const ROWS: &[(&str, &str, [u16; 7])] = &[
    //                                                              nobody viewer clerk admin report chart votes
    ("GET",  "/staff",                                                [303, 200, 200, 200, 403, 403, 403]),
    ("GET",  "/staff/login",                                          [200, 303, 303, 303, 200, 200, 200]),
    ("POST", "/staff/login",                                          [422, 422, 422, 422, 403, 403, 403]),
    ("POST", "/staff/logout",                                         [303, 303, 303, 303, 403, 403, 403]),
    ("GET",  "/staff/password/{link}",                                [404, 404, 404, 404, 404, 404, 404]),
    ("POST", "/staff/password/{link}",                                [404, 404, 404, 404, 403, 403, 403]),
    ("GET",  "/staff/account",                                        [303, 200, 200, 200, 403, 403, 403]),
    ("POST", "/staff/account/password",                               [303, 422, 422, 422, 403, 403, 403]),
    ("GET",  "/staff/account/second",                                 [303, 200, 200, 200, 403, 403, 403]),
    ("POST", "/staff/account/second",                                 [303, 400, 400, 400, 403, 403, 403]),
    ("POST", "/staff/account/second/off",                             [303, 422, 422, 422, 403, 403, 403]),
    ("POST", "/staff/account/sessions/end",                           [303, 404, 404, 404, 403, 403, 403]),
    ("POST", "/staff/account/sessions/end-all",                       [303, 303, 303, 303, 403, 403, 403]),
    ("GET",  "/staff/accounts",                                       [303, 403, 403, 200, 403, 403, 403]),
    ("POST", "/staff/accounts",                                       [303, 403, 403, 422, 403, 403, 403]),
    ("GET",  "/staff/accounts/{id}",                                  [303, 403, 403, 200, 403, 403, 403]),
    ("POST", "/staff/accounts/{id}",                                  [303, 403, 403, 422, 403, 403, 403]),
    ("POST", "/staff/accounts/{id}/link",                             [303, 403, 403, 200, 403, 403, 403]),
    ("POST", "/staff/accounts/{id}/sessions/end",                     [303, 403, 403, 303, 403, 403, 403]),
    ("POST", "/staff/accounts/{id}/close",                            [303, 403, 403, 303, 403, 403, 403]),
    ("GET",  "/staff/tokens",                                         [303, 403, 403, 200, 403, 403, 403]),
    ("POST", "/staff/tokens",                                         [303, 403, 403, 422, 403, 403, 403]),
    ("POST", "/staff/tokens/revoke",                                  [303, 403, 403, 404, 403, 403, 403]),
    ("GET",  "/staff/c/{campaign}/registrations",                     [303, 403, 200, 200, 403, 403, 403]),
    ("POST", "/staff/c/{campaign}/registrations",                     [303, 403, 303, 303, 403, 403, 403]),
    ("GET",  "/staff/c/{campaign}/registrations/{id}",                [303, 403, 200, 200, 403, 403, 403]),
    ("GET",  "/staff/c/{campaign}/registrations/{id}/print",          [303, 403, 200, 200, 403, 403, 403]),
    ("GET",  "/staff/c/{campaign}/registrations/{id}/correct",        [303, 403, 200, 200, 403, 403, 403]),
    ("POST", "/staff/c/{campaign}/registrations/{id}/correct",        [303, 403, 409, 409, 403, 403, 403]),
    ("GET",  "/staff/c/{campaign}/registrations/{id}/delete",         [303, 403, 403, 200, 403, 403, 403]),
    ("POST", "/staff/c/{campaign}/registrations/{id}/delete",         [303, 403, 403, 409, 403, 403, 403]),
    ("POST", "/staff/c/{campaign}/registrations/{id}/lift",           [303, 403, 403, 404, 403, 403, 403]),
    ("GET",  "/staff/c/{campaign}/reviews",                           [303, 403, 200, 200, 403, 403, 403]),
    ("GET",  "/staff/c/{campaign}/reviews/{id}",                      [303, 403, 404, 404, 403, 403, 403]),
    ("POST", "/staff/c/{campaign}/reviews/{id}",                      [303, 403, 404, 404, 403, 403, 403]),
    ("GET",  "/staff/c/{campaign}/reviews/{id}/photo/{which}",        [303, 403, 404, 404, 404, 403, 403]),
    ("GET",  "/staff/c/{campaign}/close",                             [303, 403, 403, 200, 403, 403, 403]),
    ("POST", "/staff/c/{campaign}/close",                             [303, 403, 403, 422, 403, 403, 403]),
    ("POST", "/staff/c/{campaign}/reopen",                            [303, 403, 403, 422, 403, 403, 403]),
    ("GET",  "/staff/c/{campaign}/registrations/{id}/photo",          [303, 403, 200, 200, 200, 403, 403]),
    ("GET",  "/staff/c/{campaign}/votes",                             [303, 403, 200, 200, 403, 403, 200]),
    ("GET",  "/staff/c/{campaign}/votes/{id}",                        [303, 403, 404, 404, 403, 403, 404]),
    ("GET",  "/staff/c/{campaign}/reports",                           [303, 403, 200, 200, 200, 403, 403]),
    ("POST", "/staff/c/{campaign}/reports",                           [303, 403, 422, 422, 422, 403, 403]),
    ("GET",  "/staff/c/{campaign}/reports/{id}",                      [303, 403, 404, 404, 404, 403, 403]),
    ("GET",  "/staff/c/{campaign}/reports/{id}/progress",             [303, 403, 404, 404, 404, 403, 403]),
    ("POST", "/staff/c/{campaign}/reports/{id}/cancel",               [303, 403, 404, 404, 404, 403, 403]),
    ("GET",  "/staff/c/{campaign}/reports/{id}/file",                 [303, 403, 404, 404, 404, 403, 403]),
    ("GET",  "/staff/dead-letters",                                   [303, 403, 403, 200, 403, 403, 403]),
    ("GET",  "/staff/dead-letters/{id}",                              [303, 403, 403, 404, 403, 403, 403]),
    ("POST", "/staff/dead-letters/{id}/replay",                       [303, 403, 403, 404, 403, 403, 403]),
    ("POST", "/staff/dead-letters/{id}/drop",                         [303, 403, 403, 404, 403, 403, 403]),
    ("GET",  "/staff/audit",                                          [303, 403, 403, 200, 403, 403, 403]),
    ("GET",  "/staff/audit/export.csv",                               [303, 403, 403, 200, 403, 403, 403]),
];

/// Staff routes of the API: those with `security` in the OpenAPI document.
#[rustfmt::skip]
const API: &[(&str, &str, [u16; 7])] = &[
    ("GET", "/api/v1/campaigns/{campaign}/reports/{file}",            [401, 403, 200, 200, 200, 403, 403]),
    ("GET", "/api/v1/campaigns/{campaign}/votes",                     [401, 403, 200, 200, 403, 403, 200]),
    ("GET", "/api/v1/campaigns/{campaign}/votes.csv",                 [401, 403, 200, 200, 403, 403, 200]),
    ("GET", "/api/v1/campaigns/{campaign}/votes.ndjson",              [401, 403, 200, 200, 403, 403, 200]),
    ("GET", "/api/v1/campaigns/{campaign}/votes/{id}",                [401, 403, 404, 404, 403, 403, 404]),
];

#[tokio::test]
async fn every_route_answers_each_caller_as_expected() {
    let area = Area::start(Stores::Embedded).await;
    let answer = area.app.register("Ana Ejemplo", "1001", "Cali").await;
    let registered: serde_json::Value = answer.json().await.unwrap();
    let photo = registered["id"].as_str().unwrap();
    let mut wrong = Vec::new();
    for (number, (method, path, expected)) in ROWS.iter().chain(API).enumerate() {
        for (caller, expected) in CALLERS.into_iter().zip(expected) {
            let unique = format!("{number}-{}", name(caller)).replace(':', "-");
            let target = format!("blanco-{unique}");
            let target = area.add_account(&target, Role::Viewer, &[]).await;
            let campaign = if path.contains("/votes") {
                &area.installation.election
            } else {
                &area.app.campaign
            };
            let path = path
                .replace("{campaign}", campaign)
                .replace("registrations/{id}", &format!("registrations/{photo}"))
                .replace("{id}", &target.id.to_string())
                .replace("{link}", "none")
                .replace("{file}", "Cali.csv");
            let status = send_request(&area, caller, &unique, method, &path).await;
            if status != *expected {
                wrong.push(format!(
                    "{method} {path} by {caller:?}: {status}, not {expected}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn every_route_has_a_row() {
    let routes: BTreeSet<_> = table()
        .into_iter()
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    let rows: BTreeSet<_> = ROWS
        .iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    assert_eq!(routes, rows);
    let area = Area::start(Stores::Embedded).await;
    let described = area.app.get("/api/v1/openapi.json").await;
    let described: serde_json::Value = described.json().await.unwrap();
    let mut secured = BTreeSet::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            // An empty requirement allows requests without a token.
            let required = operation["security"].as_array();
            let allows_none = |all: &Vec<serde_json::Value>| all.contains(&serde_json::json!({}));
            if required.is_some_and(|all| !allows_none(all)) {
                secured.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    let rows: BTreeSet<_> = API
        .iter()
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    assert_eq!(secured, rows);
}

#[tokio::test]
async fn forms_without_a_valid_csrf_token_are_rejected() {
    let area = Area::start(Stores::Embedded).await;
    let admin = area.add_account("admin", Role::Admin, &[]).await;
    let other = area.add_account("otra", Role::Admin, &[]).await;
    let target = area.add_account("blanco", Role::Viewer, &[]).await;
    let foreign = csrf::generate(&area.start_session(&other).await).unwrap();
    // Of an earlier session of the same person.
    let earlier = csrf::generate(&area.start_session(&admin).await).unwrap();
    let session = area.start_session(&admin).await;
    for route in table().iter().filter(|route| route.method == "POST") {
        let path = route.path.replace("{id}", &target.id.to_string());
        let path = path.replace("{link}", "none");
        for key in [
            "",
            "_form=",
            "_form=A",
            &format!("_form={foreign}"),
            &format!("_form={earlier}"),
        ] {
            let request = client().post(format!("{}{path}", area.app.base));
            let request = request
                .header(COOKIE, format!("jornada-session={}", session.expose()))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(key.to_owned());
            let status = request.send().await.unwrap().status();
            assert_eq!(status, 403, "{path} with '{key}'");
        }
    }
    let still = area.store.account(target.id).await.unwrap().unwrap();
    assert!(still == target, "nothing was changed");
}

fn name(caller: Caller) -> &'static str {
    match caller {
        Caller::Nobody => "nobody",
        Caller::Role(role) => role.into(),
        Caller::Token(scope) => scope.into(),
    }
}

fn client() -> Client {
    Client::builder().redirect(Policy::none()).build().unwrap()
}

async fn send_request(area: &Area, caller: Caller, unique: &str, method: &str, path: &str) -> u16 {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let is_form = method == Method::POST;
    let request = client().request(method, format!("{}{path}", area.app.base));
    let (request, form) = match caller {
        Caller::Nobody => {
            let token = Token::generate().unwrap();
            (cookie(request, "jornada-form", &token), Some(token))
        }
        Caller::Role(role) => {
            let account: Account = area
                .add_account(&format!("quien-{unique}"), role, &[])
                .await;
            let token = area.start_session(&account).await;
            (cookie(request, "jornada-session", &token), Some(token))
        }
        Caller::Token(scope) => {
            let token = area.create_token(&[scope], |_| {}).await;
            let bearer = format!("Bearer {}", token.expose());
            (request.header(AUTHORIZATION, bearer), None)
        }
    };
    let mut request = request.header("accept", "text/html");
    if is_form {
        let key = form.map(|token| csrf::generate(&token).unwrap());
        request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .body(format!("mail={unique}&_form={}", key.unwrap_or_default()));
    }
    request.send().await.unwrap().status().as_u16()
}

fn cookie(request: RequestBuilder, name: &str, token: &Token) -> RequestBuilder {
    request.header(COOKIE, format!("{name}={}", token.expose()))
}
