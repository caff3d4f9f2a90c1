package uplink

import "time"

// Status is what a link is doing. The counters run over all its connections.
type Status struct {
	Purpose    string    `json:"purpose"`
	State      string    `json:"state"` // "connecting", "connected", "refused", "down"
	Since      time.Time `json:"since"`
	Error      string    `json:"error,omitempty"` // why it last ended
	Banner     string    `json:"banner,omitempty"`
	Messages   uint64    `json:"messages"` // read
	Events     uint64    `json:"events"`   // passed on to the guard
	Bytes      uint64    `json:"bytes"`    // read
	Forged     uint64    `json:"forged"`
	Oversize   uint64    `json:"oversize"`
	Reconnects uint64    `json:"reconnects"`
	Hangups    uint64    `json:"hangups"` // written
}

// Status reports what the link is doing.
func (l *Link[S]) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.status
}

// Count changes the counters.
func (l *Link[S]) Count(f func(*Status)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.status)
}

func (l *Link[S]) is(state string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.State != state {
		l.status.State, l.status.Since = state, l.options.Now()
	}
	if err != nil {
		l.status.Error = err.Error()
	}
}
