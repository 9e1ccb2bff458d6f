//! What is kept across restarts: apps, tasks, schedules, policies.
