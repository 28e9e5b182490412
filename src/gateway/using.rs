//! `a JOIN b USING (x) JOIN c USING (x)`: the planner knows a merged column of two tables and takes one of three for ambiguous.
//! Where a column is merged more than once, or `*` is asked for, the joins are written out here: `ON a.x = c.x`, `x` as `a.x`,
//! and `*` without the copies, merged columns first, as PostgreSQL has it. What is left, NATURAL, RIGHT and FULL joins and tables
//! without a name, is `query::joins`', which knows the columns.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, ExcludeSelectItem, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, Query, Select,
    SelectItem, SelectItemQualifiedWildcardKind, TableFactor, TableWithJoins, VisitMut, VisitorMut,
    WildcardAdditionalOptions,
};

/// Writes such joins of a SELECT out.
pub(super) fn write_out(select: &mut Select) {
    let has_star = select.projection.iter().any(|item| matches!(item, SelectItem::Wildcard(_)));
    // With several chains in FROM, `*` is of all of them.
    if has_star && select.from.len() != 1 {
        return;
    }
    let chains: Vec<Chain> = select.from.iter().filter_map(|from| Chain::of(from, has_star)).collect();
    if chains.is_empty() {
        return;
    }
    for from in &mut select.from {
        if let Some(chain) = Chain::of(from, has_star) {
            chain.join(&mut from.joins);
        }
    }
    if let (true, [chain]) = (has_star, chains.as_slice()) {
        select.projection = std::mem::take(&mut select.projection)
            .into_iter()
            .flat_map(|item| match item {
                SelectItem::Wildcard(_) => chain.star(),
                other => vec![other],
            })
            .collect();
    }
    let merged = chains.into_iter().flat_map(|chain| chain.merged).collect();
    let _: ControlFlow<()> = VisitMut::visit(select, &mut Qualify { merged, depth: 0 });
}

/// A column that USING merged, and the table that has it first.
struct Merged {
    column: Ident,
    owner: Ident,
    /// The joined tables whose column is merged with it.
    copies: Vec<Ident>,
    /// Whether its first USING stays as it is, because nobody here knows which table on its left has the column.
    keeps_first: bool,
}

impl Merged {
    fn tables(&self) -> impl Iterator<Item = &Ident> {
        std::iter::once(&self.owner).chain(&self.copies)
    }
}

/// Tables joined one after another.
struct Chain {
    tables: Vec<Ident>,
    merged: Vec<Merged>,
}

fn same(a: &Ident, b: &Ident) -> bool {
    let fold =
        |ident: &Ident| if ident.quote_style.is_some() { ident.value.clone() } else { ident.value.to_lowercase() };
    fold(a) == fold(b)
}

/// The name by which a table's columns are qualified.
fn name_of(factor: &TableFactor) -> Option<Ident> {
    match factor {
        TableFactor::Table { alias: Some(alias), .. } | TableFactor::Derived { alias: Some(alias), .. } => {
            Some(alias.name.clone())
        }
        TableFactor::Table { name, .. } => name.0.last()?.as_ident().cloned(),
        _ => None,
    }
}

/// The constraint of a join whose merged columns are the left table's.
fn constraint(operator: &mut JoinOperator) -> Option<(&mut JoinConstraint, bool)> {
    match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => Some((constraint, true)),
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => Some((constraint, false)),
        _ => None,
    }
}

fn columns(constraint: &JoinConstraint) -> Option<Vec<Ident>> {
    let JoinConstraint::Using(names) = constraint else { return None };
    names.iter().map(|ObjectName(parts)| parts.first().and_then(|part| part.as_ident()).cloned()).collect()
}

impl Chain {
    /// A chain in which a column is merged more than once, or of which `*` has merged columns to put first.
    fn of(from: &TableWithJoins, has_star: bool) -> Option<Self> {
        let mut chain = Self { tables: vec![name_of(&from.relation)?], merged: Vec::new() };
        for Join { relation, join_operator, .. } in &from.joins {
            let table = name_of(relation)?;
            let mut operator = join_operator.clone();
            let uses = matches!(
                &operator,
                JoinOperator::Right(JoinConstraint::Using(_) | JoinConstraint::Natural)
                    | JoinOperator::RightOuter(JoinConstraint::Using(_) | JoinConstraint::Natural)
                    | JoinOperator::FullOuter(JoinConstraint::Using(_) | JoinConstraint::Natural)
            );
            if uses {
                return None;
            }
            if let Some((constraint, is_inner)) = constraint(&mut operator) {
                if matches!(constraint, JoinConstraint::Natural) {
                    return None;
                }
                for column in columns(constraint).into_iter().flatten() {
                    let is_first = chain.tables.len() == 1;
                    if let Some(known) = chain.merged.iter_mut().find(|merged| same(&merged.column, &column)) {
                        known.copies.push(table.clone());
                    } else if is_first {
                        let owner = chain.tables.first()?.clone();
                        let copies = vec![table.clone()];
                        chain.merged.push(Merged { column, owner, copies, keeps_first: false });
                    } else if is_inner && !has_star {
                        let (owner, copies) = (table.clone(), Vec::new());
                        chain.merged.push(Merged { column, owner, copies, keeps_first: true });
                    } else {
                        return None;
                    }
                }
            }
            chain.tables.push(table);
        }
        let is_repeated = |merged: &Merged| merged.copies.len() + usize::from(merged.keeps_first) > 1;
        let merges =
            |table: &Ident| chain.merged.iter().any(|merged| merged.tables().any(|merging| same(merging, table)));
        let is_ordered = has_star && chain.tables.iter().all(merges);
        (is_ordered || chain.merged.iter().any(is_repeated)).then_some(chain)
    }

    /// USING as ON.
    fn join(&self, joins: &mut [Join]) {
        for (join, table) in joins.iter_mut().zip(self.tables.iter().skip(1)) {
            let Some((constraint, _)) = constraint(&mut join.join_operator) else { continue };
            let Some(columns) = columns(constraint) else { continue };
            let equal = |column: &Ident| {
                let merged = self.merged.iter().find(|merged| same(&merged.column, column))?;
                let is_copy = merged.copies.iter().any(|copy| same(copy, table));
                is_copy.then(|| Expr::BinaryOp {
                    left: Box::new(qualified(&merged.owner, column)),
                    op: BinaryOperator::Eq,
                    right: Box::new(qualified(table, column)),
                })
            };
            // All of them, or the join stays.
            let Some(all) = columns.iter().map(equal).collect::<Option<Vec<_>>>() else { continue };
            let and =
                |left, right| Expr::BinaryOp { left: Box::new(left), op: BinaryOperator::And, right: Box::new(right) };
            if let Some(condition) = all.into_iter().reduce(and) {
                *constraint = JoinConstraint::On(condition);
            }
        }
    }

    /// What `*` stands for.
    fn star(&self) -> Vec<SelectItem> {
        let first = self.merged.iter().map(|merged| SelectItem::ExprWithAlias {
            expr: qualified(&merged.owner, &merged.column),
            alias: merged.column.clone(),
        });
        let rest = self.tables.iter().map(|table| {
            let has = |merged: &&Merged| merged.tables().any(|merging| same(merging, table));
            let without: Vec<ObjectName> =
                self.merged.iter().filter(has).map(|merged| ObjectName::from(merged.column.clone())).collect();
            let exclude = (!without.is_empty()).then_some(ExcludeSelectItem::Multiple(without));
            SelectItem::QualifiedWildcard(
                SelectItemQualifiedWildcardKind::ObjectName(ObjectName::from(table.clone())),
                WildcardAdditionalOptions { opt_exclude: exclude, ..WildcardAdditionalOptions::default() },
            )
        });
        first.chain(rest).collect()
    }
}

fn qualified(table: &Ident, column: &Ident) -> Expr {
    Expr::CompoundIdentifier(vec![table.clone(), column.clone()])
}

/// Says whose column a merged one is, outside of subqueries, where the name may be another's.
struct Qualify {
    merged: Vec<Merged>,
    depth: usize,
}

impl VisitorMut for Qualify {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        self.depth = self.depth.saturating_sub(1);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if self.depth == 0
            && let Expr::Identifier(name) = expr
            && let Some(merged) = self.merged.iter().find(|merged| same(&merged.column, name))
        {
            *expr = Expr::CompoundIdentifier(vec![merged.owner.clone(), name.clone()]);
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::front_door::{Command, parse};

    fn read(sql: &str) -> String {
        let statements = parse(sql).unwrap();
        let Command::Query(query) = &statements[0].command else { panic!("{sql}") };
        query.to_string().replace('"', "")
    }

    #[test]
    fn a_column_that_is_merged_twice_is_the_first_tables() {
        for (written, meant) in [
            (
                "select x, a.y from a join b using (x) join c using (x) where x > 1",
                "SELECT a.x, a.y FROM a JOIN b ON a.x = b.x JOIN c ON a.x = c.x WHERE a.x > 1",
            ),
            (
                "select * from a left join b using (x, y) join c using (y)",
                "SELECT a.x AS x, a.y AS y, a.* EXCLUDE (x, y), b.* EXCLUDE (x, y), c.* EXCLUDE (y) \
                 FROM a LEFT JOIN b ON a.x = b.x AND a.y = b.y JOIN c ON a.y = c.y",
            ),
            (
                "select * from a join b using (x)",
                "SELECT a.x AS x, a.* EXCLUDE (x), b.* EXCLUDE (x) FROM a JOIN b ON a.x = b.x",
            ),
            (
                "select 1 from a join b on true join c using (x) join d using (x)",
                "SELECT 1 AS ?column? FROM a JOIN b ON true JOIN c USING(x) JOIN d ON c.x = d.x",
            ),
            (
                "select (select x from d) from a join b using (x) join c using (x)",
                "SELECT (SELECT x FROM d) AS x FROM a JOIN b ON a.x = b.x JOIN c ON a.x = c.x",
            ),
        ] {
            assert_eq!(read(written), meant);
        }
        for same in [
            "SELECT x FROM a JOIN b USING(x)",
            "SELECT a.y FROM a JOIN b USING(x) JOIN c USING(y)",
            "SELECT x FROM a FULL JOIN b USING(x) FULL JOIN c USING(x)",
            "SELECT x FROM a NATURAL JOIN b JOIN c USING(x)",
            "SELECT * FROM a JOIN b USING(x) JOIN c ON true",
        ] {
            assert_eq!(read(same), same);
        }
    }
}
