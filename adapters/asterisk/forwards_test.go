package asterisk

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pbxguard/guard"
)

// astdb is a database in memory.
type astdb struct {
	mu     sync.Mutex
	values map[string]string // by whole key
	err    error
}

// change does something to the database while nobody looks.
func (d *astdb) change(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *astdb) Tree(_ context.Context, family string) (map[string]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	found := map[string]string{}
	for k, v := range d.values {
		if len(k) > len(family)+2 && k[:len(family)+2] == "/"+family+"/" {
			found[k] = v
		}
	}
	return found, d.err
}

func (d *astdb) Put(_ context.Context, family, key, value string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.values["/"+family+"/"+key] = value
	return d.err
}

func (d *astdb) Delete(_ context.Context, family, key string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.values, "/"+family+"/"+key)
	return d.err
}

func TestForwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db := &astdb{values: map[string]string{"/CF/101": "0612345678"}}
		events := make(chan guard.Event, 16)
		f := newForwards("a", db, events, slog.New(slog.DiscardHandler), time.Now)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- f.Run(ctx) }()
		synctest.Wait()
		if ev := <-events; ev.Kind != guard.ForwardSet || ev.Account.Name != "101" || ev.Number != "0612345678" || ev.Exten != "CF" || !ev.Up {
			t.Errorf("got %+v, want the forward that was there before", ev)
		}
		db.change(func() { db.values["/CFU/102"] = "0025261234567" })
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if ev := <-events; ev.Account.Name != "102" || ev.Up {
			t.Errorf("got %+v, want a new forward of 102", ev)
		}
		if !f.SetForward(guard.Account{PBX: "a", Name: "102"}, "CFU", "") {
			t.Error("the order was not taken")
		}
		synctest.Wait()
		if got := slices.Collect(maps.Keys(db.values)); len(got) != 1 {
			t.Errorf("got %v, want the forward of 102 gone", got)
		}
		if !f.SetForward(guard.Account{PBX: "a", Name: "102"}, "CFU", "0025261234567") {
			t.Error("the order was not taken")
		}
		synctest.Wait()
		if db.values["/CFU/102"] != "0025261234567" {
			t.Errorf("got %v, want the forward of 102 back", db.values)
		}
		time.Sleep(31 * time.Second)
		db.change(func() { delete(db.values, "/CF/101") })
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if ev := <-events; ev.Account.Name != "101" || ev.Number != "" {
			t.Errorf("got %+v, want the forward of 101 gone", ev)
		}
		db.change(func() { db.err = errors.New("away") })
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if len(events) != 0 || !f.failed {
			t.Errorf("got %d events, failed %v, of a database that cannot be read", len(events), f.failed)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestForwardsRefuse(t *testing.T) {
	f := newForwards("a", &astdb{}, nil, slog.New(slog.DiscardHandler), time.Now)
	for _, tt := range []struct{ name, how, number string }{
		{"101", "pbxguard", ""}, {"", "CF", ""}, {"101\r\nAction: x", "CF", ""}, {"101", "CF", "1\n2"}, {"101", "CF", "Local/1@x"}, {"1/2", "CF", ""},
	} {
		if f.SetForward(guard.Account{Name: tt.name}, tt.how, tt.number) {
			t.Errorf("%+v was taken", tt)
		}
	}
}
