//! Whether rows are over the limit of their status. It is judged here and nowhere else: sources only say how old rows are.
//!
//! Ages are whole seconds by the database's clock, as of the poll that brought them. A row is over its limit when its age is more,
//! strictly. What its age counts from is the clock of its status; by sight it is the least that it can be, so that a row is over the limit
//! only where it surely is, and within it only where it surely is.

use crate::observe::observation::{Row, StandingRow, StatusCount};
use crate::observe::state::State;
use crate::profile::{ClockBasis, Status, Table};
use crate::safe;
use crate::text::SafeText;

/// The age of a row by a clock, seconds; `seen_s` is for how long it has been seen in its status. `None` where the row does not say.
pub fn age_s(clock: ClockBasis, row: &Row, seen_s: Option<i64>) -> Option<i64> {
    match clock {
        ClockBasis::UpdatedAt => row.idle_s,
        ClockBasis::CreatedAt => row.age_s,
        // The status is written with the row: since it was last written, it has not changed.
        ClockBasis::FirstSeen => seen_s.max(row.idle_s),
    }
}

/// How many seconds an age leaves to the limit of a status: at 0 it has reached it, and below it is over it. `None` without a limit.
pub fn left_s(status: &Status, age_s: i64) -> Option<i64> {
    let limit = i64::try_from(status.limit?.as_secs()).unwrap_or(i64::MAX);
    Some(limit.saturating_sub(age_s))
}

/// Whether an age is over the limit of a status.
pub fn is_over(status: &Status, age_s: i64) -> bool {
    left_s(status, age_s).is_some_and(|left| left < 0)
}

/// How the rows of one status stand against its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Overdue {
    /// The status has no limit, or the profile does not know it.
    NoLimit,
    /// Each is within it.
    Within,
    /// Some are over it.
    Over {
        /// How many.
        count: u64,
        /// Whether there may be more: not all rows were read one by one.
        at_least: bool,
    },
    /// It is not known whether any is over it.
    Unknown {
        /// What is missing.
        missing: SafeText,
    },
}

impl Overdue {
    /// How many are over the limit; `None` where that is not known, or there is no limit.
    pub fn count(&self) -> Option<u64> {
        match self {
            Self::Over { count, .. } => Some(*count),
            Self::Within => Some(0),
            Self::NoLimit | Self::Unknown { .. } => None,
        }
    }

    /// Whether any is over the limit.
    pub fn is_over(&self) -> bool {
        matches!(self, Self::Over { .. })
    }

    /// Whether more than [`Overdue::count`] may be over the limit.
    pub fn is_least(&self) -> bool {
        matches!(self, Self::Over { at_least: true, .. })
    }
}

impl State {
    /// The rows of a table that are over the limit of their status, as they were listed: the oldest first.
    pub fn late_rows<'a>(&'a self, table: &'a Table) -> impl Iterator<Item = &'a StandingRow> {
        let listed = self.under_way(&table.name);
        let rows = listed.map_or(&[][..], |list| &list.rows);
        rows.iter().filter(|row| {
            let status = table.status(&row.status).zip(row.clock_s);
            status.is_some_and(|(status, age)| is_over(status, age))
        })
    }

    /// How the rows of a status stand against its limit.
    pub fn overdue(&self, table: &Table, counted: &StatusCount) -> Overdue {
        let known = table.status(&counted.status);
        let Some(status) = known.filter(|status| status.limit.is_some()) else {
            return Overdue::NoLimit;
        };
        if counted.count == 0 {
            return Overdue::Within;
        }
        let list = self.under_way(&table.name);
        let rows = list.map_or(&[][..], |list| &list.rows);
        let of_status = || rows.iter().filter(|row| row.status == counted.status);
        let all_listed = of_status().count() as u64 >= counted.count;
        let late = self.late_rows(table);
        let late = late.filter(|row| row.status == counted.status).count() as u64;
        let oldest_is_over = counted.oldest_s.is_some_and(|age| is_over(status, age));
        // Records of before have the number as their source judged it: it counts where not all rows are listed.
        let said = counted.over_limit.filter(|_| !all_listed);
        let least = late.max(u64::from(oldest_is_over)).max(said.unwrap_or(0));
        if least > 0 {
            let cut = list.is_some_and(|list| list.more);
            return Overdue::Over {
                count: least.min(counted.count),
                at_least: cut && !all_listed && said.is_none(),
            };
        }
        let name = &counted.status;
        let missing = if status.clock == ClockBasis::FirstSeen {
            let within = |row: &StandingRow| {
                let most = self.most_in_status_s(&table.name, row);
                most.is_some_and(|most| !is_over(status, most))
            };
            let surely = all_listed && of_status().all(within);
            (!surely).then(|| safe!("{name} not watched long enough"))
        } else {
            let ageless = of_status().filter(|row| row.clock_s.is_none()).count();
            match (counted.oldest_s, ageless) {
                (None, _) => Some(safe!("no age for {name}")),
                (Some(_), 0) => None,
                (Some(_), ageless) => Some(safe!("no age for {ageless} of {} {name}", counted.count)),
            }
        };
        missing.map_or(Overdue::Within, |missing| Overdue::Unknown { missing })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::observe::observation::{Observation, UnderWay};
    use crate::profile::Role;
    use crate::testkit::{now, reading};

    fn status(clock: ClockBasis, limit: Option<u64>) -> Status {
        Status {
            name: "provisioning".into(),
            role: Role::InFlight,
            clock,
            limit: limit.map(Duration::from_secs),
        }
    }

    fn table(status: Status) -> Table {
        Table {
            name: "clusters".into(),
            title: "OSD cluster".into(),
            ocm_id: None,
            reason: None,
            statuses: vec![status],
        }
    }

    /// A poll: how many rows there are, the age of the oldest, what its source judged; the ages of those that are listed, and whether there
    /// are more.
    fn polled(
        count: u64,
        oldest: Option<i64>,
        said: Option<u64>,
        listed: &[Option<i64>],
        more: bool,
    ) -> State {
        let mut reading = reading(None, &[("provisioning", count, oldest, said)]);
        let row = |(place, age): (usize, &Option<i64>)| StandingRow {
            status: "provisioning".into(),
            clock_s: *age,
            row: Row {
                id: format!("row-{place}").into(),
                ocm_id: "".into(),
                region: "".into(),
                idle_s: *age,
                age_s: Some(9_000),
                reason: "".into(),
            },
        };
        reading.tables[0].under_way = Ok(UnderWay {
            rows: listed.iter().enumerate().map(row).collect(),
            more,
            by_sight: Vec::new(),
        });
        let mut state = State::default();
        state.apply(Observation::Database(reading), now());
        state
    }

    fn judged(state: &State, table: &Table) -> Overdue {
        let Some(Ok(counts)) = state.statuses("clusters") else {
            panic!("the table was read")
        };
        state.overdue(table, &counts[0])
    }

    #[test]
    fn a_limit_is_exceeded_a_second_after_it_is_reached() {
        for limit in [180, 2_700] {
            let status = status(ClockBasis::UpdatedAt, Some(limit));
            let limit = limit as i64;
            for (age, left, over) in [
                (limit - 1, 1, false),
                (limit, 0, false),
                (limit + 1, -1, true),
                (-60, limit + 60, false),
            ] {
                assert_eq!(
                    (left_s(&status, age), is_over(&status, age)),
                    (Some(left), over),
                    "{age}"
                );
            }
        }
        let endless = status(ClockBasis::UpdatedAt, None);
        assert_eq!(
            (left_s(&endless, i64::MAX), is_over(&endless, i64::MAX)),
            (None, false)
        );
        let most = status(ClockBasis::UpdatedAt, Some(u64::MAX));
        assert!(!is_over(&most, i64::MAX) && !is_over(&most, i64::MIN));
    }

    #[test]
    fn each_clock_counts_from_its_own_moment() {
        let row = Row {
            id: "1n5F".into(),
            ocm_id: "".into(),
            region: "".into(),
            idle_s: Some(12),
            age_s: Some(9_000),
            reason: "".into(),
        };
        assert_eq!(age_s(ClockBasis::UpdatedAt, &row, Some(60)), Some(12));
        assert_eq!(age_s(ClockBasis::CreatedAt, &row, Some(60)), Some(9_000));
        assert_eq!(age_s(ClockBasis::FirstSeen, &row, Some(60)), Some(60));
        assert_eq!(age_s(ClockBasis::FirstSeen, &row, None), Some(12));
    }

    #[test]
    fn the_rows_themselves_tell_how_many_are_over_whatever_their_source_says() {
        let table = table(status(ClockBasis::UpdatedAt, Some(180)));
        let ages = [Some(181), Some(180), Some(9)];
        for said in [None, Some(0), Some(3)] {
            let state = polled(3, Some(181), said, &ages, false);
            let over = Overdue::Over {
                count: 1,
                at_least: false,
            };
            assert_eq!(judged(&state, &table), over, "{said:?}");
            let late: Vec<_> = state.late_rows(&table).map(|row| &*row.row.id).collect();
            assert_eq!(late, ["row-0"]);
        }
        let state = polled(2, Some(180), Some(2), &ages[1..], false);
        assert_eq!(judged(&state, &table), Overdue::Within);
    }

    #[test]
    fn of_rows_that_are_not_listed_the_oldest_tells_and_an_old_record_s_number() {
        let table = table(status(ClockBasis::UpdatedAt, Some(180)));
        let over = |count, at_least| Overdue::Over { count, at_least };
        let cases = [
            (polled(9, Some(181), None, &[Some(181)], true), over(1, true)),
            (polled(9, Some(181), Some(4), &[Some(181)], true), over(4, false)),
            (polled(9, Some(181), None, &[], false), over(1, false)),
            (polled(9, Some(180), None, &[], true), Overdue::Within),
        ];
        for (state, want) in cases {
            assert_eq!(judged(&state, &table), want);
        }
    }

    #[test]
    fn without_an_age_nothing_is_said_of_a_limit() {
        let table = table(status(ClockBasis::UpdatedAt, Some(180)));
        let unknown = |missing: &str| Overdue::Unknown {
            missing: missing.into(),
        };
        let one = polled(2, Some(60), None, &[Some(60), None], false);
        assert_eq!(judged(&one, &table), unknown("no age for 1 of 2 provisioning"));
        let all = polled(1, None, Some(0), &[None], false);
        assert_eq!(judged(&all, &table), unknown("no age for provisioning"));
        assert_eq!(judged(&all, &table).count(), None);
        let endless = self::table(status(ClockBasis::UpdatedAt, None));
        assert_eq!(judged(&all, &endless), Overdue::NoLimit);
    }

    #[test]
    fn how_many_are_over_is_a_number_only_where_it_is_known() {
        let over = |at_least| Overdue::Over { count: 4, at_least };
        let unknown = Overdue::Unknown {
            missing: "an age".into(),
        };
        // how many, whether any is, whether more may be
        for (overdue, count, is_over, is_least) in [
            (Overdue::NoLimit, None, false, false),
            (Overdue::Within, Some(0), false, false),
            (over(false), Some(4), true, false),
            (over(true), Some(4), true, true),
            (unknown, None, false, false),
        ] {
            let said = (overdue.count(), overdue.is_over(), overdue.is_least());
            assert_eq!(said, (count, is_over, is_least), "{overdue:?}");
        }
    }

    #[test]
    fn a_list_that_is_cut_hides_no_row_of_a_status_that_is_listed_whole() {
        let table = table(status(ClockBasis::UpdatedAt, Some(180)));
        let whole = polled(1, Some(181), None, &[Some(181)], true);
        let over = |at_least| Overdue::Over { count: 1, at_least };
        assert_eq!(judged(&whole, &table), over(false));
        let cut = polled(2, Some(181), None, &[Some(181)], true);
        assert_eq!(judged(&cut, &table), over(true));
    }

    /// Rows of a second status are listed beside those of the first; both have a limit of three minutes.
    fn beside_others(count: u64, oldest: i64, said: Option<u64>, others: &[Option<i64>]) -> (State, Table) {
        let one = status(ClockBasis::UpdatedAt, Some(180));
        let mut table = table(one.clone());
        table.statuses.push(Status {
            name: "accepted".into(),
            ..one
        });
        let mut state = polled(count, Some(oldest), said, others, false);
        let Some((at, mut reading)) = state.reading.clone() else {
            panic!("the table was read")
        };
        for row in &mut reading.tables[0].under_way.as_mut().unwrap().rows {
            row.status = "accepted".into();
        }
        state.apply(Observation::Database(reading), at);
        (state, table)
    }

    #[test]
    fn rows_of_another_status_count_neither_as_late_nor_as_listed() {
        let late = [Some(181), Some(999)];
        let (state, table) = beside_others(2, 180, None, &late);
        assert_eq!(judged(&state, &table), Overdue::Within);
        // neither of the two is listed: what the record says counts
        let (state, table) = beside_others(2, 181, Some(2), &late);
        let over = Overdue::Over {
            count: 2,
            at_least: false,
        };
        assert_eq!(judged(&state, &table), over);
        // rows of another status that have no age leave nothing open
        let (state, table) = beside_others(1, 60, None, &[None]);
        assert_eq!(judged(&state, &table), Overdue::Within);
    }

    #[test]
    fn by_sight_a_status_is_within_its_limit_only_where_each_row_is_listed_and_surely_is() {
        let table = table(status(ClockBasis::FirstSeen, Some(9_000)));
        let unknown = Overdue::Unknown {
            missing: "provisioning not watched long enough".into(),
        };
        // Each listed row was made 9000 s ago: it can't be in its status for longer.
        let all = polled(2, Some(60), None, &[Some(60), Some(60)], false);
        assert_eq!(judged(&all, &table), Overdue::Within);
        let some = polled(3, Some(60), None, &[Some(60), Some(60)], false);
        assert_eq!(judged(&some, &table), unknown);
        let shorter = self::table(status(ClockBasis::FirstSeen, Some(8_999)));
        assert_eq!(judged(&all, &shorter), unknown);
        let none = polled(0, None, None, &[], false);
        assert_eq!(judged(&none, &shorter), Overdue::Within, "no row is late");
    }
}
