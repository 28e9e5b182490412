//! `docker/metabase/provision.py` against a server that answers as Metabase does and records what it was asked.

use super::definition::{dashboards, folder};
use crate::support::{outcome, utf8};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::{Arc, Mutex};

const SESSION: &str = "5e55";
const PASSWORD: &str = "a-pass-word-1";
const TOKEN: &str = "grantd_token";

#[derive(Default)]
struct Metabase {
    asked: Vec<(String, String, Value)>,
    healthy_after: usize,
    is_set_up: bool,
    databases: Vec<Value>,
    collections: Vec<Value>,
    items: Vec<Value>,
}

type Shared = Arc<Mutex<Metabase>>;

async fn answer(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
    let mut metabase = shared.lock().unwrap();
    let path = uri.path().to_owned();
    metabase.asked.push((method.to_string(), path.clone(), body.clone()));
    let (status, answer) = metabase.answer(method.as_str(), &path, uri.query(), &headers, body);
    (status, answer.to_string())
}

impl Metabase {
    fn answer(
        &mut self,
        method: &str,
        path: &str,
        query: Option<&str>,
        headers: &HeaderMap,
        body: Value,
    ) -> (StatusCode, Value) {
        let ok = |value: Value| (StatusCode::OK, value);
        let open = ["/api/health", "/api/session/properties", "/api/setup", "/api/session"];
        if !open.contains(&path) && headers.get("x-metabase-session").is_none_or(|session| session != SESSION) {
            return (StatusCode::UNAUTHORIZED, json!("Unauthenticated"));
        }
        let number = |rest: &str| rest.parse::<usize>().ok();
        match (method, path) {
            ("GET", "/api/health") if self.healthy_after > 0 => {
                self.healthy_after -= 1;
                (StatusCode::SERVICE_UNAVAILABLE, json!({"status": "initializing", "progress": 0.3}))
            }
            ("GET", "/api/health") => ok(json!({"status": "ok"})),
            ("GET", "/api/session/properties") => ok(
                json!({"has-user-setup": self.is_set_up, "setup-token": if self.is_set_up { Value::Null } else { json!("st") }}),
            ),
            ("POST", "/api/setup") if !self.is_set_up && body["token"] == "st" => {
                self.is_set_up = true;
                ok(json!({"id": SESSION}))
            }
            ("POST", "/api/session") if body["password"] == PASSWORD => ok(json!({"id": SESSION})),
            ("GET", "/api/database") => ok(json!({"data": self.databases, "total": self.databases.len()})),
            ("POST", "/api/database") => ok(add(&mut self.databases, body)),
            ("GET", "/api/collection") => {
                let root = json!({"id": "root", "name": "Our analytics"});
                ok(std::iter::once(&root).chain(&self.collections).cloned().collect())
            }
            ("POST", "/api/collection") => ok(add(&mut self.collections, body)),
            ("POST", "/api/card" | "/api/dashboard") => {
                let mut item = body;
                item["model"] = path.trim_start_matches("/api/").into();
                ok(add(&mut self.items, item))
            }
            ("GET", "/api/collection/1/items") => {
                let model = query.unwrap().split('&').find_map(|q| q.strip_prefix("models=")).unwrap();
                let items: Vec<&Value> = self.items.iter().filter(|item| item["model"] == model).collect();
                ok(json!({"data": items, "total": items.len()}))
            }
            ("PUT", path) => {
                let change = |list: &mut Vec<Value>, id: Option<usize>| {
                    let item = list.get_mut(id.unwrap() - 1).unwrap();
                    item.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
                    item.clone()
                };
                match path.rsplit_once('/') {
                    Some(("/api/database", id)) => ok(change(&mut self.databases, number(id))),
                    Some(("/api/card" | "/api/dashboard", id)) => ok(change(&mut self.items, number(id))),
                    _ => (StatusCode::NOT_FOUND, json!("API endpoint does not exist.")),
                }
            }
            _ => (StatusCode::BAD_REQUEST, json!({"errors": {"what": format!("{method} {path}")}})),
        }
    }
}

fn add(list: &mut Vec<Value>, mut value: Value) -> Value {
    value["id"] = (list.len() + 1).into();
    list.push(value.clone());
    value
}

/// The provisioner, run once against a server.
async fn provision(url: &str, folder_of_secrets: &std::path::Path) -> (Option<i32>, String, String) {
    let mut command = Command::new("python3");
    command
        .arg(folder().join("metabase/provision.py"))
        .env("METABASE_URL", url)
        .env("METABASE_PASSWORD_FILE", folder_of_secrets.join("password"))
        .env("GRANTD_TOKEN_FILE", folder_of_secrets.join("token"))
        .env("DASHBOARDS", utf8(&folder().join("metabase/dashboards.json")))
        .env("METABASE_WAIT_SECONDS", "20");
    tokio::task::spawn_blocking(move || outcome(&command.output().unwrap())).await.unwrap()
}

#[tokio::test]
async fn metabase_is_provisioned_once_and_brought_up_to_date_afterwards() {
    let secrets = tempfile::tempdir().unwrap();
    std::fs::write(secrets.path().join("password"), PASSWORD).unwrap();
    std::fs::write(secrets.path().join("token"), format!("{TOKEN}\n")).unwrap();
    let shared = Shared::default();
    shared.lock().unwrap().healthy_after = 2;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
    tokio::spawn(async move { axum::serve(listener, router).await });

    let (code, said, errors) = provision(&url, secrets.path()).await;
    assert_eq!(code, Some(0), "{said}{errors}");
    assert!(![&said, &errors].iter().any(|text| text.contains(PASSWORD) || text.contains(TOKEN)), "{said}{errors}");
    let panels: usize = dashboards().iter().map(|dashboard| dashboard.panels.len()).sum();
    {
        let metabase = shared.lock().unwrap();
        let posts = |path: &str| metabase.asked.iter().filter(|a| a.0 == "POST" && a.1 == path).count();
        assert_eq!((posts("/api/setup"), posts("/api/database"), posts("/api/collection")), (1, 1, 1));
        assert_eq!((posts("/api/card"), posts("/api/dashboard")), (panels, 4));
        let setup = &metabase.asked.iter().find(|a| a.1 == "/api/setup").unwrap().2;
        assert_eq!((&setup["user"]["password"], &setup["prefs"]["allow_tracking"]), (&json!(PASSWORD), &json!(false)));
        let details = &metabase.databases[0]["details"];
        assert_eq!(
            (&details["user"], &details["password"], &details["dbname"]),
            (&json!("metabase"), &json!(TOKEN), &json!("grantd"))
        );
        let (mut cards, mut mapped) = (0, 0);
        for item in &metabase.items {
            if item["model"] == "card" {
                let native = &item["dataset_query"]["native"];
                assert_eq!(
                    (&item["dataset_query"]["database"], &item["collection_id"]),
                    (&json!(1), &json!(1)),
                    "{item}"
                );
                let query = native["query"].as_str().unwrap();
                let tags = native["template-tags"].as_object().unwrap();
                assert_eq!(super::metabase::variables(query), tags.keys().map(String::as_str).collect(), "{query}");
                continue;
            }
            // Every card is on the dashboard once, and each of its filters hangs on a parameter that there is.
            let parameters: Vec<&Value> = item["parameters"].as_array().unwrap().iter().map(|p| &p["id"]).collect();
            for card in item["dashcards"].as_array().unwrap() {
                cards += 1;
                let id = card["card_id"].as_u64().unwrap();
                let tags =
                    &metabase.items[usize::try_from(id).unwrap() - 1]["dataset_query"]["native"]["template-tags"];
                let mappings = card["parameter_mappings"].as_array().unwrap();
                assert_eq!(mappings.len(), tags.as_object().unwrap().len(), "{card}");
                for mapping in mappings {
                    mapped += 1;
                    assert!(parameters.contains(&&mapping["parameter_id"]) && mapping["card_id"] == id, "{mapping}");
                    assert!(tags.get(mapping["target"][1][1].as_str().unwrap()).is_some(), "{mapping}");
                }
            }
        }
        assert_eq!(cards, panels);
        assert!(mapped > panels, "{mapped} filters");
    }

    // Again: it logs in, finds everything and makes nothing twice.
    shared.lock().unwrap().asked.clear();
    let (code, said, errors) = provision(&url, secrets.path()).await;
    assert_eq!(code, Some(0), "{said}{errors}");
    {
        let metabase = shared.lock().unwrap();
        let posted: Vec<&str> = metabase.asked.iter().filter(|a| a.0 == "POST").map(|a| a.1.as_str()).collect();
        assert_eq!(posted, ["/api/session"]);
        assert_eq!(metabase.asked.iter().filter(|a| a.0 == "PUT").count(), 1 + panels + 4);
        assert_eq!(metabase.items.len(), panels + 4);
    }

    // What Metabase refuses is told, and ends it.
    std::fs::write(secrets.path().join("password"), "another").unwrap();
    let (code, _, errors) = provision(&url, secrets.path()).await;
    assert_eq!(code, Some(1), "{errors}");
    assert!(errors.contains("POST /api/session: 400") && !errors.contains("Traceback"), "{errors}");
}
