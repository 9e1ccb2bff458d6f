//! Schedules and policies, and the loop told of each change.

use chrono::Utc;

use super::error::Result;
use super::handle::Service;
use crate::state::{
    AppId, EffectiveSchedule, Policy, PolicyId, PolicySpec, Schedule, ScheduleId, ScheduleSpec,
    State,
};

impl Service {
    /// Makes a schedule, of an app or of a policy.
    ///
    /// # Errors
    /// It cannot be used as it is given.
    pub async fn add_schedule(&self, spec: ScheduleSpec) -> Result<Schedule> {
        self.changing(move |state| state.add_schedule(&spec, Utc::now())).await
    }

    /// Changes a schedule that is at this revision.
    ///
    /// # Errors
    /// It cannot be used as it is given, or was changed meanwhile.
    pub async fn edit_schedule(
        &self,
        id: ScheduleId,
        revision: i64,
        spec: ScheduleSpec,
    ) -> Result<Schedule> {
        self.changing(move |state| state.edit_schedule(id, revision, &spec, Utc::now())).await
    }

    /// Removes a schedule.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn remove_schedule(&self, id: ScheduleId) -> Result<()> {
        self.changing(move |state| state.remove_schedule(id)).await
    }

    /// A schedule.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn schedule(&self, id: ScheduleId) -> Result<Schedule> {
        self.state(move |state| state.schedule(id)).await
    }

    /// All schedules, of apps and of policies.
    ///
    /// # Errors
    /// The database failed.
    pub async fn schedules(&self) -> Result<Vec<Schedule>> {
        self.state(State::schedules).await
    }

    /// The schedules of all apps or of one, those of its policies too.
    ///
    /// # Errors
    /// The database failed.
    pub async fn effective_schedules(&self, only: Option<AppId>) -> Result<Vec<EffectiveSchedule>> {
        self.state(move |state| state.effective_schedules(only)).await
    }

    /// Makes a policy.
    ///
    /// # Errors
    /// It cannot be used as it is given, or its name is taken.
    pub async fn add_policy(&self, spec: PolicySpec) -> Result<Policy> {
        self.changing(move |state| state.add_policy(&spec, Utc::now())).await
    }

    /// Changes a policy that is at this revision.
    ///
    /// # Errors
    /// As [`Service::add_policy`], or it was changed meanwhile.
    pub async fn edit_policy(
        &self,
        id: PolicyId,
        revision: i64,
        spec: PolicySpec,
    ) -> Result<Policy> {
        self.changing(move |state| state.edit_policy(id, revision, &spec, Utc::now())).await
    }

    /// Removes a policy with its schedules.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn remove_policy(&self, id: PolicyId) -> Result<()> {
        self.changing(move |state| state.remove_policy(id)).await
    }

    /// A policy.
    ///
    /// # Errors
    /// There is none with this id.
    pub async fn policy(&self, id: PolicyId) -> Result<Policy> {
        self.state(move |state| state.policy(id)).await
    }

    /// All policies by name.
    ///
    /// # Errors
    /// The database failed.
    pub async fn policies(&self) -> Result<Vec<Policy>> {
        self.state(State::policies).await
    }

    pub(super) async fn changing<T: Send + 'static>(
        &self,
        work: impl FnOnce(&State) -> crate::state::Result<T> + Send + 'static,
    ) -> Result<T> {
        let done = self.state(work).await;
        self.scheduler.wake();
        done
    }
}
