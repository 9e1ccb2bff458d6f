//! When a task is due: cron expressions, time zones, missed runs, retention and policies.
