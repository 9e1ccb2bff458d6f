package ttlmap

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func wantValue(t *testing.T, m *Map[string, int], key string, want int) {
	t.Helper()
	if got, ok := m.Get(key); !ok || got != want {
		t.Errorf("Get(%q) = %d, %t; want %d, true", key, got, ok, want)
	}
}

func wantNothing(t *testing.T, m *Map[string, int], key string) {
	t.Helper()
	if got, ok := m.Get(key); ok || got != 0 {
		t.Errorf("Get(%q) = %d, %t; want 0, false", key, got, ok)
	}
}

// held counts the entries in memory, readable or not.
func held(m *Map[string, int]) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.entries)
}

func TestGetMissing(t *testing.T) {
	wantNothing(t, New[string, int](time.Hour), "a")
}

func TestEntryLivesForTTL(t *testing.T) {
	for _, auto := range []bool{false, true} {
		t.Run(fmt.Sprintf("auto=%t", auto), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m := New[string, int](time.Hour)
				if auto {
					m.AutoExpire()
				}
				m.Add("a", 1)
				time.Sleep(time.Hour - time.Nanosecond)
				wantValue(t, m, "a", 1)
				time.Sleep(time.Nanosecond)
				wantNothing(t, m, "a")
			})
		})
	}
}

func TestGetDoesNotProlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New[string, int](time.Hour)
		m.Add("a", 1)
		time.Sleep(40 * time.Minute)
		wantValue(t, m, "a", 1)
		time.Sleep(40 * time.Minute)
		wantNothing(t, m, "a")
	})
}

func TestAddReplacesAndStartsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New[string, int](time.Hour)
		m.AutoExpire()
		m.Add("a", 1)
		time.Sleep(40 * time.Minute)
		m.Add("a", 2)
		time.Sleep(40 * time.Minute)
		wantValue(t, m, "a", 2)
		time.Sleep(20 * time.Minute)
		wantNothing(t, m, "a")
	})
}

func TestAutoExpireFreesEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New[string, int](time.Hour)
		m.Add("early", 1)
		time.Sleep(30 * time.Minute)
		m.AutoExpire()
		m.AutoExpire()
		m.Add("late", 2)

		time.Sleep(31 * time.Minute)
		synctest.Wait()
		if n := held(m); n != 1 {
			t.Errorf("%d entries held; want 1", n)
		}
		wantValue(t, m, "late", 2)

		time.Sleep(time.Hour)
		synctest.Wait()
		if n := held(m); n != 0 {
			t.Errorf("%d entries held; want 0", n)
		}
	})
}

func TestWithoutAutoExpireEntriesStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := New[string, int](time.Hour)
		m.Add("a", 1)
		time.Sleep(2 * time.Hour)
		wantNothing(t, m, "a")
		if n := held(m); n != 1 {
			t.Errorf("%d entries held; want 1", n)
		}
	})
}

func TestConcurrentUse(t *testing.T) {
	m := New[string, int](time.Microsecond)
	m.AutoExpire()
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 500 {
				key := fmt.Sprint(i % 10)
				m.Add(key, g)
				m.Get(key)
			}
		})
	}
	wg.Wait()
}
