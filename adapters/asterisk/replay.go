package asterisk

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// banner begins the first line that an AMI server sends.
const banner = "Asterisk Call Manager/"

// Replay reads a recorded AMI stream, from its banner on or from any block, and
// passes what it tells to emit, beginning with [guard.Connected]. Security
// events are believed although the other classes come in the same stream.
//
// Time is that of the Timestamp headers, moved so that the first is start; a
// zero start leaves it. It never goes back. Without such headers it is that of
// the latest new channel, to the second.
func Replay(r io.Reader, pbx string, start time.Time, emit func(guard.Event)) error {
	rd := wire.NewReader(r)
	clock := recorded{start: start, now: start}
	t := translator{
		pbx: pbx, trust: securityClass | callClass | systemClass,
		emit: func(ev *guard.Event) { emit(*ev) },
	}
	connected := false
	var b wire.Block
	for {
		err := rd.Read(&b)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			if !errors.As(err, new(*wire.Oversize)) {
				return fmt.Errorf("cannot read the recording: %w", err)
			}
			// As live, it counts as an attack and the rest is read.
			t.forged(err.Error(), &b)
			continue
		}
		if bytes.HasPrefix(b.Key(0), []byte(banner)) {
			continue // the banner and, without an empty line between, the answer to the login
		}
		clock.see(&b)
		if !connected {
			connected = true
			emit(guard.Event{Kind: guard.Connected, PBX: pbx, At: clock.now})
		}
		t.block(&b, clock.now)
	}
}

// recorded is the clock of a recording.
type recorded struct {
	start, now time.Time
	first      time.Duration // the first time stamp, since 1970; 0 before it is seen
}

// see sets the clock to the time of a block, if it has one.
func (c *recorded) see(b *wire.Block) {
	stamp, ok := stampOf(b)
	if !ok {
		return
	}
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

// stampOf is when a block says that it was made. Where Asterisk does not write
// that, which it does not unless it is told to, the id of a new channel begins
// with the second in which it came up.
func stampOf(b *wire.Block) (stamp time.Duration, ok bool) {
	if !b.Is(0, "Event") || !b.Is(1, "Privilege") {
		return 0, false
	}
	if b.Is(2, "Timestamp") {
		return sinceEpoch(b.Value(2))
	}
	if string(b.Value(0)) != "Newchannel" {
		return 0, false
	}
	id := b.Get("Uniqueid")
	id = id[bytes.LastIndexByte(id, '-')+1:] // behind the system's name
	second, _, _ := bytes.Cut(id, []byte("."))
	s, err := strconv.ParseUint(string(second), 10, 33)
	return time.Duration(s) * time.Second, err == nil && s > 600_000_000
}

// sinceEpoch reads "1795320474.549742".
func sinceEpoch(v []byte) (time.Duration, bool) {
	sec, frac, _ := bytes.Cut(v, []byte("."))
	s, err := strconv.ParseUint(string(sec), 10, 33)
	us, err2 := strconv.ParseUint(string(frac), 10, 32)
	if err != nil || err2 != nil || len(frac) != 6 {
		return 0, false
	}
	return time.Duration(s)*time.Second + time.Duration(us)*time.Microsecond, true
}
