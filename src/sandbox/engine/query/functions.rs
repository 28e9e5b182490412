//! Functions that Snowflake has and DataFusion has not: of the session, and a few that are other words for CASE.

use super::{QueryContext, SessionRoles, error};
use crate::sandbox::protocol::engine::Failure;
use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    CaseWhen, CastKind, DataType, ExactNumberInfo, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, Query, Value, VisitMut, VisitorMut,
};
use grantd_catalog::account::Micros;
use serde_json::json;
use std::ops::ControlFlow;

/// The release that the sandbox is like.
const VERSION: &str = "10.32.0";

/// The cloud and region that the sandbox says it is in.
const REGION: &str = "AWS_US_EAST_1";

/// The edition that the sandbox is like.
const EDITION: &str = "ENTERPRISE";

/// Functions that may be written without parentheses.
pub(super) const BARE: &[&str] = &["CURRENT_DATE", "CURRENT_TIMESTAMP", "CURRENT_USER"];

/// Replaces what DataFusion would not know, anywhere in the query.
pub(super) fn replace(query: &mut Query, context: &QueryContext<'_>) -> Result<(), Failure> {
    match query.visit(&mut Replace { context }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(failure) => Err(failure),
    }
}

struct Replace<'a> {
    context: &'a QueryContext<'a>,
}

impl VisitorMut for Replace<'_> {
    type Break = Failure;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Failure> {
        let replaced = match expr {
            Expr::Identifier(name) if name.quote_style.is_none() && BARE.contains(&name.value.as_str()) => {
                self.call(&name.value, &[])
            }
            Expr::Function(function) => match (plain_name(&function.name), arguments(&function.args)) {
                (Some(name), Some(arguments)) => self.call(&name, &arguments),
                _ => Ok(None),
            },
            Expr::Cast { data_type, .. } => {
                *data_type = known_type(data_type);
                Ok(None)
            }
            _ => Ok(None),
        };
        match replaced {
            Ok(Some(other)) => *expr = other,
            Ok(None) => {}
            Err(failure) => return ControlFlow::Break(failure),
        }
        ControlFlow::Continue(())
    }
}

impl Replace<'_> {
    fn call(&self, name: &str, arguments: &[Expr]) -> Result<Option<Expr>, Failure> {
        let names = self.context.names;
        let constant = match name {
            "CURRENT_USER" => text(Some(self.context.user)),
            "CURRENT_ROLE" => text(names.role.as_deref()),
            "CURRENT_ACCOUNT" | "CURRENT_ACCOUNT_NAME" => text(Some(self.context.account.name())),
            "CURRENT_DATABASE" => text(names.database.as_deref()),
            "CURRENT_SCHEMA" => text(names.schema.as_deref()),
            "CURRENT_WAREHOUSE" => text(names.warehouse.as_deref()),
            "CURRENT_VERSION" => text(Some(VERSION)),
            // An argument is a number of digits; the sandbox's clock has six.
            "CURRENT_TIMESTAMP" | "SYSDATE" | "GETDATE" | "LOCALTIMESTAMP" if arguments.len() < 2 => {
                return Ok(Some(moment(self.context.now)));
            }
            "CURRENT_REGION" => text(Some(REGION)),
            "CURRENT_SCHEMAS" => text(Some(&json!(self.schemas()).to_string())),
            "CURRENT_AVAILABLE_ROLES" => text(Some(&json!(self.context.roles.available).to_string())),
            "CURRENT_SECONDARY_ROLES" => text(Some(&self.secondary_roles())),
            "CURRENT_DATE" => cast(moment(self.context.now), DataType::Date),
            "IS_ROLE_IN_SESSION" => return self.role_in_session(arguments).map(Some),
            "SYSTEM$BOOTSTRAP_DATA_REQUEST" => return self.bootstrap_data(arguments).map(Some),
            _ => return conditional(name, arguments),
        };
        if arguments.is_empty() { Ok(Some(constant)) } else { Err(wrong_count(name, 0, arguments.len())) }
    }

    /// The search path: the current schema and the database's PUBLIC.
    fn schemas(&self) -> Vec<String> {
        let names = self.context.names;
        let Some(database) = &names.database else { return Vec::new() };
        let mut path: Vec<String> = names.schema.iter().map(|schema| format!("{database}.{schema}")).collect();
        let public = format!("{database}.PUBLIC");
        if !path.contains(&public) {
            path.push(public);
        }
        path
    }

    fn secondary_roles(&self) -> String {
        let SessionRoles { available, secondary, .. } = self.context.roles;
        let primary = self.context.names.role.as_deref();
        let others = available.iter().map(String::as_str).filter(|role| *secondary && Some(*role) != primary);
        let value = if *secondary { "ALL" } else { "" };
        json!({"roles": others.collect::<Vec<_>>().join(","), "value": value}).to_string()
    }

    fn role_in_session(&self, arguments: &[Expr]) -> Result<Expr, Failure> {
        let role = literal("IS_ROLE_IN_SESSION", arguments)?;
        Ok(Expr::value(Value::Boolean(self.context.roles.active.iter().any(|active| active == role))))
    }

    /// What Snowflake's own pages ask first, and tools for the account's edition.
    fn bootstrap_data(&self, arguments: &[Expr]) -> Result<Expr, Failure> {
        let name = "SYSTEM$BOOTSTRAP_DATA_REQUEST";
        if literal(name, arguments)? != "ACCOUNT" {
            return Err(Failure::unsupported(&format!("{name} of anything but ACCOUNT")));
        }
        let account = self.context.account.name();
        let data = json!({"accountInfo": {"accountName": account, "serviceLevelName": EDITION, "regionId": REGION}});
        Ok(text(Some(&data.to_string())))
    }
}

/// A text that a function needs as it stands, not from a row.
fn literal<'e>(name: &str, arguments: &'e [Expr]) -> Result<&'e str, Failure> {
    let [argument] = arguments else { return Err(wrong_count(name, 1, arguments.len())) };
    let value = match argument {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Some(text.as_str()),
            _ => None,
        },
        _ => None,
    };
    value.ok_or_else(|| Failure::unsupported(&format!("{name} of anything but a text in the statement")))
}

/// IFF, NVL, ZEROIFNULL and their like.
fn conditional(name: &str, arguments: &[Expr]) -> Result<Option<Expr>, Failure> {
    let zero = || Expr::value(Value::Number("0".to_owned(), false));
    Ok(Some(match (name, arguments) {
        ("IFF", [condition, then, otherwise]) => case(condition.clone(), then.clone(), otherwise.clone()),
        ("NVL2", [value, then, otherwise]) => {
            case(Expr::IsNotNull(Box::new(value.clone())), then.clone(), otherwise.clone())
        }
        ("NVL" | "IFNULL", [value, otherwise]) => function("COALESCE", [value.clone(), otherwise.clone()]),
        ("ZEROIFNULL", [value]) => function("COALESCE", [value.clone(), zero()]),
        ("NULLIFZERO", [value]) => function("NULLIF", [value.clone(), zero()]),
        ("IFF" | "NVL2", _) => return Err(wrong_count(name, 3, arguments.len())),
        ("NVL" | "IFNULL", _) => return Err(wrong_count(name, 2, arguments.len())),
        ("ZEROIFNULL" | "NULLIFZERO", _) => return Err(wrong_count(name, 1, arguments.len())),
        _ => return Ok(None),
    }))
}

fn wrong_count(name: &str, wanted: usize, found: usize) -> Failure {
    let few = if found < wanted { "not enough" } else { "too many" };
    let message = format!("{few} arguments for function [{name}], expected {wanted}, got {found}");
    error::compilation(if found < wanted { "000938" } else { "000939" }, "22023", &message)
}

/// The name of a function without quotes or path.
fn plain_name(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [one] => one.as_ident().filter(|i| i.quote_style.is_none()).map(|i| i.value.clone()),
        _ => None,
    }
}

/// The arguments, when they are plain expressions.
fn arguments(arguments: &FunctionArguments) -> Option<Vec<Expr>> {
    match arguments {
        FunctionArguments::None => Some(Vec::new()),
        FunctionArguments::Subquery(_) => None,
        FunctionArguments::List(list) => list
            .args
            .iter()
            .map(|argument| match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => Some(expr.clone()),
                _ => None,
            })
            .collect(),
    }
}

fn text(value: Option<&str>) -> Expr {
    match value {
        Some(value) => Expr::value(Value::SingleQuotedString(value.to_owned())),
        None => cast(Expr::value(Value::Null), DataType::Varchar(None)),
    }
}

fn moment(at: Micros) -> Expr {
    let count = cast(text(Some(&at.to_string())), DataType::BigInt(None));
    function("arrow_cast", [count, text(Some("Timestamp(Microsecond, Some(\"UTC\"))"))])
}

fn cast(expr: Expr, data_type: DataType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expr), data_type, array: false, format: None }
}

fn case(condition: Expr, then: Expr, otherwise: Expr) -> Expr {
    Expr::Case {
        case_token: AttachedToken::empty(),
        end_token: AttachedToken::empty(),
        operand: None,
        conditions: vec![CaseWhen { condition, result: then }],
        else_result: Some(Box::new(otherwise)),
    }
}

fn function<const N: usize>(name: &str, arguments: [Expr; N]) -> Expr {
    let args = arguments.into_iter().map(|a| FunctionArg::Unnamed(FunctionArgExpr::Expr(a))).collect();
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList { duplicate_treatment: None, args, clauses: Vec::new() }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// Snowflake's own names of types as the standard's.
fn known_type(data_type: &DataType) -> DataType {
    let DataType::Custom(name, modifiers) = data_type else { return data_type.clone() };
    let number = |at: usize| modifiers.get(at).and_then(|m| m.parse::<u64>().ok());
    match (plain_name(name).as_deref(), number(0), number(1)) {
        (Some("NUMBER"), None, _) => DataType::Decimal(ExactNumberInfo::PrecisionAndScale(38, 0)),
        (Some("NUMBER"), Some(precision), scale) => {
            let scale = scale.and_then(|s| i64::try_from(s).ok()).unwrap_or(0);
            DataType::Decimal(ExactNumberInfo::PrecisionAndScale(precision, scale))
        }
        (Some("STRING"), ..) => DataType::Varchar(None),
        _ => data_type.clone(),
    }
}
