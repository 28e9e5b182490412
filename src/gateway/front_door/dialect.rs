//! The SQL that is read: PostgreSQL's, within a budget and without one thing.
//!
//! Where the parser does not know what comes, it tries one reading and then another. Nested, each level takes twice as long:
//! forty would never end. PostgreSQL's own dialect does so with every argument of a function, first as an expression that `=>`
//! or `:` may follow: here only an identifier may name an argument (`json_object('a' : 1)` is lost, which is not among the
//! functions). The rest is counted: so many expressions may be begun for the tokens that there are, and no more.

use std::any::TypeId;
use std::cell::Cell;

use datafusion::sql::sqlparser::ast::{CastKind, DataType, Expr, ObjectName};
use datafusion::sql::sqlparser::dialect::{Dialect, PostgreSqlDialect, Precedence};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Span, Token};

use super::super::pgcatalog::types::is_oid_type;
use super::super::values::is_text_type;

/// Expressions that may be begun per token. SQL that is right begins one or two.
const PER_TOKEN: usize = 16;
/// And on top of those, for short statements.
const AT_LEAST: usize = 10_000;

/// The dialect, for one statement.
#[derive(Debug)]
pub(super) struct SqlDialect {
    /// Expressions that may still be begun.
    left: Cell<usize>,
}

impl SqlDialect {
    /// For a statement of so many tokens.
    pub(super) fn of(tokens: usize) -> Self {
        Self { left: Cell::new(tokens.saturating_mul(PER_TOKEN).saturating_add(AT_LEAST)) }
    }

    /// Whether reading was given up. The parser's own error is then about something else.
    pub(super) fn is_exhausted(&self) -> bool {
        self.left.get() == 0
    }
}

const POSTGRESQL: PostgreSqlDialect = PostgreSqlDialect {};

/// The properties that PostgreSQL's dialect in sqlparser 0.62 sets; all others have the trait's defaults there and here.
macro_rules! as_in_postgresql {
    ($($property:ident)*) => {
        $(fn $property(&self) -> bool {
            POSTGRESQL.$property()
        })*
    };
}

/// `inet '10.0.0.1'`: a literal behind the name of a type that the parser does not know.
fn typed_literal(parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
    let [Token::Word(name), Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_)] =
        parser.peek_tokens_ref().map(|token| &token.token)
    else {
        return None;
    };
    // `char` alone is SQL's type of characters.
    let type_name = if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() };
    let known = (is_text_type(&type_name) || is_oid_type(&type_name)) && !is_known_to_parser(&type_name);
    if !known || (type_name == "char" && name.quote_style.is_none()) {
        return None;
    }
    let data_type = DataType::Custom(ObjectName::from(vec![name.clone().into_ident(Span::empty())]), Vec::new());
    parser.advance_token();
    Some(parser.parse_value().map(|value| Expr::Cast {
        kind: CastKind::DoubleColon,
        expr: Box::new(Expr::Value(value)),
        data_type,
        array: false,
        format: None,
    }))
}

/// Types that the parser has names of its own for.
fn is_known_to_parser(name: &str) -> bool {
    matches!(name, "varchar" | "json" | "jsonb" | "uuid" | "regclass")
}

impl Dialect for SqlDialect {
    /// The parser takes it for PostgreSQL's where it asks by name.
    fn dialect(&self) -> TypeId {
        TypeId::of::<PostgreSqlDialect>()
    }

    fn supports_named_fn_args_with_expr_name(&self) -> bool {
        false
    }

    fn parse_prefix(&self, parser: &mut Parser<'_>) -> Option<Result<Expr, ParserError>> {
        // The parser reads these functions by rules of their own, which know no schema.
        if let [Token::Word(schema), Token::Period, Token::Word(function), Token::LParen] =
            parser.peek_tokens_ref().map(|token| &token.token)
            && schema.value.eq_ignore_ascii_case("pg_catalog")
            && matches!(function.keyword, Keyword::SUBSTRING | Keyword::SUBSTR | Keyword::FLOOR | Keyword::CEIL)
        {
            parser.advance_token();
            parser.advance_token();
        }
        if let Some(cast) = typed_literal(parser) {
            return Some(cast);
        }
        let left = self.left.get().saturating_sub(1);
        self.left.set(left);
        // Each reading that is tried from here on ends at once.
        (left == 0).then_some(Err(ParserError::RecursionLimitExceeded))
    }

    as_in_postgresql! {
        allow_extract_custom
        allow_extract_single_quotes
        supports_alter_column_type_using
        supports_array_typedef_with_brackets
        supports_bitwise_shift_operators
        supports_comma_separated_trim
        supports_comment_on
        supports_comment_optimizer_hint
        supports_create_index_with_clause
        supports_create_table_like_parenthesized
        supports_empty_projections
        supports_explain_with_utility_options
        supports_factorial_operator
        supports_filter_during_aggregation
        supports_geometric_types
        supports_group_by_expr
        supports_insert_table_alias
        supports_interval_options
        supports_listen_notify
        supports_load_extension
        supports_named_fn_args_with_colon_operator
        supports_nested_comments
        supports_notnull_operator
        supports_numeric_literal_underscores
        supports_select_wildcard_with_alias
        supports_set_names
        supports_string_escape_constant
        supports_unicode_string_literal
        supports_xml_expressions
    }

    fn identifier_quote_style(&self, identifier: &str) -> Option<char> {
        POSTGRESQL.identifier_quote_style(identifier)
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        POSTGRESQL.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        POSTGRESQL.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        POSTGRESQL.is_identifier_part(ch)
    }

    fn is_reserved_for_identifier(&self, keyword: Keyword) -> bool {
        POSTGRESQL.is_reserved_for_identifier(keyword)
    }

    fn is_custom_operator_part(&self, ch: char) -> bool {
        POSTGRESQL.is_custom_operator_part(ch)
    }

    fn get_next_precedence(&self, parser: &Parser<'_>) -> Option<Result<u8, ParserError>> {
        POSTGRESQL.get_next_precedence(parser)
    }

    fn prec_value(&self, precedence: Precedence) -> u8 {
        POSTGRESQL.prec_value(precedence)
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn functions_with_rules_of_their_own_may_have_a_schema() {
        use datafusion::sql::sqlparser::parser::Parser;
        for call in ["substring('abc', 'b.')", "substring('abc' FROM 2 FOR 1)", "floor(1.5)"] {
            let parse = |call: &str| {
                let dialect = super::SqlDialect::of(20);
                let parser = Parser::new(&dialect).try_with_sql(call);
                parser.unwrap().parse_expr().unwrap().to_string()
            };
            assert_eq!(parse(&format!("pg_catalog.{call}")), parse(call));
        }
    }

    #[test]
    fn this_is_the_release_whose_dialect_is_followed() {
        let lock = include_str!("../../../Cargo.lock");
        let versions = lock.split("name = \"sqlparser\"\nversion = \"").skip(1);
        let all = versions.map(|rest| rest.split('"').next().unwrap()).collect::<Vec<_>>();
        assert!(
            all.len() == 1 && all[0].starts_with("0.62."),
            "sqlparser {all:?}: see what else its PostgreSqlDialect sets, and follow it"
        );
    }
}
