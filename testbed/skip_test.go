package testbed

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAllowed(t *testing.T) {
	const list = "# comment\nfreeswitch.TestReal  needs a FreeSWITCH\nguard.TestX/slow  takes an hour\n"
	for _, tt := range []struct {
		name string
		want bool
	}{
		{"freeswitch.TestReal", true},
		{"freeswitch.TestReal/kill", true},
		{"freeswitch.TestRea", false},
		{"freeswitch.TestRealistic", false},
		{"guard.TestX/slow", true},
		{"guard.TestX", false},
		{"guard.TestX/fast", false},
		{"needs", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := allowed(list, tt.name); got != tt.want {
				t.Errorf("allowed(%q) = %v, want %v", tt.name, got, tt.want)
			}
		})
	}
}

// probe is a testing.TB which records how its test ended.
type probe struct {
	testing.TB
	name  string
	ended string
}

func (p *probe) Helper()               {}
func (p *probe) Name() string          { return p.name }
func (p *probe) Skip(...any)           { p.ended = "skipped" }
func (p *probe) Fatalf(string, ...any) { p.ended = "failed"; panic(p) }

func TestSkip(t *testing.T) {
	for _, tt := range []struct{ name, ci, want string }{
		{"at a desk", "", "skipped"},
		{"under CI", "true", "failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "skips")
			t.Setenv("PBXGUARD_SKIPS", path)
			t.Setenv("CI", tt.ci)
			p := &probe{name: "TestSome/case"}
			func() {
				defer func() {
					if r := recover(); r != nil && r != any(p) {
						panic(r)
					}
				}()
				Skip(p, "no such tool")
			}()
			if p.ended != tt.want {
				t.Errorf("test %s, want %s", p.ended, tt.want)
			}
			got, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if want := ".TestSome/case: no such tool\n"; !strings.HasSuffix(string(got), want) {
				t.Errorf("noted %q, want the package and %q", got, want)
			}
		})
	}
}
