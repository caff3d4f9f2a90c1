package freeswitch

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// message is one event of a recording.
type message struct {
	body []byte
	leg  string
	name string
	seq  int
}

// recording is the events of a recording that are subscribed to.
func recording(t testing.TB, name string) (all []message) {
	t.Helper()
	frames := newFrames(open(t, name))
	var b wire.Block
	for {
		f, err := frames.next()
		if err != nil {
			return all
		}
		if f.kind() != eventFrame {
			continue
		}
		if _, err := b.Take(f.body); err != nil {
			t.Fatal(err)
		}
		m := message{body: slices.Clone(f.body), leg: string(b.Get("Unique-ID")), name: string(b.Get("Event-Name"))}
		m.seq, _ = strconv.Atoi(string(b.Get("Event-Sequence")))
		switch m.name {
		case "CHANNEL_CREATE", "CHANNEL_ANSWER", "CHANNEL_HANGUP_COMPLETE", "CUSTOM":
			all = append(all, m)
		}
	}
}

// play has the engine judge events in an order, 1 ms apart.
func play(t testing.TB, w *world, events []message) {
	t.Helper()
	at := w.last
	tr := translator{pbx: "f", book: newBook(), emit: func(ev *guard.Event) { w.feed(*ev) }}
	var b wire.Block
	for _, m := range events {
		if _, err := b.Take(m.body); err != nil {
			t.Fatal(err)
		}
		at = at.Add(1e6)
		tr.event(&b, at)
	}
	w.wait(1e9)
}

// scenes are the recordings with calls in which one leg must know of another.
var scenes = []string{"out_killed", "fwd_302", "fwd_userset", "xfer_blind", "xfer_attended", "out_loopback", "concurrent10", "spoof_cid", "originate_api"}

// TestAnyInterleaving: events of different legs may overtake each other by as
// much as was ever seen and more. Whatever the order, the same calls are written
// down, paid by the same accounts, and nothing is left up.
func TestAnyInterleaving(t *testing.T) {
	for _, scene := range scenes {
		t.Run(scene, func(t *testing.T) {
			events := recording(t, scene)
			w := newWorld(t)
			play(t, w, events)
			want := calls(w)
			for i := range want { // which number counts as dialled may depend on what comes first
				want[i] = strings.Replace(want[i], " - 0031201234567 ", " - 0031201234567|990031201234567|930031201234567 ", 1)
			}
			rapid.Check(t, func(rt *rapid.T) {
				w := newWorld(t)
				play(t, w, shuffled(rt, events, 3))
				if got := calls(w); !slices.EqualFunc(got, want, sameCall) {
					rt.Fatalf("calls:\n got %q\nwant %q", got, want)
				}
				quiet(rt, w)
			})
		})
	}
}

// shuffled moves each event past up to far events of other legs, but no end
// before any start or answer: between those lie seconds.
func shuffled(rt *rapid.T, events []message, far int) []message {
	out := slices.Clone(events)
	for i := range out {
		for j, n := i, rapid.IntRange(0, far).Draw(rt, "past"); j > 0 && n > 0; j, n = j-1, n-1 {
			a, b := out[j-1], out[j]
			if a.leg == b.leg || (a.name == "CHANNEL_HANGUP_COMPLETE") != (b.name == "CHANNEL_HANGUP_COMPLETE") || a.name == "CUSTOM" || b.name == "CUSTOM" {
				break
			}
			out[j-1], out[j] = b, a
		}
	}
	return out
}

// TestAnyOrder: in any order at all, ends before starts included, nothing is left
// up and nothing stays counted.
func TestAnyOrder(t *testing.T) {
	for _, scene := range scenes {
		t.Run(scene, func(t *testing.T) {
			events := recording(t, scene)
			rapid.Check(t, func(rt *rapid.T) {
				w := newWorld(t)
				var mixed []message
				for _, i := range rapid.Permutation(places(events)).Draw(rt, "order") {
					mixed = append(mixed, events[i])
				}
				play(t, w, mixed)
				quiet(rt, w)
			})
		})
	}
}

func places(events []message) (all []int) {
	for i := range events {
		all = append(all, i)
	}
	return all
}

// quiet fails unless nothing is up and nothing waits.
func quiet(rt *rapid.T, w *world) {
	if len(w.up) > 0 {
		rt.Fatalf("%d legs are up, want none", len(w.up))
	}
	kills, ended := 0, 0
	for _, d := range all[guard.Decision](w) {
		switch {
		case d.Outcome == "confirmed" || d.Outcome == "emergency":
			ended++
		case d.Rule == "concurrent" && d.Outcome == "":
			kills++
		case d.Outcome == "unconfirmed":
			rt.Fatalf("a kill waits for ever: %+v", d)
		}
	}
	if kills != ended {
		rt.Fatalf("%d kills ordered, %d ended", kills, ended)
	}
}

// TestFlood: a hundred calls at ten a second, 800 events, are all seen and paid
// by their callers.
func TestFlood(t *testing.T) {
	w := newWorld(t)
	if err := Replay(open(t, "flood_10cps_narrow"), "f", begun, w.feed); err != nil {
		t.Fatal(err)
	}
	w.wait(1e9)
	payers := map[string]int{}
	for _, c := range all[guard.CallRecord](w) {
		payers[c.Payer.Name]++
		if c.Payer.Domain == "" || c.Source.String() != "127.0.0.50" {
			t.Errorf("paid by %v at %v, want somebody of a domain at 127.0.0.50", c.Payer, c.Source)
		}
	}
	total := 0
	for i := range 20 {
		total += payers[fmt.Sprint(1000+i)]
	}
	if total != 100 || len(w.up) != 0 {
		t.Errorf("got %d calls and %d legs left up, want 100 and none: %v", total, len(w.up), payers)
	}
}
