//! PostgreSQL's spelling turned into what DataFusion plans, on the syntax tree.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use datafusion::sql::sqlparser::ast::{
    AccessExpr, ArrayElemTypeDef, BinaryOperator, CastKind, DataType, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArgumentList, FunctionArguments, GroupByExpr, Ident, ObjectName, ObjectNamePart, Query, Select,
    SelectFlavor, SelectItem, SetExpr, Statement, TableFactor, TableWithJoins, Value, ValueWithSpan, VisitMut,
    VisitorMut,
};

use super::array_queries::array_of_query;
use super::facts;
use super::functions::{array_output_function, output_function};
use super::sets::{
    SERIES, cast_to, first_match, plain_arguments, select_function, select_set, split_by_pattern, unnest_sets,
};
use super::system_columns;

/// Rewrites a statement in place:
///
/// - `pg_catalog.f(...)` and `OPERATOR(pg_catalog.~)` to `f(...)` and `~`; unqualified built-in relations to `pg_catalog.x`;
/// - casts to object identifiers to functions, to PostgreSQL's other type names to types the planner knows;
/// - `ARRAY(SELECT ...)` to an aggregate, `LIKE ... ESCAPE` to a pattern, system columns to their values, `COLLATE` of the one
///   collation there is to nothing, functions in FROM to what they select.
pub fn statement(statement: &mut Statement) {
    let mut names = CteNames::default();
    let _ = VisitMut::visit(statement, &mut names);
    let _ = VisitMut::visit(statement, &mut Rewriter { ctes: names.names });
}

/// The names of common table expressions, which hide relations.
#[derive(Default)]
pub(super) struct CteNames {
    pub names: HashSet<String>,
}

impl VisitorMut for CteNames {
    type Break = ();

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.names.insert(folded(&cte.alias.name));
        }
        ControlFlow::Continue(())
    }
}

struct Rewriter {
    /// Names of common table expressions, which hide built-in relations.
    ctes: HashSet<String>,
}

/// An identifier's name as SQL folds it.
pub(crate) fn folded(ident: &Ident) -> String {
    if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() }
}

/// The parts of a plain qualified name, folded.
pub(super) fn parts(name: &ObjectName) -> Vec<String> {
    name.0.iter().filter_map(|part| part.as_ident().map(folded)).collect()
}

fn plain_name(name: &str) -> ObjectName {
    ObjectName(vec![ObjectNamePart::Identifier(Ident::new(name))])
}

/// Drops the schema of a built-in function's name.
fn strip_schema(name: &mut ObjectName) {
    let known = parts(name);
    if let [schema, function] = known.as_slice()
        && matches!(schema.as_str(), "pg_catalog" | "information_schema" | "public")
    {
        *name = ObjectName(vec![ObjectNamePart::Identifier(Ident::with_quote('"', function))]);
    }
}

/// A call of a function.
pub(crate) fn call(name: &str, arguments: Vec<Expr>) -> Expr {
    Expr::Function(Function {
        name: plain_name(name),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: arguments.into_iter().map(|expr| FunctionArg::Unnamed(FunctionArgExpr::Expr(expr))).collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A placeholder to leave behind while an expression is moved.
pub(super) fn nothing() -> Expr {
    Expr::Value(ValueWithSpan::from(Value::Null))
}

/// An expression, with NULL left in its place.
pub(crate) fn take(expr: &mut Expr) -> Expr {
    std::mem::replace(expr, nothing())
}

impl VisitorMut for Rewriter {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table { name, args: None, .. } => {
                if let [single] = parts(name).as_slice()
                    && name.0.len() == 1
                    && !self.ctes.contains(single)
                    && facts::relation("pg_catalog", single).is_some()
                {
                    *name = ObjectName(vec![
                        ObjectNamePart::Identifier(Ident::new("pg_catalog")),
                        ObjectNamePart::Identifier(Ident::new(single)),
                    ]);
                }
            }
            TableFactor::UNNEST { alias, array_exprs, with_ordinality, .. } if array_exprs.len() == 1 => {
                let (arrays, alias) = (std::mem::take(array_exprs), alias.take());
                if let Some(array) = arrays.into_iter().next() {
                    *factor = select_set("unnest", array, alias, *with_ordinality);
                }
            }
            TableFactor::Table { name, args: Some(_), alias, .. } => {
                strip_schema(name);
                // Functions in FROM are looked up by the text of their name.
                if let [ObjectNamePart::Identifier(name)] = name.0.as_mut_slice() {
                    *name = Ident::new(folded(name));
                }
                if alias.as_ref().is_none_or(|alias| alias.name.value != SERIES) {
                    select_function(factor);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<()> {
        super::literals::values(&mut query.body);
        system_columns::in_order(query);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        unnest_sets(select);
        // Nothing stands before the first item of FROM.
        if let Some(TableFactor::Derived { lateral, .. }) = select.from.first_mut().map(|from| &mut from.relation) {
            *lateral = false;
        }
        system_columns::in_select(select);
        name_duplicates(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Subquery(query) = expr
            && let Some(value) = first_match(query)
        {
            *expr = value;
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Collate { expr: inner, collation } => {
                let last = parts(collation).pop().unwrap_or_default();
                if matches!(last.as_str(), "default" | "C" | "c" | "POSIX" | "posix" | "ucs_basic") {
                    *expr = take(inner);
                }
            }
            Expr::BinaryOp { op, .. } => {
                if let BinaryOperator::PGCustomBinaryOperator(names) = op
                    && let Some(plain) = names.last().and_then(|name| operator(name))
                {
                    *op = plain;
                }
            }
            Expr::Function(function) => {
                strip_schema(&mut function.name);
                if parts(&function.name) == ["regexp_split_to_array"]
                    && let FunctionArguments::List(list) = &function.args
                    && let Some(array) = plain_arguments(&list.args).and_then(split_by_pattern)
                {
                    *expr = array;
                    return ControlFlow::Continue(());
                }
                if let Some(either) = super::literals::coalesce(function) {
                    *expr = either;
                    return ControlFlow::Continue(());
                }
                // The planner counts it in 64 bits.
                if function.over.is_some() && parts(&function.name) == ["ntile"] {
                    *expr = cast_to(take(expr), DataType::Integer(None));
                    return ControlFlow::Continue(());
                }
                if matches!(function.args, FunctionArguments::Subquery(_)) && parts(&function.name) == ["array"] {
                    array_of_query(expr);
                }
            }
            // `(row).column`.
            Expr::CompoundFieldAccess { root, access_chain } => {
                if let [AccessExpr::Dot(Expr::Identifier(field))] = access_chain.as_slice() {
                    let field = Expr::Value(ValueWithSpan::from(Value::SingleQuotedString(folded(field))));
                    let row = take(root);
                    // Its row is a text here, which a fourth argument takes a field of.
                    let row = match row {
                        Expr::Nested(inner) if is_identified(&inner) => *inner,
                        other => other,
                    };
                    *expr = match row {
                        Expr::Function(mut function) if parts(&function.name) == ["pg_identify_object"] => {
                            if let FunctionArguments::List(list) = &mut function.args {
                                list.args.push(FunctionArg::Unnamed(FunctionArgExpr::Expr(field)));
                            }
                            Expr::Function(function)
                        }
                        row => call("get_field", vec![row, field]),
                    };
                }
            }
            Expr::AnyOp { right, .. } | Expr::AllOp { right, .. } => {
                if let Some(array) = array_literal(right) {
                    **right = array;
                }
            }
            // Reserved words that are values.
            Expr::Identifier(name) if is_reserved_value(&Expr::Identifier(name.clone())) => {
                *expr = call(&folded(name), Vec::new());
            }
            Expr::Cast { .. } => cast(expr),
            Expr::Like { pattern, escape_char, .. } | Expr::ILike { pattern, escape_char, .. } => {
                if let Some(escape) = escape_char.take() {
                    let escaped = call("like_escape", vec![take(pattern), Expr::Value(escape)]);
                    **pattern = escaped;
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// Whether an expression is a reserved word that stands for a value.
pub(crate) fn is_reserved_value(expr: &Expr) -> bool {
    let Expr::Identifier(name) = expr else { return false };
    name.quote_style.is_none() && is_reserved_name(&folded(name))
}

pub(super) fn is_reserved_name(name: &str) -> bool {
    matches!(name, "current_schema" | "current_catalog" | "current_role" | "current_user" | "session_user" | "user")
}

fn is_identified(expr: &Expr) -> bool {
    matches!(expr, Expr::Function(function) if parts(&function.name) == ["pg_identify_object"])
}

fn operator(name: &str) -> Option<BinaryOperator> {
    Some(match name {
        "=" => BinaryOperator::Eq,
        "<>" | "!=" => BinaryOperator::NotEq,
        "<" => BinaryOperator::Lt,
        "<=" => BinaryOperator::LtEq,
        ">" => BinaryOperator::Gt,
        ">=" => BinaryOperator::GtEq,
        "~" => BinaryOperator::PGRegexMatch,
        "~*" => BinaryOperator::PGRegexIMatch,
        "!~" => BinaryOperator::PGRegexNotMatch,
        "!~*" => BinaryOperator::PGRegexNotIMatch,
        "~~" => BinaryOperator::PGLikeMatch,
        "~~*" => BinaryOperator::PGILikeMatch,
        "!~~" => BinaryOperator::PGNotLikeMatch,
        "!~~*" => BinaryOperator::PGNotILikeMatch,
        "||" => BinaryOperator::StringConcat,
        "+" => BinaryOperator::Plus,
        "-" => BinaryOperator::Minus,
        "*" => BinaryOperator::Multiply,
        "/" => BinaryOperator::Divide,
        "%" => BinaryOperator::Modulo,
        "&" => BinaryOperator::BitwiseAnd,
        "|" => BinaryOperator::BitwiseOr,
        "@>" => BinaryOperator::AtArrow,
        "<@" => BinaryOperator::ArrowAt,
        "&&" => BinaryOperator::PGOverlap,
        _ => return None,
    })
}

/// An element of an `oid[]`: an integer to the planner. The width, which says nothing in PostgreSQL, tells it from others.
pub(crate) const OID_ELEMENT: DataType = DataType::Int4(Some(26));

/// What a cast's target type means here.
enum Target {
    /// A type the planner knows.
    Plain(DataType),
    /// An object identifier type, by name.
    Identifier(String),
    /// The planner's own.
    AsIs,
}

fn target(data_type: &DataType) -> Target {
    let name = match data_type {
        DataType::Regclass => return Target::Identifier("regclass".to_owned()),
        DataType::Custom(name, modifiers) if modifiers.is_empty() => name,
        DataType::Array(ArrayElemTypeDef::SquareBracket(element, size)) => {
            // Arrays of names, which are text underneath.
            if let DataType::Custom(name, modifiers) = element.as_ref()
                && modifiers.is_empty()
                && let Some(last) = parts(name).pop()
                && matches!(last.as_str(), "name" | "aclitem")
            {
                return Target::Identifier(format!("{last}_array"));
            }
            return match target(element) {
                Target::Plain(plain) => {
                    Target::Plain(DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(plain), *size)))
                }
                Target::Identifier(name) if array_output_function(&format!("_{name}")).is_some() => {
                    Target::Identifier(format!("{name}_array"))
                }
                Target::Identifier(name)
                    if matches!(
                        name.as_str(),
                        "sql_identifier" | "character_data" | "yes_or_no" | "cardinal_number"
                    ) =>
                {
                    Target::Identifier(format!("{name}_array"))
                }
                Target::Identifier(_) => {
                    Target::Plain(DataType::Array(ArrayElemTypeDef::SquareBracket(Box::new(OID_ELEMENT), *size)))
                }
                Target::AsIs => Target::AsIs,
            };
        }
        _ => return Target::AsIs,
    };
    let names = parts(name);
    let last = match names.as_slice() {
        [last] => last,
        [schema, last] if matches!(schema.as_str(), "pg_catalog" | "information_schema") => last,
        _ => return Target::AsIs,
    };
    Target::Plain(match last.as_str() {
        "oid" | "regclass" | "regtype" | "regproc" | "regprocedure" | "regoper" | "regoperator" | "regnamespace"
        | "regrole" | "xid" | "cid" | "oidvector" | "int2vector" | "sql_identifier" | "character_data"
        | "yes_or_no" | "cardinal_number" | "record" => {
            return Target::Identifier(last.clone());
        }
        "text" | "name" | "varchar" | "bpchar" | "char" | "cstring" | "pg_node_tree" | "aclitem" | "unknown"
        | "citext" => DataType::Text,
        "bool" => DataType::Boolean,
        "int2" => DataType::SmallInt(None),
        "int4" | "integer" => DataType::Integer(None),
        "int8" => DataType::BigInt(None),
        "float4" => DataType::Real,
        "float8" => DataType::DoublePrecision,
        "numeric" => DataType::Numeric(datafusion::sql::sqlparser::ast::ExactNumberInfo::None),
        "date" => DataType::Date,
        "timestamp" => DataType::Timestamp(None, datafusion::sql::sqlparser::ast::TimezoneInfo::None),
        "timestamptz" | "time_stamp" => {
            DataType::Timestamp(None, datafusion::sql::sqlparser::ast::TimezoneInfo::WithTimeZone)
        }
        _ => return Target::AsIs,
    })
}

/// `'{a,b}'` as `ARRAY['a', 'b']`; numbers when every element is one. `None` when it is not the text of an array with elements.
fn array_literal(expr: &Expr) -> Option<Expr> {
    let Expr::Value(ValueWithSpan {
        value: Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text), ..
    }) = expr
    else {
        return None;
    };
    let items =
        text.starts_with('{').then(|| super::types::split_array(text)).flatten().filter(|items| !items.is_empty())?;
    let numeric = items.iter().all(|item| item.as_ref().is_none_or(|item| item.parse::<i64>().is_ok()));
    let elem = items
        .into_iter()
        .map(|item| {
            Expr::Value(ValueWithSpan::from(match item {
                None => Value::Null,
                Some(item) if numeric => Value::Number(item, false),
                Some(item) => Value::SingleQuotedString(item),
            }))
        })
        .collect();
    Some(Expr::Array(datafusion::sql::sqlparser::ast::Array { elem, named: true }))
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Text | DataType::Varchar(None) | DataType::CharacterVarying(None))
}

fn cast(expr: &mut Expr) {
    let Expr::Cast { kind, expr: inner, data_type, .. } = expr else { return };
    if matches!(kind, CastKind::TryCast | CastKind::SafeCast) {
        return;
    }
    match target(data_type) {
        // A row is a record as it is.
        Target::Identifier(name) if name == "record" && !matches!(**inner, Expr::Value(_)) => {}
        Target::Identifier(name) => {
            let mut value = take(inner);
            // A text of a domain is made as any text is.
            if matches!(name.as_str(), "sql_identifier" | "character_data" | "yes_or_no")
                && !matches!(value, Expr::Value(_))
            {
                let expr = Box::new(value);
                value =
                    Expr::Cast { kind: CastKind::Cast, expr, data_type: DataType::Text, array: false, format: None };
                cast(&mut value);
            }
            *expr = call(&name, vec![value]);
        }
        Target::Plain(plain) => *data_type = plain,
        Target::AsIs => {}
    }
    // An array's text is an array, not one element.
    if let Expr::Cast { expr: inner, data_type: DataType::Array(_), .. } = expr
        && let Some(array) = array_literal(inner)
    {
        **inner = array;
    }
    // The planner's type of it is that of any integers.
    if let Expr::Cast { data_type: DataType::Array(ArrayElemTypeDef::SquareBracket(element, _)), .. } = expr
        && **element == OID_ELEMENT
    {
        *expr = call("oid_array", vec![take(expr)]);
        return;
    }
    // A value of an identifier type becomes text by name, not by number.
    if let Expr::Cast { expr: inner, data_type, .. } = expr
        && is_text(data_type)
        && let Expr::Function(function) = inner.as_ref()
        && let [name] = parts(&function.name).as_slice()
        && let Some(output) = output_function(name)
    {
        *expr = call(output, vec![take(inner)]);
    }
}

pub(super) fn ungrouped(select: &Select) -> bool {
    let no_groups = matches!(&select.group_by, GroupByExpr::Expressions(groups, modifiers) if groups.is_empty() && modifiers.is_empty());
    no_groups && select.having.is_none()
}

/// `SELECT <projection> FROM <from>`.
pub(crate) fn select(projection: SelectItem, from: Vec<TableWithJoins>) -> Query {
    let select = Select {
        select_token: AttachedToken::empty(),
        optimizer_hints: Vec::new(),
        distinct: None,
        select_modifiers: None,
        top: None,
        top_before_distinct: false,
        projection: vec![projection],
        exclude: None,
        into: None,
        from,
        lateral_views: Vec::new(),
        prewhere: None,
        selection: None,
        connect_by: Vec::new(),
        group_by: GroupByExpr::Expressions(Vec::new(), Vec::new()),
        cluster_by: Vec::new(),
        distribute_by: Vec::new(),
        sort_by: Vec::new(),
        having: None,
        named_window: Vec::new(),
        qualify: None,
        window_before_qualify: false,
        value_table_mode: None,
        flavor: SelectFlavor::Standard,
    };
    Query {
        with: None,
        body: Box::new(SetExpr::Select(Box::new(select))),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

/// Names the repetitions in a SELECT list (`NULL, NULL`), which the planner wants to differ. Clients are told the statement's own
/// names, which may repeat.
fn name_duplicates(select: &mut Select) {
    let mut seen: HashSet<String> = HashSet::new();
    for (index, item) in select.projection.iter_mut().enumerate() {
        if let SelectItem::UnnamedExpr(expr) = item {
            let text = expr.to_string();
            if !seen.insert(text.clone()) {
                let alias = Ident::with_quote('"', format!("{text} {index}"));
                *item = SelectItem::ExprWithAlias { expr: take(expr), alias };
            }
        }
    }
}
