package drill

import "pbxguard/numbering"

// Dialler returns a function that says what is dialled in a plan to reach a
// number in E.164: the first way that the plan itself reads as that number.
func Dialler(plan *numbering.Plan) func(e164 string) string {
	ways := ways()
	known := map[string]way{} // by first digits
	const odd = numbering.OwnCountryIDD | numbering.NoOutsidePrefix | numbering.CarrierSelect | numbering.LocalCompleted
	reads := func(w way, e164 string) (string, bool) {
		dialled, ok := w(e164[1:])
		if !ok {
			return "", false
		}
		n := plan.Normalise(dialled)
		return dialled, n.E164 == e164 && !n.Candidate && n.Kind != numbering.Unparseable && n.Flags&odd == 0
	}
	return remembered(func(e164 string) string {
		key := e164[:min(4, len(e164))]
		if w := known[key]; w != nil {
			if dialled, ok := reads(w, e164); ok {
				return dialled
			}
		}
		for _, w := range ways {
			if dialled, ok := reads(w, e164); ok {
				known[key] = w
				return dialled
			}
		}
		return e164
	})
}

// remembered asks f but once for each number.
func remembered(f func(string) string) func(string) string {
	answers := map[string]string{}
	return func(s string) string {
		a, ok := answers[s]
		if !ok {
			a = f(s)
			answers[s] = a
		}
		return a
	}
}

// way makes what is dialled of a country code and number, if it can.
type way func(digits string) (dialled string, ok bool)

// ways are those of the world's dial plans: behind the digits for an outside
// line, an international prefix, or a national one in place of a country code
// of one to three digits, or the digits alone as trunks take them.
func ways() (all []way) {
	for _, line := range []string{"", "0", "9", "8", "7", "1"} {
		for _, idd := range []string{"00", "011", "0011", "810", "010", "009"} {
			all = append(all, func(d string) (string, bool) { return line + idd + d, true })
		}
		for _, national := range []string{"0", "", "1", "8"} {
			for code := 1; code <= 3; code++ {
				all = append(all, func(d string) (string, bool) {
					if len(d) < code+4 {
						return "", false
					}
					return line + national + d[code:], true
				})
			}
		}
	}
	return append(all, func(d string) (string, bool) { return d, true })
}
