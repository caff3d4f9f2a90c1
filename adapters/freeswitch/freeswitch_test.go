package freeswitch

import (
	"log/slog"
	"testing"
	"time"

	"pbxguard/adapters/adaptertest"
	"pbxguard/adapters/internal/uplink"
	"pbxguard/guard"
)

// brisk shortens the waits of a PBX.
var brisk = timing{
	dial: 5 * time.Second, login: 5 * time.Second, write: 20 * time.Second,
	wake: time.Millisecond, ping: 20 * time.Millisecond, silence: 20 * time.Second, list: 20 * time.Second, stale: 20 * time.Second,
	Pauses: uplink.Pauses{
		Retry: 2 * time.Millisecond, RetryMax: 20 * time.Millisecond,
		Refused: 20 * time.Millisecond, RefuseMax: 50 * time.Millisecond,
	},
}

func kit(user string) adaptertest.Kit {
	k := adaptertest.Kit{Domain: adaptertest.ESLDomain}
	k.Play = func(t *testing.T) adaptertest.PBX { return adaptertest.NewESL(t) }
	k.Watch = func(t *testing.T, p adaptertest.PBX, events chan<- guard.Event, log *slog.Logger) adaptertest.Adapter {
		pbx, err := New(Options{Name: k.Name(), Address: p.(*adaptertest.ESL).Address(), User: user,
			Password: adaptertest.ESLPassword, Events: events, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		pbx.timing = brisk
		return pbx
	}
	return k
}

func TestConformance(t *testing.T) {
	t.Run("with the event socket's password", func(t *testing.T) { adaptertest.Run(t, kit("")) })
	t.Run("as a user of the directory", func(t *testing.T) { adaptertest.Run(t, kit(adaptertest.ESLUser)) })
}
