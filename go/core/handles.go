package core

import (
	"fmt"
	"sync"
	"sync/atomic"

	"bridge/fault"
)

// Limits of the handle tables. They catch a leak long before the machine suffers; no connector
// comes near them.
const (
	maxRemotes = 256
	maxStreams = 4096
	maxObjects = 4 << 20
	maxCalls   = 4096
)

// lastHandle makes every handle unique over all tables, so that a stale one never names
// something else.
var lastHandle atomic.Uint64

// table maps handles to what they stand for. It is bounded and safe for concurrent use.
type table[T any] struct {
	kind  string
	limit int
	mu    sync.RWMutex
	items map[uint64]T
}

func newTable[T any](kind string, limit int) *table[T] {
	return &table[T]{kind: kind, limit: limit, items: map[uint64]T{}}
}

func (t *table[T]) add(item T) (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.items) >= t.limit {
		return 0, fault.New(fault.Other, "", fmt.Sprintf("more than %d open %ss: close some first", t.limit, t.kind))
	}
	handle := lastHandle.Add(1)
	t.items[handle] = item
	return handle, nil
}

func (t *table[T]) get(handle uint64) (item T, err error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	item, ok := t.items[handle]
	if !ok {
		return item, t.unknown(handle)
	}
	return item, nil
}

func (t *table[T]) remove(handle uint64) (item T, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	item, ok := t.items[handle]
	if !ok {
		return item, t.unknown(handle)
	}
	delete(t.items, handle)
	return item, nil
}

// removeIf removes and returns every item that the condition holds for.
func (t *table[T]) removeIf(condition func(T) bool) (removed []T) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for handle, item := range t.items {
		if condition(item) {
			removed = append(removed, item)
			delete(t.items, handle)
		}
	}
	return removed
}

func (t *table[T]) len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.items)
}

func (t *table[T]) unknown(handle uint64) error {
	return fault.New(fault.Handle, "", fmt.Sprintf("unknown %s handle %d: it was never opened or is closed already", t.kind, handle))
}
