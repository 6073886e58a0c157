//! The values that a template is tried with: its examples, with flags and choices every way.

use super::super::load::FrozenTemplate;
use super::super::{Finding, Place};
use crate::domain::settings::Instance;
use crate::domain::template::{Value, Values, Variable, VariableType, parse_value};

/// How many combinations of flags and choices are tried all; beyond that each is changed on its own.
const PRODUCT_LIMIT: usize = 64;

/// The examples as values, and what is wrong with examples and defaults.
pub(super) fn examples(template: &FrozenTemplate, instance: &Instance) -> (Values, Vec<Finding>) {
    let mut values = Values::default();
    let mut findings = Vec::new();
    for variable in &template.spec.variables {
        let name = &variable.name;
        let place = declared(template, name);
        if variable.required && variable.example.is_none() {
            findings.push(place.finding(format!("the required variable \"{name}\" has no example")));
        }
        for (what, typed) in [("default", &variable.default), ("example", &variable.example)] {
            let Some(typed) = typed else { continue };
            match parse_value(variable, typed, &instance.timezone) {
                Ok(value) => values.set(name, value),
                Err(reason) => findings.push(place.finding(format!("the {what} of \"{name}\": {reason}"))),
            }
        }
    }
    (values, findings)
}

/// Where `variable` is declared.
pub(super) fn declared(template: &FrozenTemplate, variable: &str) -> Place {
    let line = template.declared_on.get(variable).copied().unwrap_or(0);
    Place { file: template.path("template.toml"), line }
}

/// All that a template is tried with, the examples as they are first.
pub(super) fn cases(template: &FrozenTemplate, examples: &Values) -> Vec<Values> {
    let mut cases = vec![examples.clone()];
    let without = without_optional(template, examples);
    let switches: Vec<(&str, Vec<Value>)> =
        template.spec.variables.iter().filter_map(|v| Some((v.name.as_str(), ways(v)?))).collect();
    let product = switches.iter().try_fold(1_usize, |product, (_, ways)| product.checked_mul(ways.len()));
    for start in [examples, &without] {
        if product.is_some_and(|product| product <= PRODUCT_LIMIT) {
            let mut all = vec![start.clone()];
            for (name, ways) in &switches {
                all = all
                    .iter()
                    .flat_map(|values| ways.iter().map(move |way| with(values, name, way)))
                    .collect();
            }
            cases.extend(all);
        } else {
            for (name, ways) in &switches {
                cases.extend(ways.iter().map(|way| with(start, name, way)));
            }
            for flag in [true, false] {
                let flags = switches.iter().filter(|(_, ways)| ways.contains(&Value::Flag(flag)));
                cases.push(
                    flags.fold(start.clone(), |values, (name, _)| with(&values, name, &Value::Flag(flag))),
                );
            }
        }
    }
    cases
}

fn ways(variable: &Variable) -> Option<Vec<Value>> {
    match variable.kind {
        VariableType::Flag => Some(vec![Value::Flag(true), Value::Flag(false)]),
        VariableType::Choice => {
            Some(variable.choices.iter().map(|option| Value::Choice(option.value.clone())).collect())
        }
        _ => None,
    }
}

fn with(values: &Values, name: &str, value: &Value) -> Values {
    let mut values = values.clone();
    values.set(name, value.clone());
    values
}

fn without_optional(template: &FrozenTemplate, examples: &Values) -> Values {
    let mut values = examples.clone();
    for variable in &template.spec.variables {
        if !variable.required && variable.default.is_none() {
            values.remove(&variable.name);
        }
    }
    values
}
