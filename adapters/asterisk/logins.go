package asterisk

// maxLogins bounds the logins of calls that are remembered. Each takes
// milliseconds; under a flood the oldest are forgotten.
const maxLogins = 512

// logins remembers whom chan_sip asked for a password when a call came in, by
// session. The zero value is ready for use.
type logins struct {
	from  map[string]string
	order [maxLogins]string
	next  int
}

func (l *logins) add(session, from string) {
	if l.from == nil {
		l.from = make(map[string]string, maxLogins)
	}
	if _, known := l.from[session]; !known {
		delete(l.from, l.order[l.next])
		l.order[l.next] = session
		l.next = (l.next + 1) % maxLogins
	}
	l.from[session] = from
}

func (l *logins) drop(session string) { delete(l.from, session) }

func (l *logins) of(session string) (from string, ok bool) {
	from, ok = l.from[session]
	return from, ok
}
