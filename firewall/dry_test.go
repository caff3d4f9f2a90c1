package firewall

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

func TestDry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := OpenDry(Options{Max: 4})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		synctest.Wait()
		holds := func(when, addr string, want bool) {
			t.Helper()
			if got := d.Holds(netip.MustParseAddr(addr)); got != want {
				t.Errorf("%s: holds %s: got %v, want %v", when, addr, got, want)
			}
		}
		ban := func(p string, l time.Duration) bool { return d.Ban(netip.MustParsePrefix(p), l) }

		if !ban("198.51.100.5/32", time.Hour) || !ban("2001:db8:1:2::/64", 0) || !ban("203.0.113.0/24", 24*time.Hour) {
			t.Fatal("not banned")
		}
		holds("at once", "198.51.100.5", true)
		holds("at once", "::ffff:198.51.100.5", true)
		holds("at once", "198.51.100.6", false)
		holds("at once", "2001:db8:1:2::9", true)
		holds("at once", "203.0.113.77", true)
		if err := d.Reconcile(ctx, []Entry{
			{netip.MustParsePrefix("192.0.2.1/32"), time.Now().Add(2 * time.Hour)},
			{netip.MustParsePrefix("192.0.2.2/32"), time.Now().Add(-time.Hour)},
			{netip.MustParsePrefix("192.0.2.3/32"), time.Time{}},
		}, nil); !errors.Is(err, ErrFull) {
			t.Errorf("a fifth ban: got %v, want ErrFull", err)
		}
		if s := d.Stats(); s.Elements != 4 || !s.Active {
			t.Errorf("stats: %+v", s)
		}
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		holds("after an hour", "198.51.100.5", false)
		holds("after an hour", "192.0.2.1", true)
		if s := d.Stats(); s.Elements != 3 {
			t.Errorf("stats after an hour: %+v", s)
		}
		if err := d.BanNow(ctx, netip.MustParsePrefix("198.51.100.5/32"), time.Minute); err != nil {
			t.Error(err)
		}
		if err := d.UnbanNow(ctx, netip.MustParsePrefix("2001:db8:1:2::/64")); err != nil {
			t.Error(err)
		}
		d.Unban(netip.MustParsePrefix("203.0.113.0/24"))
		holds("lifted", "2001:db8:1:2::9", false)
		holds("lifted", "203.0.113.77", false)
		if err := d.BanNow(ctx, netip.MustParsePrefix("0.0.0.0/0"), 0); !errors.Is(err, ErrRefused) {
			t.Errorf("got %v, want ErrRefused", err)
		}
		if ban("127.0.0.1/32", 0) || d.Stats().Refused != 2 {
			t.Errorf("loopback: %+v", d.Stats())
		}
		if err := d.RemoveTable(ctx); err != nil || d.Stats().Elements != 0 {
			t.Errorf("after RemoveTable: %v, %+v", err, d.Stats())
		}
		stop()
		if err := <-ended; err != nil || d.Stats().Active || d.Close() != nil {
			t.Errorf("after Run: %v, %+v", err, d.Stats())
		}
	})
}
