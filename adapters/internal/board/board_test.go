package board

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pbxguard/guard"
)

// shelf is a database in memory.
type shelf struct {
	mu       sync.Mutex
	forwards map[Place]string
	locks    map[guard.Account]string
	err      error
}

// change does something to the database while nobody looks.
func (d *shelf) change(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *shelf) Known(at Place) bool { return at.How == "CF" || at.How == "CFU" }

func (d *shelf) Forwards(context.Context) (map[Place]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.forwards), d.err
}

func (d *shelf) SetForward(_ context.Context, at Place, number string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.forwards[at] = number; number == "" {
		delete(d.forwards, at)
	}
	return d.err
}

func (d *shelf) Locks(context.Context) (map[guard.Account]string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.locks), d.err
}

func (d *shelf) SetLock(_ context.Context, a guard.Account, value string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.locks[a] = value; value == "" {
		delete(d.locks, a)
	}
	return d.err
}

func at(name, how string) Place { return Place{guard.Account{Name: name}, how} }

// run runs a board of a database.
func run(t *testing.T, d *shelf) (*Board, chan guard.Event) {
	events := make(chan guard.Event, 16)
	b := New("a", d, events, slog.New(slog.DiscardHandler), time.Now)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- b.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	synctest.Wait()
	return b, events
}

func TestForwards(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &shelf{forwards: map[Place]string{at("101", "CF"): "0612345678"}}
		b, events := run(t, d)
		if ev := <-events; ev.Kind != guard.ForwardSet || ev.Account != (guard.Account{PBX: "a", Name: "101"}) || ev.Number != "0612345678" || ev.Exten != "CF" || !ev.Up {
			t.Errorf("got %+v, want the forward that was there before", ev)
		}
		d.change(func() { d.forwards[at("102", "CFU")] = "0025261234567" })
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if ev := <-events; ev.Account.Name != "102" || ev.Up {
			t.Errorf("got %+v, want a new forward of 102", ev)
		}
		for _, number := range []string{"", "0025261234567"} {
			if !b.SetForward(guard.Account{PBX: "a", Name: "102"}, "CFU", number) {
				t.Error("the order was not taken")
			}
			synctest.Wait()
			if got := d.forwards[at("102", "CFU")]; got != number {
				t.Errorf("got a forward of 102 to %q, want %q", got, number)
			}
		}
		time.Sleep(31 * time.Second)
		if len(events) != 0 {
			t.Errorf("got %+v, want nothing of what was ordered", <-events)
		}
		d.change(func() { delete(d.forwards, at("101", "CF")) })
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if ev := <-events; ev.Account.Name != "101" || ev.Number != "" {
			t.Errorf("got %+v, want the forward of 101 gone", ev)
		}
		b.Look()
		synctest.Wait()
		if ev := <-events; ev.Account.Name != "102" || !ev.Up {
			t.Errorf("got %+v, want all told again", ev)
		}
		d.change(func() { d.err = errors.New("away") })
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if len(events) != 0 {
			t.Errorf("got %d events of a database that cannot be read", len(events))
		}
	})
}

// TestLocks: what is locked in the database is what the guard wants, whatever was
// there, and comes back when it is lost.
func TestLocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &shelf{locks: map[guard.Account]string{{Name: "199"}: "all:1:,"}}
		b, _ := run(t, d)
		if len(d.locks) != 1 {
			t.Error("locks were changed before the guard has said which it wants")
		}
		until := time.Unix(1795320000, 0)
		one := guard.Locked{Account: guard.Account{PBX: "a", Name: "100"}, All: true, Until: until, Spared: []netip.Addr{netip.MustParseAddr("198.51.100.7")}}
		two := guard.Locked{Account: guard.Account{PBX: "a", Domain: "x.example", Name: "101"}}
		odd := guard.Locked{Account: guard.Account{PBX: "a", Name: "1/2"}}
		b.SetLocks([]guard.Locked{one, two, odd})
		want := map[guard.Account]string{
			{Name: "100"}: "all:1795320000:,198.51.100.7,", {Domain: "x.example", Name: "101"}: "abroad:4102444800:,",
		}
		synctest.Wait()
		if !maps.Equal(d.locks, want) {
			t.Errorf("got %v, want %v", d.locks, want)
		}
		d.change(func() { clear(d.locks) })
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if !maps.Equal(d.locks, want) {
			t.Errorf("after they were lost: got %v, want %v", d.locks, want)
		}
		b.SetLocks(nil)
		synctest.Wait()
		if len(d.locks) != 0 {
			t.Errorf("got %v, want none", d.locks)
		}
	})
}

func TestRefused(t *testing.T) {
	b := New("a", &shelf{}, nil, slog.New(slog.DiscardHandler), time.Now)
	for _, tt := range []struct{ name, how, number string }{
		{"101", "pbxguard", ""}, {"", "CF", ""}, {"101\r\nAction: x", "CF", ""}, {"101", "CF", "1\n2"}, {"101", "CF", "Local/1@x"}, {"1/2", "CF", ""},
	} {
		if b.SetForward(guard.Account{Name: tt.name}, tt.how, tt.number) {
			t.Errorf("%+v was taken", tt)
		}
	}
}
