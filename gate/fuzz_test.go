package gate

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
)

func FuzzFastAGI(f *testing.F) {
	f.Add(env(request("0205550123"), "100"))
	f.Add("agi_network: yes\nagi_request: agi://127.0.0.1/a?leg=1&number=%31\n")
	f.Fuzz(func(t *testing.T, text string) {
		line, err := readAGI(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			if !errors.Is(err, errGarbled) && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("got %v, want it garbled or ended", err)
			}
			return
		}
		if strings.ContainsAny(line, "\n") || !strings.HasPrefix(text, agiFirst) {
			t.Fatalf("got request %q", line)
		}
		ev, err := parseAGI(line)
		if err == nil && (ev.PBX == "" || ev.Leg == "" || ev.Number == "" || len(ev.Number) > maxValue+len(forgery)) {
			t.Fatalf("got %+v, want a whole question or an error", ev)
		}
	})
}

func FuzzSocket(f *testing.F) {
	for _, name := range []string{"phone.esl", "tenant.esl", "loopback.esl", "forwarded.esl"} {
		f.Add(recorded(f, name))
	}
	f.Add("Unique-ID: 1\nUnique-ID: 2\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := readChannel(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			return
		}
		for key := range h {
			if !asks[key] {
				t.Fatalf("got header %q, which nobody asked for", key)
			}
		}
		ev, err := parseChannel(h)
		if err != nil {
			return
		}
		g := &Gate{options: Options{Cause: 21, Announcement: "x"}}
		for _, allow := range []bool{false, true} {
			for _, do := range g.orders(h, allow) {
				if m := do.BuildMessage(); strings.Contains(m, "\n\n") || strings.Contains(m, "\r\n\r\n") {
					t.Fatalf("%q for %q would be two commands", m, ev.Leg)
				}
			}
		}
	})
}
