//! How a timing is said and read.

use proptest::prelude::*;

use super::*;

fn any_timing() -> impl Strategy<Value = Timing> {
    let time = (0u32..24, 0u32..60).prop_map(|(hour, minute)| TimeOfDay { hour, minute });
    let hours = prop::collection::btree_set(0u32..24, 1..5);
    let times = (hours, 0u32..60).prop_map(|(hours, minute)| {
        hours.into_iter().map(|hour| TimeOfDay { hour, minute }).collect()
    });
    prop_oneof![
        prop::sample::select(vec![1u32, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30])
            .prop_map(Timing::Minutes),
        prop::sample::select(vec![1u32, 2, 3, 4, 6, 8, 12]).prop_map(Timing::Hours),
        times.prop_map(Timing::Daily),
        (prop::sample::subsequence(Weekday::ALL.to_vec(), 1..7), time.clone())
            .prop_map(|(days, time)| Timing::Weekly(days, time)),
        (prop::option::of(1u32..29), time).prop_map(|(day, time)| Timing::Monthly(day, time)),
    ]
}

proptest! {
    #[test]
    fn a_plain_choice_comes_back_from_cron_and_from_text(timing in any_timing()) {
        prop_assert_eq!(timing.check(), Ok(()));
        prop_assert!(CronExpression::parse(&timing.cron()).is_ok());
        prop_assert_eq!(&Timing::from_cron(&timing.cron()), &timing);
        prop_assert_eq!(timing.to_string().parse::<Timing>(), Ok(timing));
    }

    #[test]
    fn no_text_makes_it_panic(text in "\\PC{0,40}|[0-9*/,L# -]{0,20}") {
        if let Ok(timing) = text.parse::<Timing>() {
            prop_assert!(timing.check().is_ok());
        }
        Timing::from_cron(&text);
    }
}

#[test]
fn what_is_no_plain_choice_stays_cron() {
    for cron in [
        "*/7 * * * *",
        "5 */5 * * *",
        "5 */6 * * *",
        "0 2 30 * *",
        "0 2 1 1 *",
        "0 5,1 * * *",
        "0 2 * * 5,1",
        "0 2 1 * 1",
        "02 2 * * *",
    ] {
        assert_eq!(Timing::from_cron(cron), Timing::Cron(cron.into()), "{cron}");
    }
    assert_eq!("30 2 * * mon-fri".parse(), Ok(Timing::Cron("30 2 * * MON-FRI".into())));
    assert_eq!(
        " Weekly  on Sun at 2:05 ".parse(),
        Ok(Timing::Weekly(vec![Weekday::Sunday], TimeOfDay { hour: 2, minute: 5 }))
    );
}

#[test]
fn several_times_and_days_are_one_choice() {
    for (text, cron, written) in [
        ("daily at 18:15, 6:15 and 12:15", "15 6,12,18 * * *", "daily at 06:15, 12:15 and 18:15"),
        ("daily at 06:00,18:00", "0 6,18 * * *", "twice daily at 06:00"),
        ("twice daily at 06:00", "0 6,18 * * *", "twice daily at 06:00"),
        (
            "weekly on fri, sunday and monday at 02:30",
            "30 2 * * 0,1,5",
            "weekly on sunday, monday and friday at 02:30",
        ),
        ("weekly on sun mon tue wed thu fri sat at 02:30", "30 2 * * *", "daily at 02:30"),
    ] {
        let timing: Timing = text.parse().unwrap();
        assert_eq!((timing.cron().as_str(), timing.to_string().as_str()), (cron, written));
        assert_eq!(Timing::from_cron(cron), timing);
    }
}

#[test]
fn bad_choices_get_one_clear_line() {
    for (text, word) in [
        ("every 7 minutes", "not a whole part of an hour"),
        ("every 0 minutes", "not a whole part of an hour"),
        ("every 5 hours", "not a whole part of a day"),
        ("every x hours", "\"x\" is not a number"),
        ("daily at 24:00", "not a valid time of day"),
        ("daily at 2", "not a valid time of day"),
        ("daily at +2:00", "not a valid time of day"),
        ("twice daily at 13:00", "the earlier of both times"),
        ("weekly on someday at 02:00", "not a valid day of the week"),
        ("monthly on 31 at 02:00", "not every month has that day"),
        ("daily at 06:00, 18:30", "the same minute"),
        ("daily at ,", "the times are missing"),
        ("weekly on , at 02:30", "one day of the week or more"),
        ("daily", "is not understood"),
        ("often", "not five fields"),
    ] {
        let error = text.parse::<Timing>().unwrap_err().to_string();
        assert!(error.contains(word) && !error.contains('\n'), "{text}: {error}");
    }
}
