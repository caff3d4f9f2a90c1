package asterisk

// maxNames bounds the names that are remembered. A PBX has some hundreds of
// endpoints and contexts.
const maxNames = 4096

// names keeps one string for each name that comes again and again, so that an
// event needs no new one. The zero value is ready for use.
type names map[string]string

// of returns b as a string.
func (n *names) of(b []byte) string {
	if s, ok := (*n)[string(b)]; ok {
		return s
	}
	if *n == nil || len(*n) >= maxNames {
		*n = make(names)
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
