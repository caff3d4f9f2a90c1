package freeswitch

import (
	"time"

	"pbxguard/adapters/internal/pace"
	"pbxguard/adapters/internal/uplink"
	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// watch is the duty of the connection over which the events come.
type watch struct {
	pbx        *PBX
	translator *translator // of the session that has begun
	block      wire.Block
	forgeries  pace.Throttle
	unpinned   bool // it was said that wrong PINs are not told of
}

// begin subscribes to the events. What comes between the two answers is lost, so
// those that must not be are asked for last.
func (w *watch) begin(c *conn) error {
	f, err := c.ask(pinSubscription)
	if err != nil {
		return err
	}
	if !f.ok() && !w.unpinned {
		w.unpinned = true
		w.pbx.options.Log.Info("FreeSWITCH does not let the user know of wrong PINs", "pbx", w.pbx.options.Name,
			"hint", "to have guessing of them reported, add "+PINEvents+" to esl-allowed-events of the user")
	}
	if f, err = c.ask(subscription); err != nil {
		return err
	}
	if !f.ok() {
		return &uplink.Refusal{
			What: "FreeSWITCH does not let the user have the events: " + wire.Printed(f.answer()),
			Hint: "esl-allowed-events of the user must name all of: " + EventsNeeded,
		}
	}
	return nil
}

func (w *watch) joined(s *session) {
	o := &w.pbx.options
	w.translator = &translator{
		pbx: o.Name, book: w.pbx.book, reloaded: o.OnReload,
		emit: func(ev *guard.Event) { w.emit(s, ev) },
	}
	w.pbx.events.Put(&guard.Event{Kind: guard.Connected, PBX: o.Name, At: o.Now()})
	w.pbx.lister.ask()
}

func (w *watch) left(_ *session, why string) {
	o := &w.pbx.options
	w.pbx.lister.drop()
	w.pbx.events.Put(&guard.Event{Kind: guard.Disconnected, PBX: o.Name, At: o.Now(), Number: why})
}

// take translates an event.
func (w *watch) take(s *session, f *frame) error {
	if f.kind() != eventFrame {
		return nil // the answer to a keepalive
	}
	if _, err := w.block.Take(f.body); err != nil {
		if over, ok := err.(*wire.Oversize); ok {
			s.oversize(over)
			return nil
		}
		return err
	}
	w.translator.event(&w.block, w.pbx.options.Now())
	if w.translator.doubt {
		w.translator.doubt = false
		w.pbx.Resync()
	}
	return nil
}

// emit passes an event on.
func (w *watch) emit(s *session, ev *guard.Event) {
	forged := ev.Kind == guard.Forged
	s.link.Count(func(c *LinkStatus) {
		c.Events++
		if forged {
			c.Forged++
		}
	})
	if forged && w.forgeries.Allow(ev.At) {
		s.link.log.Warn("somebody forges headers in events of FreeSWITCH", "what", ev.Number, "more_since_last", w.forgeries.Held)
	}
	w.pbx.events.Put(ev)
}

// write wakes FreeSWITCH, so that it sends at once what has happened, and keeps
// the connection alive.
func (w *watch) write(s *session) error {
	t := &w.pbx.timing
	wake, ping := time.NewTicker(t.wake), time.NewTicker(t.ping)
	defer wake.Stop()
	defer ping.Stop()
	lf := []byte("\n")
	if err := s.send(keepalive); err != nil {
		return err
	}
	for {
		select {
		case <-wake.C:
			if err := s.send(lf); err != nil {
				return err
			}
		case <-ping.C:
			if err := s.send(keepalive); err != nil {
				return err
			}
		case <-s.quit:
			return nil
		}
	}
}

// logWatch is the duty of the connection over which the log comes.
type logWatch struct {
	pbx *PBX
	refusals
}

// begin asks for warnings and what is worse.
func (w *logWatch) begin(c *conn) error {
	f, err := c.ask("log 4")
	if err != nil {
		return err
	}
	if !f.ok() {
		return &uplink.Refusal{
			What: "FreeSWITCH does not let the user have its log: " + wire.Printed(f.answer()),
			Hint: "esl-allowed-log of the user must be true, or addresses that access lists turn away are not counted",
		}
	}
	return nil
}

func (w *logWatch) joined(s *session) {
	w.refusals.pbx = w.pbx.options.Name
	w.refusals.emit = func(ev *guard.Event) {
		s.link.Count(func(c *LinkStatus) { c.Events++ })
		w.pbx.events.Put(ev)
	}
}

func (*logWatch) left(*session, string) {}

func (w *logWatch) take(_ *session, f *frame) error {
	if f.kind() == logFrame {
		w.line(f.head, f.body, &guard.Event{At: w.pbx.options.Now()})
	}
	return nil
}

func (*logWatch) write(s *session) error { return s.keepAlive() }
