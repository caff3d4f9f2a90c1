package asterisk

import "strings"

// A try is a number abroad behind what is keyed to get a line.
type try struct {
	prefix string // which the dialplan must take away
	number string
}

// Bounds of the numbers that are tried in a context.
const (
	maxPrefix = 6
	maxTries  = 3000
	shortest  = 10 // digits of a number abroad with its country code
)

// tries are the numbers abroad that the patterns of a context take and that are
// not among the samples: behind other prefixes, and of other lengths.
func (d *dialplan) tries(c *dialContext) []try {
	if c.tried != nil || len(c.patterns) == 0 {
		return c.tried
	}
	seen := map[try]bool{}
	c.tried = []try{}
	for _, e := range c.patterns {
		prefix := ""
		for k := 0; k <= min(maxPrefix, len(e.places)); k++ {
			for _, idd := range international(d.pbx.site.Plan) {
				t := try{prefix, fitting(idd, e.pattern, k)}
				if t.number == "" || seen[t] || len(seen) >= maxTries || !e.matches(prefix+t.number) || !isAbroad(d.pbx.site.Plan, t.number) {
					continue
				}
				seen[t] = true
				c.tried = append(c.tried, t)
			}
			if k == len(e.places) || len(e.places[k]) == 0 || len(e.places[k]) > 4 {
				break
			}
			prefix += e.places[k][:1]
		}
	}
	return c.tried
}

// somewhere is a number abroad, as long as a pattern wants it.
const somewhere = "2526123456789012"

// fitting is a number abroad, behind a prefix for international calls, of the
// length that a pattern takes behind its first k places.
func fitting(idd string, p pattern, k int) string {
	length := len(p.places) - k - len(idd)
	if p.tail != 0 {
		length = max(length+1, 12)
	}
	if length < shortest || length > len(somewhere) {
		return ""
	}
	return idd + somewhere[:length]
}

// alike is how many of extensions that do the same are followed.
const alike = 3

// examples are what to dial to get to every extension of a context. Of those
// that differ in nothing but their own number, as the phones of a large PBX, a
// few stand for all.
func (c *dialContext) examples() []string {
	if c.dialled != nil {
		return c.dialled
	}
	c.dialled = []string{}
	seen := map[string]int{}
	for _, e := range c.all {
		var shape strings.Builder
		for i := range e.steps {
			shape.WriteString(e.steps[i].app + "\x00" + strings.ReplaceAll(e.steps[i].args, e.text, "#") + "\x00")
		}
		exten := e.example()
		if seen[shape.String()]++; exten != "" && (!e.plain || seen[shape.String()] <= alike) {
			c.dialled = append(c.dialled, exten)
		}
	}
	return c.dialled
}
