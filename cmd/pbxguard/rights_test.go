package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pbxguard/config"
	"pbxguard/control"
)

// R6: "check" objects to an account that may do more than watch and end calls,
// and to an Asterisk that lets even such an account do more.
func TestR6RightsOfTheAccount(t *testing.T) {
	const enough = "read = security,call,system\nwrite = call\n"
	for _, tt := range []struct {
		name, rights, options string
		want                  string // part of the warning; "" for none
	}{
		{"what it needs", enough, "", ""},
		{"originate", "read = call\nwrite = call,originate\n", "", "write=originate"},
		{"system", "read = call\nwrite = system,call\n", "", "write=system"},
		{"command", "read = call\nwrite = call,command\n", "", "write=command"},
		{"config", "read = call\nwrite = call,config\n", "", "write=config"},
		{"everything", "read = all\nwrite = all\n", "", "read=all write=all"},
		{"dialled PINs", "read = call,dtmf\nwrite = call\n", "", "read=dtmf"},
		{"dangerous functions", enough, "[options]\nlive_dangerously = yes\n", "live_dangerously"},
		{"dangerous functions switched off", enough, "[options]\nlive_dangerously = no\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := t.TempDir()
			etc := filepath.Join(root, "etc/asterisk")
			if err := os.MkdirAll(etc, 0o755); err != nil {
				t.Fatal(err)
			}
			for name, text := range map[string]string{
				"manager.conf":  "[general]\nenabled = yes\n[pbxguard]\nsecret = x\n" + tt.rights,
				"asterisk.conf": tt.options,
			} {
				if err := os.WriteFile(filepath.Join(etc, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got := checkRights(config.PBX{Name: "office", Username: "pbxguard", ConfigDir: etc}, false)
			want := control.Warning
			if tt.want == "" {
				want = control.OK
			}
			if got.Result != want || !strings.Contains(got.Detail, tt.want) || (want != control.OK) != (got.Fix != "") {
				t.Errorf("got %+v, want %s that names %q", got, want, tt.want)
			}
			if code := (&cli{}).exitCode(found([]control.Check{got})); code != map[control.Result]int{control.OK: 0, control.Warning: exitFound}[want] {
				t.Errorf("got exit code %d", code)
			}
		})
	}
	if fmt.Sprint(exitFound) != "3" {
		t.Error("scripts wait for exit code 3")
	}
}
