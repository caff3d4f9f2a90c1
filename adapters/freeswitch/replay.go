package freeswitch

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// Replay reads a recorded ESL stream of plain events, from its beginning on, and
// passes what it tells to emit, beginning with [guard.Connected]. Lines of the
// log in it count too.
//
// Time is that of the events, moved so that the first is start; a zero start
// leaves it. It never goes back.
func Replay(r io.Reader, pbx string, start time.Time, emit func(guard.Event)) error {
	rd := newFrames(r)
	clock := recorded{start: start, now: start}
	pass := func(ev *guard.Event) { emit(*ev) }
	t := translator{pbx: pbx, book: newBook(), emit: pass}
	log := refusals{pbx: pbx, emit: pass}
	connected := false
	var block wire.Block
	for {
		f, err := rd.next()
		if err == io.EOF {
			return nil
		}
		if over := new(wire.Oversize); errors.As(err, &over) {
			emit(guard.Event{Kind: guard.Forged, PBX: pbx, At: clock.now, Number: over.What})
			continue
		}
		if err != nil {
			return fmt.Errorf("cannot read the recording: %w", err)
		}
		kind := f.kind()
		if kind == eventFrame {
			if _, err := block.Take(f.body); err != nil {
				emit(guard.Event{Kind: guard.Forged, PBX: pbx, At: clock.now, Number: err.Error()})
				continue
			}
			clock.see(&block)
		}
		if !connected && (kind == eventFrame || kind == logFrame) {
			connected = true
			emit(guard.Event{Kind: guard.Connected, PBX: pbx, At: clock.now})
		}
		switch kind {
		case eventFrame:
			t.event(&block, clock.now)
		case logFrame:
			log.line(f.head, f.body, &guard.Event{At: clock.now})
		}
	}
}

// recorded is the clock of a recording.
type recorded struct {
	start, now time.Time
	first      time.Duration // the first time stamp, since 1970; 0 before it is seen
}

// see sets the clock to the time of an event, if it has one.
func (c *recorded) see(b *wire.Block) {
	us, err := strconv.ParseUint(string(b.Get("Event-Date-Timestamp")), 10, 53)
	if err != nil {
		return
	}
	stamp := time.Duration(us) * time.Microsecond
	if c.first == 0 {
		c.first = stamp
		if c.start.IsZero() {
			c.start = time.Unix(0, int64(stamp))
		}
	}
	if at := c.start.Add(stamp - c.first); at.After(c.now) {
		c.now = at
	}
}
