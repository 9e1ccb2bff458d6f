// Package ttlmap stands in for go.omarpolo.com/ttlmap, which the Go module
// proxy does not always serve. It holds what Plakar 1.1.4 uses and nothing
// else, and shares no code with the original.
package ttlmap

import (
	"sync"
	"time"
)

// Map is a map whose entries vanish a fixed time after they were added.
// It may be used from several goroutines at once.
type Map[K comparable, V any] struct {
	ttl time.Duration

	mu      sync.Mutex
	entries map[K]*entry[V]
	auto    bool
}

type entry[V any] struct {
	value   V
	expires time.Time
	timer   *time.Timer // nil unless AutoExpire was called
}

// New returns an empty map whose entries live for ttl.
func New[K comparable, V any](ttl time.Duration) *Map[K, V] {
	return &Map[K, V]{ttl: ttl, entries: make(map[K]*entry[V])}
}

// Add sets the value of key. An earlier value is replaced and its time starts
// anew.
func (m *Map[K, V]) Add(key K, value V) {
	m.mu.Lock()
	defer m.mu.Unlock()

	if old := m.entries[key]; old != nil && old.timer != nil {
		old.timer.Stop()
	}
	e := &entry[V]{value: value, expires: time.Now().Add(m.ttl)}
	m.entries[key] = e
	if m.auto {
		m.arm(key, e)
	}
}

// Get returns the value of key, and false if there is none or if its time is
// over. Reading does not prolong an entry's life.
func (m *Map[K, V]) Get(key K) (V, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()

	if e := m.entries[key]; e != nil && time.Now().Before(e.expires) {
		return e.value, true
	}
	var zero V
	return zero, false
}

// AutoExpire makes the map free its entries when their time is over. Without
// it they can no longer be read but stay in memory. It starts no goroutine,
// so it may be called from an init function.
func (m *Map[K, V]) AutoExpire() {
	m.mu.Lock()
	defer m.mu.Unlock()

	if m.auto {
		return
	}
	m.auto = true
	for key, e := range m.entries {
		m.arm(key, e)
	}
}

// arm schedules the removal of e. The caller holds the lock.
func (m *Map[K, V]) arm(key K, e *entry[V]) {
	e.timer = time.AfterFunc(time.Until(e.expires), func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		// The timer may have fired while Add was replacing the entry.
		if m.entries[key] == e {
			delete(m.entries, key)
		}
	})
}
