package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestCrewEndsFromTheTop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex // guards ended
		var ended []string
		member := func(name string, lasts time.Duration) func(context.Context) error {
			return func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(lasts)
				mu.Lock()
				defer mu.Unlock()
				ended = append(ended, name)
				return nil
			}
		}
		c := newCrew()
		c.layer().start("store", member("store", 0))
		c.layer().start("engine", member("engine", time.Second))
		top := c.layer()
		top.start("slow pbx", member("slow pbx", 3*time.Second))
		top.start("pbx", member("pbx", time.Second))

		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(time.Minute, stop)
		if err := c.wait(ctx); err != nil {
			t.Errorf("wait: got %v, want nil", err)
		}
		if len(ended) != 0 {
			t.Errorf("ended before the dismissal: %v", ended)
		}
		if err := c.dismiss(); err != nil {
			t.Errorf("dismiss: got %v, want nil", err)
		}
		if want := []string{"pbx", "slow pbx", "engine", "store"}; !slices.Equal(ended, want) {
			t.Errorf("got %v, want %v", ended, want)
		}
	})
}

func TestCrewReportsWhoFailed(t *testing.T) {
	broken := errors.New("broken")
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"with an error", broken, "engine: broken"},
		{"without one", nil, "engine: it ended by itself"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := newCrew()
				l := c.layer()
				l.start("store", func(ctx context.Context) error { <-ctx.Done(); return nil })
				l.start("engine", func(context.Context) error { return tt.err })
				err := c.wait(t.Context())
				if err == nil || err.Error() != tt.want || !errors.Is(err, tt.err) && tt.err != nil {
					t.Errorf("got %v, want %s", err, tt.want)
				}
				c.dismiss()
			})
		})
	}
}

// An error at the end of an orderly stop is not lost either.
func TestCrewReportsALateFailure(t *testing.T) {
	c := newCrew()
	c.layer().start("store", func(ctx context.Context) error { <-ctx.Done(); return errors.New("disk full") })
	if err := c.dismiss(); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("got %v", err)
	}
}
