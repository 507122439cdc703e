//! Records in SQLite: one row each.

use rusqlite::types::{Value as SqlValue, ValueRef};
use rusqlite::{Connection, Row, Statement, params_from_iter};
use serde::Serialize;

use super::convert::count;
use super::handle::SqliteStore;
use crate::error::Result;
use crate::records::{Comparison, Condition, FieldChange, Fields, Order, Query, Table, Value};

/// Milliseconds since 1970 UTC, by the clock of this machine, which all processes that open the file share.
pub(crate) const NOW: &str = "CAST(round(unixepoch('subsec') * 1000) AS INTEGER)";

impl SqliteStore {
    /// Returns false if a unique column has the same value in another row.
    pub(crate) async fn insert_record(&self, table: Table, fields: Fields) -> Result<bool> {
        let (sql, values) = insertion(table, fields);
        Ok(self.execute(sql, params_from_iter(values)).await? > 0)
    }

    /// Inserts rows in one transaction, and leaves out those whose key exists.
    pub(crate) async fn insert_records(&self, table: Table, records: Vec<Fields>) -> Result<()> {
        let rows = records.into_iter().map(|fields| insertion(table, fields));
        let rows: Vec<_> = rows.collect();
        let insert = move |connection: &Connection| {
            for (sql, values) in &rows {
                let mut statement = connection.prepare_cached(sql)?;
                statement.execute(params_from_iter(values))?;
            }
            Ok(())
        };
        self.writer.write(insert).await
    }

    pub(crate) async fn count_records(&self, table: Table, limit: u32) -> Result<u64> {
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 FROM {} LIMIT ?)",
            table.name
        );
        let counts = self.query(sql, [limit], |row| Ok(count(row, 0)?)).await?;
        Ok(counts.into_iter().sum())
    }

    pub(crate) async fn find_records(&self, table: Table, query: Query) -> Result<Vec<Fields>> {
        let mut sql = Sql::new(format!("SELECT * FROM {}", table.name));
        sql.push_conditions(table, &query.conditions);
        sql.push_order(query.order);
        if let Some(limit) = query.limit {
            sql.push(" LIMIT ?", [limit.into()]);
        }
        self.query(sql.text, params_from_iter(sql.values), read_row)
            .await
    }

    /// Returns the number of matching rows.
    pub(crate) async fn update_records(
        &self,
        table: Table,
        conditions: Vec<Condition>,
        changes: Vec<FieldChange>,
    ) -> Result<u64> {
        let mut sql = Sql::new(format!("UPDATE {} SET ", table.name));
        sql.push_changes(&changes);
        sql.push_conditions(table, &conditions);
        self.execute(sql.text, params_from_iter(sql.values)).await
    }

    /// Changes the first matching row and returns it. Reads first: a read costs no commit, and often nothing matches.
    pub(crate) async fn update_first_record(
        &self,
        table: Table,
        conditions: Vec<Condition>,
        order: Order,
        changes: Vec<FieldChange>,
    ) -> Result<Option<Fields>> {
        let any = Query::new(conditions.clone()).limit(1);
        if self.find_records(table, any).await?.is_empty() {
            return Ok(None);
        }
        let Table { name, key, .. } = table;
        let mut sql = Sql::new(format!("UPDATE {name} SET "));
        sql.push_changes(&changes);
        sql.push(&format!(" WHERE {key} = (SELECT {key} FROM {name}"), []);
        sql.push_conditions(table, &conditions);
        sql.push_order(order);
        sql.push(" LIMIT 1) RETURNING *", []);
        let update = move |connection: &Connection| {
            let mut statement = connection.prepare_cached(&sql.text)?;
            let mut rows = statement.query(params_from_iter(&sql.values))?;
            rows.next()?.map(read_row).transpose()
        };
        self.writer.write(update).await
    }

    pub(crate) async fn delete_records(
        &self,
        table: Table,
        conditions: Vec<Condition>,
    ) -> Result<u64> {
        let mut sql = Sql::new(format!("DELETE FROM {}", table.name));
        sql.push_conditions(table, &conditions);
        self.execute(sql.text, params_from_iter(sql.values)).await
    }
}

/// Returns the statement that inserts a row unless a unique column has the same value in another, and its values.
fn insertion(table: Table, fields: Fields) -> (String, Vec<SqlValue>) {
    let places = vec!["?"; fields.0.len()].join(", ");
    let (columns, values): (Vec<_>, Vec<_>) = fields.0.into_iter().unzip();
    let sql = format!(
        "INSERT INTO {} ({}) VALUES ({places}) ON CONFLICT DO NOTHING",
        table.name,
        columns.join(", ")
    );
    (sql, values.iter().map(to_sql).collect())
}

struct Sql {
    text: String,
    values: Vec<SqlValue>,
}

impl Sql {
    fn new(text: String) -> Self {
        let values = Vec::new();
        Self { text, values }
    }

    fn push(&mut self, text: &str, values: impl IntoIterator<Item = SqlValue>) {
        self.text += text;
        self.values.extend(values);
    }

    fn push_conditions(&mut self, table: Table, conditions: &[Condition]) {
        for (place, condition) in conditions.iter().enumerate() {
            self.text += if place == 0 { " WHERE " } else { " AND " };
            self.push_condition(table, condition);
        }
    }

    fn push_condition(&mut self, table: Table, condition: &Condition) {
        let (field, key) = (condition.field, table.key);
        let test = match condition.comparison {
            Comparison::Is => format!("{field} IS ?"),
            Comparison::Above => format!("{field} > ?"),
            Comparison::Below => format!("{field} < ?"),
            Comparison::AtMost => format!("{field} <= ?"),
            Comparison::AtLeast => format!("{field} >= ?"),
            Comparison::OlderThan => format!("{field} < {NOW} - ?"),
            Comparison::Contains => match table.lookup {
                Some((list, lookup, column)) if list == field => {
                    format!("{key} IN (SELECT {key} FROM {lookup} WHERE {column} = ?)")
                }
                _ => contains(field),
            },
        };
        self.push(&test, [to_sql(&condition.value)]);
    }

    fn push_changes(&mut self, changes: &[FieldChange]) {
        for (place, change) in changes.iter().enumerate() {
            self.text += if place == 0 { "" } else { ", " };
            match change {
                FieldChange::Set(name, value) => self.push(&format!("{name} = ?"), [to_sql(value)]),
                FieldChange::Increment(name) => self.push(&format!("{name} = {name} + 1"), []),
                FieldChange::SetNow(name) => self.push(&format!("{name} = {NOW}"), []),
                FieldChange::Include(name, text) => {
                    let known = contains(name);
                    let included = format!("json_insert({name}, '$[#]', ?)");
                    let text = SqlValue::from(text.clone());
                    self.push(
                        &format!("{name} = iif({known}, {name}, {included})"),
                        [text.clone(), text],
                    );
                }
            }
        }
    }

    fn push_order(&mut self, order: Order) {
        for (place, (name, direction)) in order.iter().enumerate() {
            let start = if place == 0 { " ORDER BY" } else { "," };
            let direction = if *direction < 0 { " DESC" } else { "" };
            self.push(&format!("{start} {name}{direction}"), []);
        }
    }
}

fn contains(list: &str) -> String {
    format!("EXISTS (SELECT 1 FROM json_each({list}) WHERE value = ?)")
}

fn to_sql(value: &Value) -> SqlValue {
    match value {
        Value::Null | Value::Unknown => SqlValue::Null,
        Value::Int(number) => (*number).into(),
        Value::Text(text) => text.clone().into(),
        Value::Bytes(bytes) => bytes.clone().into(),
        Value::Time(at) => at.as_millisecond().into(),
        Value::List(texts) => to_json(texts),
        Value::Map(texts) => to_json(texts),
    }
}

fn to_json(texts: &impl Serialize) -> SqlValue {
    let json = serde_json::to_string(texts).expect("texts are always JSON");
    json.into()
}

fn read_row(row: &Row<'_>) -> Result<Fields> {
    let statement: &Statement<'_> = row.as_ref();
    let names = statement.column_names().enumerate();
    let field = |(place, name): (usize, &str)| {
        let value = match row.get_ref(place)? {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Text(text) => {
                String::from_utf8(text.to_vec()).map_or(Value::Unknown, Value::Text)
            }
            ValueRef::Blob(bytes) => Value::Bytes(bytes.to_vec()),
            ValueRef::Real(_) => Value::Unknown,
        };
        Ok((name.to_owned(), value))
    };
    names.map(field).collect::<Result<_, _>>().map(Fields)
}
