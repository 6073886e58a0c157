//! One route: who may use it, whether a repetition is dangerous, and the handler with its description.

use std::sync::Arc;

use axum::middleware;
use utoipa::openapi::path::PathItem;
use utoipa_axum::router::{UtoipaMethodRouter, UtoipaMethodRouterExt};

use crate::domain::actor::{Actor, Denied, Right};
use crate::http::Shared;

use super::guard::{self, Guard};

/// What a caller must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    /// Nothing: it is public.
    Nothing,
    /// A valid token, whatever its rights.
    SignedIn,
    /// A right.
    Right(Right),
    /// One of these; which of them is enough for what is asked, the use case says.
    Either(Right, Right),
    /// Both of these.
    Both(Right, Right),
}

impl Needs {
    /// Lets `actor` through, or not.
    ///
    /// # Errors
    /// [`Denied`] names the right that is missing; of two the first, which is always enough.
    pub(super) fn admit(self, actor: &Actor) -> Result<(), Denied> {
        match self {
            Self::Nothing | Self::SignedIn => Ok(()),
            Self::Right(right) => actor.may(right),
            Self::Either(right, other) => {
                actor.may(right).or_else(|denied| actor.may(other).map_err(|_| denied))
            }
            Self::Both(right, other) => actor.may(right).and_then(|()| actor.may(other)),
        }
    }
}

/// What happens when a request comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repetition {
    /// Nothing that a caller must guard against: it only reads, or comes to the same.
    Harmless,
    /// It would be carried out twice: the caller may send an `Idempotency-Key`, and is given the first answer again.
    Answered,
    /// The same; but the answer has a secret in it, which is neither kept nor shown again.
    Secret,
}

/// A row of the table in [`super::routes`].
pub(crate) struct Route {
    pub(super) needs: Needs,
    pub(super) repetition: Repetition,
    pub(super) largest_body: usize,
    pub(super) documented: UtoipaMethodRouter<Arc<Shared>>,
}

/// A row: `route!(Needs::Right(Right::NoticesRead), notices::list)`. The handler carries `#[utoipa::path(…)]`, which
/// gives the method and the path.
macro_rules! route {
    ($needs:expr, $($handler:tt)+) => {
        $crate::http::api::route::Route::new($needs, utoipa_axum::routes!($($handler)+))
    };
}
pub(super) use route;

impl Route {
    /// A `POST` is dangerous to repeat unless it is said otherwise.
    pub(super) fn new(needs: Needs, documented: UtoipaMethodRouter<Arc<Shared>>) -> Self {
        let mut route =
            Self { needs, repetition: Repetition::Harmless, largest_body: super::body::LARGEST, documented };
        if route.method() == "POST" {
            route.repetition = Repetition::Answered;
        }
        route
    }

    /// A `POST` that changes nothing, or comes to the same each time.
    pub(super) fn harmless(mut self) -> Self {
        self.repetition = Repetition::Harmless;
        self
    }

    /// A `POST` whose answer has a secret in it.
    pub(super) fn with_secret_answer(mut self) -> Self {
        self.repetition = Repetition::Secret;
        self
    }

    /// Bodies may have so many bytes, for instance of an import.
    pub(super) fn body_up_to(mut self, bytes: usize) -> Self {
        self.largest_body = bytes;
        self
    }

    /// `GET`, `POST`, …
    pub(super) fn method(&self) -> &'static str {
        self.documented.1.paths.values().next().map_or("", method)
    }

    /// The path below `/api/v1`, with names in braces: `/notices/{number}`.
    pub(super) fn path(&self) -> &str {
        self.documented.1.paths.keys().next().map_or("", String::as_str)
    }

    /// Whether its description has a body: where it has none, none is taken.
    fn reads_body(&self) -> bool {
        let item = self.documented.1.paths.values().next();
        let operations = item.into_iter().flat_map(|item| [&item.put, &item.post, &item.delete, &item.patch]);
        operations.flatten().any(|operation| operation.request_body.is_some())
    }

    /// The same with its guard before the handler: nothing of the handler runs before the caller is known and allowed.
    pub(super) fn guarded(self, shared: &Arc<Shared>) -> UtoipaMethodRouter<Arc<Shared>> {
        let guard = Guard {
            shared: shared.clone(),
            needs: self.needs,
            repetition: self.repetition,
            largest_body: self.largest_body,
            reads_body: self.reads_body(),
        };
        let limit = axum::extract::DefaultBodyLimit::max(self.largest_body);
        self.documented.map(|methods| {
            methods.route_layer(limit).route_layer(middleware::from_fn_with_state(guard, guard::stand))
        })
    }
}

/// The one method that an item of a single handler has.
fn method(item: &PathItem) -> &'static str {
    let known = [
        ("GET", &item.get),
        ("PUT", &item.put),
        ("POST", &item.post),
        ("DELETE", &item.delete),
        ("PATCH", &item.patch),
    ];
    known.into_iter().find_map(|(name, operation)| operation.as_ref().map(|_| name)).unwrap_or_default()
}
