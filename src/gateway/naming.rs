//! The name of a result column, as PostgreSQL derives it from the expression (`FigureColname` in its parser).

use datafusion::sql::sqlparser::ast::{
    AccessExpr, DataType, ExactNumberInfo, Expr, Ident, SelectItem, SetExpr, TimezoneInfo, TrimWhereField,
};

/// Separates a repeated name from its number; cannot be typed in a name by accident.
const MARK: char = '\u{1}';
const UNNAMED: &str = "?column?";

/// How good a name is: a type's name yields to a better one inside of a cast.
#[derive(PartialEq, PartialOrd)]
enum Strength {
    None,
    Weak,
    Strong,
}

/// A name made unique for the planner.
pub(crate) fn marked(name: &str, number: usize) -> String {
    format!("{name}{MARK}{number}")
}

/// The name as the client sees it.
pub(crate) fn shown(name: &str) -> &str {
    name.split(MARK).next().unwrap_or(name)
}

/// An identifier that keeps its case.
pub(crate) fn quoted(name: String) -> Ident {
    Ident::with_quote('"', name)
}

/// The name of an expression without an alias.
pub(crate) fn of(expr: &Expr) -> String {
    match figure(expr) {
        (_, Strength::None) => UNNAMED.to_owned(),
        (name, _) => name,
    }
}

fn ident(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

fn strong(name: impl Into<String>) -> (String, Strength) {
    (name.into(), Strength::Strong)
}

fn figure(expr: &Expr) -> (String, Strength) {
    match expr {
        Expr::Identifier(name) => strong(ident(name)),
        Expr::CompoundIdentifier(parts) => strong(parts.last().map(ident).unwrap_or_default()),
        Expr::CompoundFieldAccess { root, access_chain } => {
            let field = access_chain.iter().rev().find_map(|access| match access {
                AccessExpr::Dot(Expr::Identifier(name)) => Some(ident(name)),
                _ => None,
            });
            field.map_or_else(|| figure(root), strong)
        }
        Expr::Nested(inner) | Expr::Collate { expr: inner, .. } => figure(inner),
        Expr::Function(function) => {
            let name = function.name.0.last().and_then(|part| part.as_ident()).map(ident);
            strong(name.unwrap_or_default())
        }
        Expr::Cast { expr, data_type, .. } => match figure(expr) {
            (name, Strength::Strong) => (name, Strength::Strong),
            _ => (type_name(data_type), Strength::Weak),
        },
        Expr::TypedString(typed) => (type_name(&typed.data_type), Strength::Weak),
        Expr::Interval(_) => ("interval".to_owned(), Strength::Weak),
        Expr::Case { else_result, .. } => match else_result.as_deref().map(figure) {
            Some((name, Strength::Strong)) => (name, Strength::Strong),
            _ => ("case".to_owned(), Strength::Weak),
        },
        Expr::Exists { negated: false, .. } => strong("exists"),
        Expr::Array(_) => strong("array"),
        Expr::Tuple(_) => strong("row"),
        Expr::Extract { .. } => strong("extract"),
        Expr::Ceil { .. } => strong("ceil"),
        Expr::Floor { .. } => strong("floor"),
        Expr::Position { .. } => strong("position"),
        Expr::Substring { .. } => strong("substring"),
        Expr::Overlay { .. } => strong("overlay"),
        Expr::Trim { trim_where, .. } => strong(match trim_where {
            Some(TrimWhereField::Leading) => "ltrim",
            Some(TrimWhereField::Trailing) => "rtrim",
            _ => "btrim",
        }),
        Expr::AtTimeZone { .. } => strong("timezone"),
        Expr::Subquery(query) => {
            let mut body = query.body.as_ref();
            loop {
                match body {
                    SetExpr::Select(select) => {
                        return match select.projection.first() {
                            Some(SelectItem::ExprWithAlias { alias, .. }) => strong(shown(&ident(alias))),
                            Some(SelectItem::UnnamedExpr(expr)) => figure(expr),
                            _ => (String::new(), Strength::None),
                        };
                    }
                    SetExpr::Query(inner) => body = inner.body.as_ref(),
                    SetExpr::SetOperation { left, .. } => body = left.as_ref(),
                    SetExpr::Values(_) => return strong("column1"),
                    _ => return (String::new(), Strength::None),
                }
            }
        }
        _ => (String::new(), Strength::None),
    }
}

/// PostgreSQL's internal name of a type, which a cast's column gets.
fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::SmallInt(_) | DataType::Int2(_) => "int2",
        DataType::Int(_) | DataType::Integer(_) | DataType::Int4(_) => "int4",
        DataType::BigInt(_) | DataType::Int8(_) => "int8",
        DataType::Float(ExactNumberInfo::Precision(digits)) if *digits < 25 => "float4",
        DataType::Real | DataType::Float4 => "float4",
        DataType::Float(_) | DataType::Double(_) | DataType::DoublePrecision | DataType::Float8 => "float8",
        DataType::Numeric(_) | DataType::Decimal(_) | DataType::Dec(_) => "numeric",
        DataType::Boolean | DataType::Bool => "bool",
        DataType::Text => "text",
        DataType::Varchar(_) | DataType::CharacterVarying(_) | DataType::CharVarying(_) => "varchar",
        DataType::Char(_) | DataType::Character(_) => "bpchar",
        DataType::Bytea => "bytea",
        DataType::Date => "date",
        DataType::Time(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => "timetz",
        DataType::Time(..) => "time",
        DataType::Timestamp(_, TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => "timestamptz",
        DataType::Timestamp(..) => "timestamp",
        DataType::Interval { .. } => "interval",
        DataType::Uuid => "uuid",
        DataType::JSON => "json",
        DataType::JSONB => "jsonb",
        DataType::Regclass => "regclass",
        DataType::Custom(name, _) => {
            return name.0.last().and_then(|part| part.as_ident()).map(ident).unwrap_or_default();
        }
        DataType::Array(inner) => match inner {
            datafusion::sql::sqlparser::ast::ArrayElemTypeDef::SquareBracket(inner, _)
            | datafusion::sql::sqlparser::ast::ArrayElemTypeDef::AngleBracket(inner)
            | datafusion::sql::sqlparser::ast::ArrayElemTypeDef::Parenthesis(inner) => return type_name(inner),
            datafusion::sql::sqlparser::ast::ArrayElemTypeDef::None => "array",
        },
        other => return other.to_string().to_lowercase(),
    }
    .to_owned()
}
