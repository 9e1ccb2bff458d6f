package core

import (
	"fmt"
	"sync"
	"testing"

	"bridge/checks"
	"bridge/fault"
)

func TestTable(t *testing.T) {
	table := newTable[string]("thing", 2)
	a, err := table.add("a")
	checks.OK(t, err)
	b, err := table.add("b")
	checks.OK(t, err)
	if a == 0 || a == b {
		t.Fatalf("handles %d and %d", a, b)
	}
	if _, err := table.add("c"); err == nil {
		t.Fatal("the limit is not kept")
	}
	if got, err := table.get(b); err != nil || got != "b" {
		t.Fatal(got, err)
	}
	if got, err := table.remove(a); err != nil || got != "a" {
		t.Fatal(got, err)
	}
	_, err = table.remove(a)
	checks.HasKind(t, err, fault.Handle)
	_, err = table.get(0)
	checks.HasKind(t, err, fault.Handle)
	c, err := table.add("c")
	checks.OK(t, err)
	if c == a {
		t.Fatal("a handle is used again")
	}
	if got := table.removeIf(func(s string) bool { return s == "b" }); len(got) != 1 || table.len() != 1 {
		t.Fatal(got, table.len())
	}
}

func TestTableConcurrent(t *testing.T) {
	table := newTable[int]("thing", 1000)
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			for i := range 200 {
				handle, err := table.add(i)
				if got, getErr := table.get(handle); err != nil || getErr != nil || got != i {
					t.Error(got, err, getErr)
				}
				if _, err := table.remove(handle); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if table.len() != 0 {
		t.Fatal(table.len())
	}
}

// Every table refuses what goes beyond its limit, and leaves nothing behind then.
func TestLimits(t *testing.T) {
	tidy(t)
	r := memoryRemote(t)
	object := upload(t, r, "a", "abc").Object
	upload(t, r, "b", "abc")
	limited := func(limit *int, value int, check func()) {
		before := *limit
		*limit = value
		check()
		*limit = before
	}
	limited(&remotes.limit, remotes.len(), func() {
		refused(t, "open", m{"config": m{"type": "memory"}}, fault.Other)
	})
	limited(&streams.limit, 0, func() {
		_, err := OpenReader(object, 0, -1)
		checks.HasKind(t, err, fault.Other)
		_, err = Create(r, "c", 1, 0)
		checks.HasKind(t, err, fault.Other)
	})
	limited(&objects.limit, objects.len()+1, func() {
		before := objects.len()
		refused(t, "list", m{"remote": r, "keep": true}, fault.Other)
		if objects.len() != before {
			t.Fatal("a refused listing keeps objects")
		}
	})
	limited(&objects.limit, objects.len(), func() {
		refused(t, "stat", m{"remote": r, "path": "a"}, fault.Other)
		w, err := Create(r, "c", 1, 0)
		checks.OK(t, err)
		checks.OK(t, Write(w, []byte("x")))
		// What cannot be told of is not stored either.
		refused(t, "commit", commitIn{w}, fault.Other)
		if got := names(t, r, ""); got != "a b" {
			t.Fatal(got)
		}
	})
	running.Lock()
	for i := range uint64(maxCalls) {
		running.cancels[1000000+i] = func() {}
	}
	running.Unlock()
	refused(t, "list", m{"remote": r, "call": 1}, fault.Handle)
	call[listOut](t, "list", m{"remote": r})
	running.Lock()
	clear(running.cancels)
	running.Unlock()
	if got := fmt.Sprint(remotes.limit, streams.limit, objects.limit); got != "256 4096 4194304" {
		t.Fatal(got)
	}
}
