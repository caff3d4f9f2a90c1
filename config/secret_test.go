package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// TestR15Secret: however a configuration is printed, its secrets are not.
func TestR15Secret(t *testing.T) {
	c, err := Parse(asName, []byte("[[pbx]]\nsecret = \"canary\"\nadmin_username = \"x\"\nadmin_secret = \"canary\"\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := c.PBX[0].Secret
	if s.Reveal() != "canary" {
		t.Fatalf("got %q, want the secret itself from Reveal", s.Reveal())
	}
	var outputs []string
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s"} {
		outputs = append(outputs, fmt.Sprintf(verb, s), fmt.Sprintf(verb, &s), fmt.Sprintf(verb, c), fmt.Sprintf(verb, *c))
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", s, "config", c)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", s, "config", c)
	outputs = append(outputs, string(asJSON), log.String(), s.String(), fmt.Sprint(c.PBX), fmt.Errorf("%w %v", err, s).Error())
	for _, out := range outputs {
		for _, leak := range []string{"canary", "63616e617279", "63616E617279"} {
			if strings.Contains(out, leak) {
				t.Errorf("got the secret in %q", out)
			}
		}
	}
	if !strings.Contains(string(asJSON), redacted) {
		t.Errorf("got %s, want %s in it", asJSON, redacted)
	}
	if got := fmt.Sprint(Secret("")); got != "" {
		t.Errorf("got %q for no secret, want nothing", got)
	}
}
