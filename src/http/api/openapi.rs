//! The description of the API (OpenAPI 3.1), made of the table and the handlers' own words. What follows from the
//! table, and the answers that all routes of a kind can give, are added here, so that no handler repeats them.

use serde_json::{Value, json};
use utoipa::PartialSchema;
use utoipa::ToSchema;
use utoipa::openapi::path::{Paths, PathsBuilder};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Components, Info, OpenApi, RefOr};

use super::problem::{FieldError, Kind, MEDIA_TYPE, ProblemBody};
use super::route::{Needs, Repetition, Route};
use super::{PREFIX, idempotency};

const ABOUT: &str = "\
Everything that Rundruf does, for other programs. Names are those of the command line's JSON.

- **Who calls**: a token in `Authorization: Bearer TOKEN`; each operation says which right it needs. A token that is \
limited to groups reaches and sees those only.
- **Problems** come as `application/problem+json` (RFC 9457): `type` names the kind for programs, `detail` says what \
to do, `errors` names the fields, `request` is the id under which our log has it.
- **Pages**: lists have `items` and `next`; follow `next` until it is null.
- **Sent again**: every POST that changes something takes an `Idempotency-Key`; for 24 hours the same request under \
the same key is answered again and not carried out again.
- **Two editors**: what can be edited carries an `ETag`; send it back as `If-Match`.
- **Times** are RFC 3339 in UTC.";

/// The whole description as JSON.
pub(super) fn describe(routes: &[Route]) -> Value {
    let mut paths: Paths = PathsBuilder::new().build();
    let mut components = Components::new();
    add_schemas::<ProblemBody>(&mut components);
    add_schemas::<FieldError>(&mut components);
    for route in routes {
        for (path, item) in &route.documented.1.paths {
            let path = format!("{PREFIX}{path}");
            match paths.paths.get_mut(&path) {
                Some(known) => known.merge_operations(item.clone()),
                None => {
                    paths.paths.insert(path, item.clone());
                }
            }
        }
        components.schemas.extend(route.documented.0.iter().cloned());
    }
    let mut info = Info::new("Rundruf", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    let mut api = OpenApi::new(info, paths);
    api.components = Some(components);
    let mut described = serde_json::to_value(&api).unwrap_or_default();
    described["components"]["securitySchemes"] = json!({"token": {"type": "http", "scheme": "bearer"}});
    for route in routes {
        let path = format!("{PREFIX}{}", route.path());
        let operation = &mut described["paths"][path][route.method().to_lowercase()];
        complete(operation, route);
    }
    described
}

fn add_schemas<T: ToSchema + PartialSchema>(components: &mut Components) {
    let mut schemas: Vec<(String, RefOr<Schema>)> = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    components.schemas.extend(schemas);
}

/// Adds what follows from the route's row and kind.
fn complete(operation: &mut Value, route: &Route) {
    let mut kinds = vec![Kind::Failed, Kind::Unavailable];
    match route.needs {
        Needs::Nothing => operation["security"] = json!([]),
        Needs::SignedIn => operation["security"] = json!([{"token": []}]),
        Needs::Right(right) => {
            operation["security"] = json!([{"token": []}]);
            operation["x-right"] = json!(right.as_str());
            let description = operation["description"].as_str().unwrap_or_default();
            operation["description"] = json!(format!("{description}\n\nNeeds the right `{right}`.").trim());
            kinds.push(Kind::Forbidden);
        }
        Needs::Either(right, other) | Needs::Both(right, other) => {
            let word = if matches!(route.needs, Needs::Both(..)) { "and" } else { "or" };
            operation["security"] = json!([{"token": []}]);
            operation["x-right"] = json!([right.as_str(), other.as_str()]);
            let description = operation["description"].as_str().unwrap_or_default();
            operation["description"] =
                json!(format!("{description}\n\nNeeds the right `{right}` {word} `{other}`.").trim());
            kinds.push(Kind::Forbidden);
        }
    }
    if route.needs != Needs::Nothing {
        kinds.push(Kind::Unauthenticated);
    }
    if route.repetition != Repetition::Harmless {
        if operation["parameters"].is_null() {
            operation["parameters"] = json!([]);
        }
        if let Some(parameters) = operation["parameters"].as_array_mut() {
            parameters.push(key_parameter());
        }
        kinds.extend([Kind::Conflict, Kind::Invalid, Kind::Malformed, Kind::TooSlow, Kind::TooLarge]);
    }
    kinds.extend(of_parameters(&operation["parameters"]));
    // Where no body is described, one with something in it is refused.
    if !operation["requestBody"].is_null() || route.method() != "GET" {
        kinds.extend([Kind::Malformed, Kind::TooSlow, Kind::TooLarge, Kind::UnsupportedType, Kind::Invalid]);
    }
    add_answers(operation, &kinds);
}

fn of_parameters(parameters: &Value) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for parameter in parameters.as_array().into_iter().flatten() {
        match (parameter["in"].as_str(), parameter["name"].as_str()) {
            (Some("path"), _) => kinds.push(Kind::NotFound),
            (Some("query"), _) => kinds.extend([Kind::Invalid, Kind::Malformed]),
            (Some("header"), Some("If-Match")) => kinds.extend([Kind::VersionRequired, Kind::Changed]),
            _ => {}
        }
    }
    kinds
}

fn key_parameter() -> Value {
    json!({
        "name": idempotency::KEY,
        "in": "header",
        "required": false,
        "description": "Under the same key the same request is carried out once; kept for 24 hours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
    })
}

/// Adds the answers of `kinds`, and the body to those that a handler itself has named.
fn add_answers(operation: &mut Value, kinds: &[Kind]) {
    let Some(responses) = operation["responses"].as_object_mut() else { return };
    for kind in kinds {
        let status = kind.status().as_u16().to_string();
        responses.entry(status).or_insert_with(|| json!({"description": kind.title()}));
    }
    for (status, response) in responses.iter_mut() {
        if status.starts_with(['4', '5']) {
            response["content"] = json!({MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}});
        }
        response["headers"]["X-Request-Id"] =
            json!({"schema": {"type": "string"}, "description": "How our logs name the request."});
    }
}
