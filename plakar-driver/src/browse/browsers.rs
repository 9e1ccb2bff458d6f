//! The browsers of all stores.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;

use crate::browse::all_points::{AllPointsAnswer, Catalogues};
use crate::browse::browser::Browser;
use crate::browse::indexes::{self, Indexes};
use crate::configuration::store::Store;
use crate::error::Result;
use crate::process::command::Plakar;

/// Browsers by store: started when needed, stopped when idle, and with this.
#[derive(Clone)]
pub struct Browsers(Arc<BrowserPool>);

type BrowserSlot = Arc<AsyncMutex<Option<Arc<Browser>>>>;

struct BrowserPool {
    slots: Mutex<HashMap<Store, BrowserSlot>>,
    idle: Duration,
    indexes: Arc<Indexes>,
    catalogues: Arc<Catalogues>,
}

impl Browsers {
    /// Each is stopped when it was not used for `idle`.
    pub fn new(idle: Duration) -> Self {
        Self::with_index_limit(idle, indexes::MAX_INDEX_ENTRIES)
    }

    /// The same, and no index is made of a restore point with more entries than this.
    pub fn with_index_limit(idle: Duration, entries: usize) -> Self {
        Self(Arc::new(BrowserPool {
            slots: Mutex::default(),
            idle,
            indexes: Indexes::new(entries),
            catalogues: Arc::default(),
        }))
    }

    /// Searches all restore points of an app for names, as far as they were read; the rest is being
    /// read from then on. Each path comes once.
    ///
    /// # Errors
    /// The store cannot be opened; [`crate::Error::Input`] for too long a text.
    pub async fn search_all(
        &self,
        plakar: &Plakar,
        store: &Store,
        app: &str,
        text: &str,
        (offset, limit): (u64, u64),
    ) -> Result<AllPointsAnswer> {
        let browser = self.of(plakar, store).await?;
        let catalogues = &self.0.catalogues;
        catalogues.search((&browser, store), app, text, (offset, limit)).await
    }

    /// The browser of a store.
    ///
    /// # Errors
    /// The store cannot be opened.
    pub async fn of(&self, plakar: &Plakar, store: &Store) -> Result<Arc<Browser>> {
        self.found_or_started(plakar, store).await.map(|(browser, _)| browser)
    }

    /// Starts the browser of a store for what comes later; one that cannot be started is told then.
    /// Gives whether it was started now.
    pub(crate) async fn start_if_none(&self, plakar: &Plakar, store: &Store) -> bool {
        self.found_or_started(plakar, store).await.is_ok_and(|(_, started)| started)
    }

    /// Stops the browser of a store.
    pub(crate) async fn stop(&self, store: &Store) {
        let slot = self.slot(store);
        slot.lock_owned().await.take();
    }

    fn slot(&self, store: &Store) -> BrowserSlot {
        let mut slots = self.0.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(store.clone()).or_default())
    }

    async fn found_or_started(
        &self,
        plakar: &Plakar,
        store: &Store,
    ) -> Result<(Arc<Browser>, bool)> {
        let mut slot = self.slot(store).lock_owned().await;
        if let Some(browser) = slot.as_ref()
            && browser.is_configured(plakar)
            && browser.runs().await
        {
            browser.touch();
            return Ok((Arc::clone(browser), false));
        }
        let browser = Arc::new(Browser::start(plakar, store, &self.0.indexes).await?);
        *slot = Some(Arc::clone(&browser));
        tokio::spawn(stop_when_idle(
            Arc::downgrade(&self.0),
            store.clone(),
            Arc::downgrade(&browser),
        ));
        Ok((browser, true))
    }
}

/// Ends when the browser or the pool is gone.
async fn stop_when_idle(pool: Weak<BrowserPool>, store: Store, browser: Weak<Browser>) {
    loop {
        let Some(idle) = pool.upgrade().map(|pool| pool.idle) else { return };
        let Some(used) = browser.upgrade().map(|browser| browser.used()) else { return };
        tokio::time::sleep(idle.saturating_sub(used.elapsed()).max(Duration::from_millis(10)))
            .await;
        let (Some(pool), Some(browser)) = (pool.upgrade(), browser.upgrade()) else { return };
        // A download that goes on holds one more.
        if browser.used().elapsed() >= idle && Arc::strong_count(&browser) == 2 {
            let slot =
                pool.slots.lock().unwrap_or_else(PoisonError::into_inner).get(&store).cloned();
            if let Some(slot) = slot {
                slot.lock().await.take_if(|kept| Arc::ptr_eq(kept, &browser));
            }
            return;
        }
    }
}
