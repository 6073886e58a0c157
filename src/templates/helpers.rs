//! What Handlebars is taught beyond its own helpers.

use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, JsonRender as _, Output, RenderContext,
    RenderError, ScopedJson,
};
use serde_json::Value as Json;
use std::fmt::Write as _;

use super::markdown::escape_html;

/// An empty registry that renders strictly and writes values through `escape`.
pub(super) fn registry(escape: fn(&str) -> String) -> Handlebars<'static> {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(escape);
    registry.register_helper("lines", Box::new(Lines));
    registry.register_helper("link_start", Box::new(Link { start: true }));
    registry.register_helper("link_part", Box::new(Link { start: false }));
    registry
}

/// `(lines text)`: the lines of a text that are not blank.
struct Lines;

impl HelperDef for Lines {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, RenderError> {
        let text = helper.param(0).and_then(|value| value.value().as_str()).unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(ScopedJson::Derived(Json::Array(lines.map(Json::from).collect())))
    }
}

/// A value in a link's target. At its start only a web address may stand, so that no value brings in another
/// scheme; what has a meaning in HTML or ends an address is written in percent notation (RFC 3986).
struct Link {
    start: bool,
}

impl HelperDef for Link {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let value = helper.param(0).map(|value| value.value().render()).unwrap_or_default();
        if self.start && !value.starts_with("https://") && !value.starts_with("http://") {
            out.write("#")?;
        }
        let mut encoded = String::with_capacity(value.len());
        for c in value.chars() {
            match c {
                ' ' | '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}' | '\'' => {
                    let _ = write!(encoded, "%{:02X}", c as u32);
                }
                c if c.is_control() => {
                    let _ = write!(encoded, "%{:02X}", c as u32);
                }
                c => encoded.push(c),
            }
        }
        out.write(&escape_html(&encoded))?;
        Ok(())
    }
}
