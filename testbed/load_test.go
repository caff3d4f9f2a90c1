package testbed

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func testLoad(t *testing.T, s server) {
	ctx := seconds(t, 20)
	trunk := NewTrunk(t, s.asterisk)
	load := Load{Source: alice, User: "100", Number: "0031900123456", Rate: 20, Calls: 10}
	if good, bad := load.Run(ctx, t, s.addr); good != 10 || bad != 0 {
		t.Errorf("%d good and %d bad calls, want 10 and 0", good, bad)
	}
	if got := len(trunk.Arrived()); got != 10 {
		t.Errorf("trunk saw %d calls, want 10", got)
	}
	trunk.SetAnswer(Busy())
	load.Calls = 3
	if good, bad := load.Run(ctx, t, s.addr); good != 0 || bad != 3 {
		t.Errorf("busy trunk: %d good and %d bad calls, want 0 and 3", good, bad)
	}
	got := Svcrack(ctx, t, mallory, s.addr, "119", "240-259")
	if !strings.Contains(got, "250") {
		t.Errorf("svcrack did not find the password 250:\n%s", got)
	}
	log, err := os.ReadFile(filepath.Join(s.asterisk.Root, "log", "security"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`RemoteAddress="IPV4/UDP/203.0.113.7/`, `LocalAddress="IPV4/UDP/` + strings.Replace(s.addr.String(), ":", "/", 1)} {
		if !strings.Contains(string(log), want) {
			t.Errorf("the security log lacks %s", want)
		}
	}
}
