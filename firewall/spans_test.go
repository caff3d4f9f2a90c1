package firewall

import (
	"net/netip"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSpans(t *testing.T) {
	type nets map[string]stamp
	tests := []struct {
		name string
		nets nets
		want []string
	}{
		{"none", nil, nil},
		{"one", nets{"10.0.0.0/24": 5}, []string{"10.0.0.0-10.0.0.255 5"}},
		{"a shorter one inside vanishes", nets{"10.0.0.0/24": 5, "10.0.0.16/28": 4}, []string{"10.0.0.0-10.0.0.255 5"}},
		{"a longer one inside cuts", nets{"10.0.0.0/24": 5, "10.0.0.16/28": 6},
			[]string{"10.0.0.0-10.0.0.15 5", "10.0.0.16-10.0.0.31 6", "10.0.0.32-10.0.0.255 5"}},
		{"until lifted is longest", nets{"10.0.0.0/24": 0, "10.0.0.16/28": 6}, []string{"10.0.0.0-10.0.0.255 0"}},
		{"at the start", nets{"10.0.0.0/24": 5, "10.0.0.0/28": 0}, []string{"10.0.0.0-10.0.0.15 0", "10.0.0.16-10.0.0.255 5"}},
		{"at the end", nets{"10.0.0.0/24": 5, "10.0.0.240/28": 0}, []string{"10.0.0.0-10.0.0.239 5", "10.0.0.240-10.0.0.255 0"}},
		{"neighbours join", nets{"10.0.0.0/25": 5, "10.0.0.128/25": 5}, []string{"10.0.0.0-10.0.0.255 5"}},
		{"both families", nets{"2001:db8::/48": 5, "10.0.0.0/24": 5},
			[]string{"10.0.0.0-10.0.0.255 5", "2001:db8::-2001:db8:0:ffff:ffff:ffff:ffff:ffff 5"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := make(map[netip.Prefix]stamp)
			for p, s := range tt.nets {
				in[netip.MustParsePrefix(p)] = s | held
			}
			var got []string
			for _, s := range spans(in) {
				got = append(got, s.first.String()+"-"+s.last.String()+" "+string('0'+rune(s.end)))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestSpansCover looks every address up in the spans and in the prefixes.
func TestSpansCover(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nets := make(map[netip.Prefix]stamp)
		for range rapid.IntRange(0, 20).Draw(t, "prefixes") {
			nets[drawPrefix(t)] = stamp(rapid.Uint32Range(0, 4).Draw(t, "end"))
		}
		out := spans(nets)
		for i := 1; i < len(out); i++ {
			if !out[i-1].last.Less(out[i].first) {
				t.Fatalf("%v and %v overlap or are not in order", out[i-1], out[i])
			}
		}
		for p := range nets {
			for _, a := range []netip.Addr{p.Addr(), p.Addr().Prev(), lastAddr(p), lastAddr(p).Next()} {
				wantEnd, want := longest(nets, a)
				gotEnd, got := stamp(0), false
				for _, s := range out {
					if !a.Less(s.first) && !s.last.Less(a) {
						gotEnd, got = s.end, true
					}
				}
				if got != want || gotEnd != wantEnd {
					t.Fatalf("%s: got %d, %v; want %d, %v; of %v in %v", a, gotEnd, got, wantEnd, want, nets, out)
				}
			}
		}
	})
}

// longest returns the latest end of the prefixes that hold a.
func longest(nets map[netip.Prefix]stamp, a netip.Addr) (end stamp, held bool) {
	for p, s := range nets {
		if p.Contains(a) && (!held || later(s, end)) {
			end, held = s, true
		}
	}
	return end, held
}

// TestPrefixesMakeUpTheRun splits runs and joins the parts again.
func TestPrefixesMakeUpTheRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawPrefix(t).Addr(), drawPrefix(t).Addr()
		if a.Is4() != b.Is4() {
			return
		}
		if b.Less(a) {
			a, b = b, a
		}
		next := a
		for _, p := range prefixes(a, b) {
			if p.Addr() != next || p != p.Masked() {
				t.Fatalf("%s of %s-%s does not start at %s", p, a, b, next)
			}
			next = lastAddr(p).Next()
		}
		if next != b.Next() {
			t.Fatalf("the parts of %s-%s end before %s", a, b, next)
		}
		if p := drawPrefix(t); len(prefixes(p.Addr(), lastAddr(p))) != 1 {
			t.Fatalf("%s falls apart", p)
		}
	})
}
