//! The time zone of this machine.

/// The time zone of this machine, by its IANA name; UTC if it does not say.
pub fn local_zone() -> String {
    let is_known = |zone: &String| zone.parse::<chrono_tz::Tz>().is_ok();
    let named = std::env::var("TZ").ok().filter(is_known);
    named
        .or_else(|| iana_time_zone::get_timezone().ok())
        .filter(is_known)
        .unwrap_or_else(|| "UTC".to_owned())
}
