package guard

import (
	"testing"

	"pbxguard/numbering"
)

func TestDestination(t *testing.T) {
	classes := map[numbering.Class]Action{
		numbering.Premium: Kill, numbering.Satellite: Kill, numbering.IntlNetworkClass: Kill, numbering.Unknown: Kill,
	}
	for _, tt := range []struct {
		name, dialled, sent string
		want                bool
	}{
		{"national", "0201234567", "0201234567", false},
		{"mobile", "0612345678", "0612345678", false},
		{"premium", "09001234567", "", true},
		{"premium behind the country code", "00319001234567", "", true},
		{"satellite that looks like 088", "00881612345678", "", true},
		{"network without a country", "00883510001234567", "", true},
		{"police, premium by range", "09008844", "09008844", false},
		{"guessing an outside line", "000972597562518", "", true},
		{"a service of the PBX's own", "*98", "", false},
		{"not understood, and stays inside", "55", "", false},
		{"not understood, and goes out", "55", "55", true},
		{"innocent dialled, premium sent", "0201234567", "09001234567", true},
		{"dialled nationally, sent in E.164 digits", "0201234567", "31201234567", false},
		{"not understood, with a line break in it", "55\r\nUniqueid: 1.1", "", true},
		{"emergency", "112", "112", false},
		{"emergency glued on", "11200972597562518", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := enforcing(t)
			p.Default.Class = classes
			r := newRig(t, p)
			leg := r.phone("100", tt.dialled)
			if tt.sent != "" {
				r.out(leg, tt.sent)
			}
			if got := len(r.hungUp) > 0; got != tt.want {
				t.Errorf("killed: got %v want %v (%v)", got, tt.want, r.records)
			}
		})
	}
}

func TestCountry(t *testing.T) {
	for _, tt := range []struct {
		name, dialled string
		want          bool
	}{
		{"home", "0201234567", false},
		{"home through 00", "0031201234567", false},
		{"allowed", "003225551234", false},
		{"not allowed", "0025261234567", true},
		{"island behind +1", "0018092345678", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := enforcing(t)
			p.Default.Countries = map[string]bool{"BE": true, "US": true}
			p.Default.CountryAction = Kill
			r := newRig(t, p)
			r.place("100", tt.dialled)
			if got := len(r.hungUp) > 0; got != tt.want {
				t.Errorf("killed: got %v want %v (%v)", got, tt.want, r.decided())
			}
		})
	}
}

func TestObserveKillsNothing(t *testing.T) {
	p := enforcing(t)
	p.CallsMode = Observe
	p.Default.Class = map[numbering.Class]Action{numbering.Premium: Kill}
	r := newRig(t, p)
	r.place("100", "09001234567")
	if len(r.hungUp) != 0 {
		t.Errorf("hung up %v while observing", r.hungUp)
	}
	d, ok := r.last("destination")
	if !ok || d.Enforced || d.Action != Kill || r.s.count.wouldKill != 1 {
		t.Errorf("got %+v, would kill %d; want one unenforced kill", d, r.s.count.wouldKill)
	}
}
