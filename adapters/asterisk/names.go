package asterisk

// maxNames bounds the names that are remembered. A PBX has some hundreds of
// endpoints and contexts; the rest is room for the legs and numbers of the
// latest thousand calls.
const maxNames = 8192

// names keeps one string for each name that comes again: those of endpoints and
// contexts all day, those of a leg in each of its events. So an event needs no
// new one. The zero value is ready for use.
type names map[string]string

// of returns b as a string.
func (n *names) of(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := (*n)[string(b)]; ok {
		return s
	}
	if *n == nil {
		*n = make(names)
	}
	if len(*n) >= maxNames {
		clear(*n) // what still comes is soon back
	}
	s := clip(b)
	(*n)[s] = s
	return s
}

// maxText bounds foreign text that goes into an event, in bytes. Asterisk keeps
// 79 characters of an extension and less than 256 of anything else here.
const maxText = 256

// clip returns b, which came from the network, as a string of bounded length.
func clip(b []byte) string { return string(b[:min(len(b), maxText)]) }

func limit(s string) string { return s[:min(len(s), maxText)] }
