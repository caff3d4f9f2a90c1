package gate

import (
	"context"
	"time"
)

// The heartbeat: every beatEvery the PBX is told that until now + Fresh it may
// ask. The guard vouches for nothing longer than that.
const (
	beatEvery = 2 * time.Second
	beatAgain = 250 * time.Millisecond // while it cannot be told
	Fresh     = 6 * time.Second
)

// Heart is how one PBX is told that the gate is there.
type Heart struct {
	PBX string
	// Beat tells the PBX that it may ask until a time, by the wall clock that
	// it shares with this host, or with the zero time that it may not. It
	// queues and returns at once; false says that the PBX cannot be told.
	Beat func(until time.Time) bool
}

// HeartStatus is how the telling goes.
type HeartStatus struct {
	PBX     string    `json:"pbx"`
	Beating bool      `json:"beating"`
	Last    time.Time `json:"last,omitzero"` // when it was last told
}

// beat tells all PBXs that the gate is there, as long as it is: an engine that
// does not answer within the gate's own patience stops it.
func (g *Gate) beat(ctx context.Context) {
	for {
		pause := beatEvery
		if !g.pulse(ctx) {
			pause = beatAgain
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			for _, h := range g.options.Hearts {
				h.Beat(time.Time{})
			}
			return
		}
	}
}

// pulse is one beat, and says whether all PBXs were told.
func (g *Gate) pulse(ctx context.Context) (all bool) {
	alive := g.ready(ctx)
	all = alive
	now := time.Now()
	for i, h := range g.options.Hearts {
		told := alive && h.Beat(now.Add(Fresh))
		all = all && told
		g.mu.Lock()
		g.hearts[i].Beating = told
		if told {
			g.hearts[i].Last = now
		}
		g.mu.Unlock()
	}
	return all
}

// ready says whether a question would be judged now.
func (g *Gate) ready(ctx context.Context) bool {
	for _, s := range g.servers() {
		if !s.status().Listening {
			return false
		}
	}
	ctx, cancel := context.WithTimeout(ctx, g.options.Wait)
	defer cancel()
	return g.options.Alive(ctx) == nil
}
