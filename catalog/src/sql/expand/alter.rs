//! ALTER, and the settings of CREATE and ALTER that are properties.

use super::{Expanded, not_a_change, object_or_public};
use crate::model::{Change, ObjectType, Principal, Property, ValueKind};
use crate::sql::ast::{AlterAction, Named, Setting, Value};
use crate::sql::error::{ExpandError, Position, Problem};
use crate::sql::resolve::{Scope, error};

/// Whether things of this type have the property.
pub(in crate::sql) fn has_property(object_type: &ObjectType, property: Property) -> bool {
    match property {
        Property::Comment => true,
        Property::ManagedAccess => *object_type == ObjectType::SCHEMA,
        Property::Kind => *object_type == ObjectType::DATABASE,
        Property::Size => *object_type == ObjectType::WAREHOUSE,
        _ => *object_type == ObjectType::USER,
    }
}

/// The property that a setting means, if the model has it.
pub(super) fn property(setting: &Setting, object_type: &ObjectType) -> Result<Option<(Property, String)>, ExpandError> {
    let found = Property::parse(&setting.name).filter(|p| {
        has_property(object_type, *p) && p.is_state() && !matches!(p, Property::ManagedAccess | Property::Kind)
    });
    let Some(property) = found else { return Ok(None) };
    let wrong = || {
        let text = format!(
            "{} takes {}",
            setting.name,
            match property.value_kind() {
                ValueKind::Boolean => "TRUE or FALSE",
                ValueKind::List => "('ALL') or ()",
                ValueKind::Word => "a word",
                ValueKind::Text => "a text",
            }
        );
        error(setting.at, Problem::NotAllowed(text))
    };
    let text = setting.value.text().ok_or_else(wrong)?;
    let value = match property.value_kind() {
        ValueKind::Text if property == Property::Size => stored_size(&text),
        ValueKind::Text => text,
        ValueKind::Word => text.to_ascii_uppercase(),
        ValueKind::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" => "true".to_owned(),
            "false" => "false".to_owned(),
            _ => return Err(wrong()),
        },
        ValueKind::List => match (&setting.value, text.to_ascii_uppercase().as_str()) {
            (Value::List(items), _) if items.is_empty() => String::new(),
            (_, "ALL") => "ALL".to_owned(),
            _ => return Err(wrong()),
        },
    };
    Ok(Some((property, value)))
}

/// A warehouse's size as the platform shows it, for every spelling that SQL has.
fn stored_size(text: &str) -> String {
    let plain = text.to_ascii_uppercase().replace('-', "");
    let stored = match plain.as_str() {
        "XSMALL" => "X-Small",
        "SMALL" => "Small",
        "MEDIUM" => "Medium",
        "LARGE" => "Large",
        "XLARGE" => "X-Large",
        "XXLARGE" | "X2LARGE" | "2XLARGE" => "2X-Large",
        "XXXLARGE" | "X3LARGE" | "3XLARGE" => "3X-Large",
        "X4LARGE" | "4XLARGE" => "4X-Large",
        "X5LARGE" | "5XLARGE" => "5X-Large",
        "X6LARGE" | "6XLARGE" => "6X-Large",
        _ => text,
    };
    stored.to_owned()
}

pub(super) fn alter(scope: Scope<'_>, at: Position, named: &Named, if_exists: bool, action: &AlterAction) -> Expanded {
    let (object, mut changes) = match object_or_public(scope, named) {
        Ok(found) => found,
        Err(ExpandError { problem: Problem::Unknown { .. }, .. }) if if_exists => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let principal = Principal::from_object(&object);
    let object_type = object.object_type.clone();
    let change = |property, value| match &principal {
        Some(principal) => Change::AlterPrincipal { principal: principal.clone(), property, value },
        None => Change::AlterObject { object: object.clone(), property, value },
    };
    let before = changes.len();
    match action {
        AlterAction::Rename(_) => {
            return Err(not_a_change(
                at,
                "a rename is no change of its own here: what it is on the platform keeps its grants",
            ));
        }
        AlterAction::Swap(_) => return Err(not_a_change(at, "SWAP WITH is no change of its own here")),
        AlterAction::ManagedAccess(on) => {
            if object_type != ObjectType::SCHEMA {
                let text = format!("managed access is a property of schemas, not of a {}", object_type.sql());
                return Err(error(at, Problem::NotAllowed(text)));
            }
            changes.push(change(Property::ManagedAccess, Some(on.to_string())));
        }
        AlterAction::Set(settings) => {
            for setting in settings {
                if let Some((property, value)) = property(setting, &object_type)? {
                    changes.push(change(property, Some(value)));
                }
            }
        }
        AlterAction::Unset(unset) => {
            for (name, _) in unset {
                let known = |p: &Property| has_property(&object_type, *p) && p.is_state();
                changes.extend(Property::parse(name).filter(known).map(|p| change(p, None)));
            }
        }
        AlterAction::Other(_) => {}
    }
    if changes.len() == before {
        let text = format!("this ALTER {} changes nothing that access control depends on", object_type.sql());
        return Err(not_a_change(at, &text));
    }
    Ok(changes)
}
