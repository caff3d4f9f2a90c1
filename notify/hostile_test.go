package notify

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// R2: what an attacker has written into a call or a login reaches a receiver as
// data in a document, and never as a word, a header or a line of a command.
func TestR2HostileTextStaysData(t *testing.T) {
	for _, text := range []string{
		"$(id)", "`id`", "\n~! id\n", "'; DROP TABLE bans; --", "a\x00b", "\r\nX-Injected: 1\r\n\r\n", `"},"incident":{"action":"allow`, "-oProxyCommand=id",
	} {
		var header http.Header
		var body []byte
		srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			header = r.Header
			body, _ = io.ReadAll(r.Body)
		}))
		in := &Incident{ID: 1, Account: text}
		err := (&Webhook{URL: srv.URL, Secret: "s"}).Send(t.Context(), &Message{Subject: text, Text: text, Incident: in})
		srv.Close()
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		var got payload
		if err := json.Unmarshal(body, &got); err != nil || got.Subject != text || got.Text != text || got.Incident.Account != text {
			t.Errorf("got %s, %v; want %q where it was put and nowhere else", body, err, text)
		}
		if header.Get("X-Injected") != "" || len(header) > 6 {
			t.Errorf("%q: got the headers %v", text, header)
		}
	}
}
