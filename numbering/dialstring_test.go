package numbering

import (
	"slices"
	"strings"
	"testing"
)

func TestDialTargets(t *testing.T) {
	for _, tt := range []struct{ name, dialString, want string }{
		{"empty", "", ""},
		{"separators only", "&|, ", ""},
		{"bare extension", "101", "101"},
		{"pjsip without technology", "0031900123456@trunk", "0031900123456"},
		{"sip without technology", "trunk/0031900123456", "0031900123456"},
		{"local", "0031900123456@internal/n", "0031900123456"},
		{"local with options", "Local/0031900123456@internal/nj", "0031900123456"},
		{"local in the default context", "Local/101/n", "101"},
		{"pjsip and sip", "PJSIP/0031900@trunk&SIP/trunk/0032", "0031900 0032"},
		{"contact", "101/sip:101@1.2.3.4:5060", "101"},
		{"contact with technology", "PJSIP/trunk/sip:0031900@1.2.3.4;transport=tcp", "0031900"},
		{"contact, plus", "PJSIP/trunk/SIP:+31900@1.2.3.4", "+31900"},
		{"host behind the number", "SIP/trunk/0031900/10.0.0.1:5060", "0031900"},
		{"host after two slashes", "SIP/0031900@trunk//10.0.0.1", "0031900"},
		{"iax with a secret", "IAX2/user:secret@peer/0031900@ctx", "0031900"},
		{"iax without technology", "user:secret@peer/0031900", "0031900"},
		{"sip user with a secret", "SIP/0031900:secret@peer", "0031900"},
		{"dahdi group", "DAHDI/g1/0031900", "0031900"},
		{"letters stay for Normalise", "DAHDI/g1/w0031900", "w0031900"},
		{"endpoint of letters", "PJSIP/alice", "alice"},
		{"encoded plus", "trunk/%2B31900", "%2B31900"},
		{"number with dots", "trunk/0031.900.123456", "0031.900.123456"},
		{"gateway", "sofia/gateway/gw/0031900", "0031900"},
		{"gateway that looks like a number", "sofia/gateway/101/alice", "alice"},
		{"gateways at once and in turn", "sofia/gateway/a/0031,sofia/gateway/b/0032|sofia/gateway/c/0033", "0031 0032 0033"},
		{"enterprise", "<a=b>[x=y]sofia/gateway/a/0031:_:{c=d}user/101", "0031 101"},
		{"profile and domain", "sofia/external/0031900@carrier.example", "0031900"},
		{"profile and user of a domain", "sofia/internal/101%10.0.0.1", "101"},
		{"profile and encoded URI", "sofia/internal/sip%3A0088216000001%40127.0.0.1", "sip%3A0088216000001%40127.0.0.1"},
		{"profile and URI", "sofia/internal/sip:0088216000001@127.0.0.1:5060", "0088216000001"},
		{"loopback", "loopback/0031900/default/XML", "0031900"},
		{"user", "user/101@example.org", "101"},
		{"variables", "{a='b,c',d=${e}}[f=g]sofia/gateway/gw/0031,[h=i|j]user/101", "0031 101"},
		{"variables never closed", "{a=b,user/101", "{a=b 101"},
		{"spaces", " user/101 , user/102 ", "101 102"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := DialTargets(tt.dialString, nil)
			if !slices.Equal(got, strings.Fields(tt.want)) {
				t.Errorf("got %q want %q", got, strings.Fields(tt.want))
			}
		})
	}
}

func TestDialTargetsAppends(t *testing.T) {
	buf := make([]string, 1, 4)
	buf[0] = "before"
	got := DialTargets("0031@a&0032@b", buf)
	if want := []string{"before", "0031", "0032"}; !slices.Equal(got, want) {
		t.Errorf("got %q want %q", got, want)
	}
	if n := testing.AllocsPerRun(100, func() { DialTargets("PJSIP/0031@a&SIP/b/0032,SOFIA/gateway/c/0033", buf[:0]) }); n != 0 {
		t.Errorf("got %v allocations want 0", n)
	}
}

// The targets behind the limit are not lost: no plan understands what they
// come out as.
func TestDialTargetsLimit(t *testing.T) {
	plan := mustPlan(t, mustDefault(t, "NL"))
	got := DialTargets(strings.Repeat("0201234567@trunk&", 2*maxTargets)+"0900123456", nil)
	if len(got) != maxTargets {
		t.Fatalf("got %d targets want %d", len(got), maxTargets)
	}
	cut := DialTargets(strings.Repeat("101&", maxTargets-1)+"102&00972597562518", nil)
	last := cut[len(cut)-1]
	if n := plan.Normalise(last); n.Kind != Unparseable {
		t.Errorf("last target %q: got kind %s want unparseable", last, n.Kind)
	}
}
