//! Messages that are to be delivered, and what is known of their receivers.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use super::columns::{Json, UnixMillis};
use super::database::State;
use super::error::Result;

/// Maximum number of messages that are kept for one receiver; with one more, the oldest goes.
const MAX_OUTSTANDING: u32 = 500;

/// How long a message is kept for a receiver that does not take it.
const KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// A message, and who gets it.
#[derive(Clone, Debug, PartialEq)]
pub struct NewMessage {
    /// What it says. No secrets.
    pub body: serde_json::Value,
    /// The names of its receivers.
    pub receivers: Vec<String>,
}

/// A message for one receiver, which this process has taken on.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// Which message.
    pub message: i64,
    /// What it says.
    pub body: serde_json::Value,
    /// How often it was tried before.
    pub attempts: u32,
}

/// What is known of a receiver.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ReceiverRecord {
    /// Its name.
    pub name: String,
    /// Messages and pings that it took.
    pub delivered: u64,
    /// Tries that failed.
    pub failures: u64,
    /// Messages that were given up: too many, or too old.
    pub dropped: u64,
    /// When it took one last.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When a try failed last.
    pub failed_at: Option<DateTime<Utc>>,
    /// Why the last try failed; empty if it went well.
    pub reason: String,
    /// Messages that it has not got yet.
    pub outstanding: u64,
}

/// Adds a message for its receivers; without any there is nothing to keep.
pub(super) fn add(connection: &Connection, new: &NewMessage, now: DateTime<Utc>) -> Result<()> {
    if new.receivers.is_empty() {
        return Ok(());
    }
    connection
        .prepare_cached("INSERT INTO message (at, body) VALUES (?1, ?2)")?
        .execute(params![UnixMillis(now), Json(&new.body)])?;
    let message = connection.last_insert_rowid();
    let insert = "INSERT INTO delivery (receiver, message, next_try) VALUES (?1, ?2, ?3)";
    for receiver in &new.receivers {
        connection.prepare_cached(insert)?.execute(params![receiver, message, UnixMillis(now)])?;
        let surplus = "DELETE FROM delivery WHERE receiver = ?1 AND message <= (SELECT message FROM delivery \
             WHERE receiver = ?1 ORDER BY message DESC LIMIT 1 OFFSET ?2)";
        let dropped =
            connection.prepare_cached(surplus)?.execute(params![receiver, MAX_OUTSTANDING])?;
        note_dropped(connection, receiver, dropped)?;
    }
    Ok(())
}

fn note_dropped(connection: &Connection, receiver: &str, count: usize) -> Result<()> {
    if count > 0 {
        forget_messages(connection)?;
        let sql = "INSERT INTO receiver (name, dropped) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET dropped = dropped + ?2";
        connection.prepare_cached(sql)?.execute(params![receiver, count as u64])?;
    }
    Ok(())
}

impl State {
    /// Takes the oldest message on that a receiver has not got, if its time has come. Nobody else
    /// gets it for as long as `lease`.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn take_delivery(
        &self,
        receiver: &str,
        lease: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Option<Delivery>> {
        self.take(receiver, None, lease, now)
    }

    /// The same for the one after a message, whether or not its time has come.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn take_delivery_after(
        &self,
        receiver: &str,
        message: i64,
        lease: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Option<Delivery>> {
        self.take(receiver, Some(message), lease, now)
    }

    fn take(
        &self,
        receiver: &str,
        after: Option<i64>,
        lease: TimeDelta,
        now: DateTime<Utc>,
    ) -> Result<Option<Delivery>> {
        let oldest = "SELECT message, attempts, next_try, body FROM delivery JOIN message ON message.id = message \
             WHERE receiver = ?1 AND message > ?2 ORDER BY message LIMIT 1";
        let row = |row: &Row<'_>| {
            let next = row.get::<_, UnixMillis>("next_try")?.0;
            let body = row.get::<_, Json<_>>("body")?.0;
            let (message, attempts) = (row.get("message")?, row.get("attempts")?);
            Ok((Delivery { message, body, attempts }, next))
        };
        // Most looks find nothing: those cost no change.
        let is_due =
            |next: DateTime<Utc>| after.is_some() || next <= now || next - now > TimeDelta::days(1);
        let look = |connection: &Connection| -> Result<Option<Delivery>> {
            let found = connection
                .prepare_cached(oldest)?
                .query_row(params![receiver, after.unwrap_or(i64::MIN)], row)
                .optional()?;
            Ok(found.filter(|(_, next)| is_due(*next)).map(|(delivery, _)| delivery))
        };
        if self.read(look)?.is_none() {
            return Ok(None);
        }
        self.write(|transaction| {
            let old = "DELETE FROM delivery WHERE receiver = ?1 AND message IN (SELECT id FROM message WHERE at < ?2)";
            let values = params![receiver, UnixMillis(now - KEPT_FOR)];
            let dropped = transaction.prepare_cached(old)?.execute(values)?;
            note_dropped(transaction, receiver, dropped)?;
            let Some(delivery) = look(transaction)? else { return Ok(None) };
            let sql = "UPDATE delivery SET next_try = ?3 WHERE receiver = ?1 AND message = ?2";
            let values = params![receiver, delivery.message, UnixMillis(now + lease)];
            transaction.prepare_cached(sql)?.execute(values)?;
            Ok(Some(delivery))
        })
    }

    /// Notes that a receiver has got a message.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn delivered(&self, receiver: &str, message: i64, now: DateTime<Utc>) -> Result<()> {
        self.write(|transaction| {
            let sql = "DELETE FROM delivery WHERE receiver = ?1 AND message = ?2";
            transaction.prepare_cached(sql)?.execute(params![receiver, message])?;
            forget_messages(transaction)?;
            note(transaction, receiver, None, now)
        })
    }

    /// Notes that it has not, why, and when it is tried again.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn not_delivered(
        &self,
        receiver: &str,
        message: i64,
        reason: &str,
        next_try: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.write(|transaction| {
            let sql = "UPDATE delivery SET attempts = attempts + 1, next_try = ?3 WHERE receiver = ?1 AND message = ?2";
            let values = params![receiver, message, UnixMillis(next_try)];
            transaction.prepare_cached(sql)?.execute(values)?;
            note(transaction, receiver, Some(reason), now)
        })
    }

    /// Gives a message up that a receiver refuses, while it takes others.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn give_up_delivery(&self, receiver: &str, message: i64) -> Result<()> {
        self.write(|transaction| {
            let sql = "DELETE FROM delivery WHERE receiver = ?1 AND message = ?2";
            let gone = transaction.prepare_cached(sql)?.execute(params![receiver, message])?;
            note_dropped(transaction, receiver, gone)
        })
    }

    /// Notes how a try went that is not repeated: a ping, or a test.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn note_receiver(
        &self,
        receiver: &str,
        failed: Option<&str>,
        now: DateTime<Utc>,
    ) -> Result<()> {
        self.write(|transaction| note(transaction, receiver, failed, now))
    }

    /// Forgets messages for others than these receivers, and what is known of the others.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn keep_receivers(&self, names: &[String]) -> Result<()> {
        let all = serde_json::json!(names).to_string();
        let others = |column| format!("{column} NOT IN (SELECT value FROM json_each(?1))");
        let is_clean = self.read(|connection| {
            let (first, second) = (others("receiver"), others("name"));
            let sql = format!(
                "SELECT (SELECT count(*) FROM delivery WHERE {first}) + (SELECT count(*) FROM receiver WHERE {second})"
            );
            let count: i64 =
                connection.prepare_cached(&sql)?.query_row([&all], |row| row.get(0))?;
            Ok(count == 0)
        })?;
        if is_clean {
            return Ok(());
        }
        self.write(|transaction| {
            transaction
                .execute(&format!("DELETE FROM delivery WHERE {}", others("receiver")), [&all])?;
            transaction
                .execute(&format!("DELETE FROM receiver WHERE {}", others("name")), [&all])?;
            forget_messages(transaction)
        })
    }

    /// What is known of receivers, by name.
    ///
    /// # Errors
    ///
    /// The database failed.
    pub fn receivers(&self) -> Result<Vec<ReceiverRecord>> {
        self.read(|connection| {
            let sql = "SELECT name, delivered, failures, dropped, delivered_at, failed_at, reason, \
                 (SELECT count(*) FROM delivery WHERE receiver = name) AS outstanding FROM receiver \
                 UNION ALL SELECT DISTINCT receiver, 0, 0, 0, NULL, NULL, '', (SELECT count(*) FROM delivery other WHERE other.receiver = delivery.receiver) \
                 FROM delivery WHERE receiver NOT IN (SELECT name FROM receiver) ORDER BY name";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([], |row| {
                let time = |column| -> rusqlite::Result<Option<DateTime<Utc>>> {
                    Ok(row.get::<_, Option<UnixMillis>>(column)?.map(|at| at.0))
                };
                Ok(ReceiverRecord {
                    name: row.get("name")?,
                    delivered: row.get("delivered")?,
                    failures: row.get("failures")?,
                    dropped: row.get("dropped")?,
                    delivered_at: time("delivered_at")?,
                    failed_at: time("failed_at")?,
                    reason: row.get("reason")?,
                    outstanding: row.get("outstanding")?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
    }
}

/// Removes messages that everybody has got.
fn forget_messages(connection: &Connection) -> Result<()> {
    let sql = "DELETE FROM message WHERE id NOT IN (SELECT message FROM delivery)";
    connection.prepare_cached(sql)?.execute([])?;
    Ok(())
}

fn note(
    connection: &Connection,
    receiver: &str,
    failed: Option<&str>,
    now: DateTime<Utc>,
) -> Result<()> {
    let (column, time) = match failed {
        None => ("delivered", "delivered_at"),
        Some(_) => ("failures", "failed_at"),
    };
    let sql = format!(
        "INSERT INTO receiver (name, {column}, {time}, reason) VALUES (?1, 1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET {column} = {column} + 1, {time} = ?2, reason = ?3"
    );
    let values = params![receiver, UnixMillis(now), failed.unwrap_or_default()];
    connection.prepare_cached(&sql)?.execute(values)?;
    Ok(())
}
