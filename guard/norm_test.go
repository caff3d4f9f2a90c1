package guard

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestNormIsOfThePast: what is kept of a past is what the past says, whatever was
// added, forgotten and asked for in between.
func TestNormIsOfThePast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := profile{since: 1}
		hour := int32(1)
		for range rapid.IntRange(1, 60).Draw(t, "hours") {
			hour += rapid.SampledFrom([]int32{0, 1, 5, weekHours, 3 * weekHours}).Draw(t, "later")
			n := rapid.Uint16Range(0, 30)
			p.keep(hourly{hour: hour, calls: n.Draw(t, "calls"), peak: n.Draw(t, "peak"), abroad: n.Draw(t, "abroad"), minutes: n.Draw(t, "minutes")})
			if rapid.Bool().Draw(t, "unasked") {
				continue
			}
			fresh := profile{since: 1, past: slices.Clone(p.past)}
			if got, want := p.mostCalls(), fresh.mostCalls(); got != want {
				t.Fatalf("most calls: got %d, want %d", got, want)
			}
			if got, want := p.mostAtOnce(), fresh.mostAtOnce(); got != want {
				t.Fatalf("most at once: got %d, want %d", got, want)
			}
			if got, want := p.usuallyAbroad(), fresh.usuallyAbroad(); got != want {
				t.Fatalf("abroad: got %d, want %d", got, want)
			}
			got, ok := p.spreadsAt(hour + 1)
			want, wantOK := fresh.spreadsAt(hour + 1)
			if ok != wantOK || ok && *got != *want {
				t.Fatalf("spreads: got %v, want %v", got, want)
			}
		}
	})
}
