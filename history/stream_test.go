package history

import (
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pbxguard/guard"
)

// TestStreams plays recordings of both PBXs: who paid for what, and when it was.
func TestStreams(t *testing.T) {
	const amis, esls = "../adapters/asterisk/testdata/captures/22-pjsip", "../adapters/freeswitch/testdata/captures"
	for _, tt := range []struct {
		file string
		want []string
	}{
		{amis + "/call_out.ami.gz", []string{"100 0031900123456"}},
		{amis + "/forward_302.ami.gz", []string{"101 forward 0031900123456"}},
		{amis + "/transfer_attended.ami.gz", []string{"101 0031900123456"}},
		{esls + "/fwd_302.esl.gz", []string{"1001 forward 0088216000001"}},
		{esls + "/xfer_blind.esl.gz", []string{"1000 transfer 0088216000002"}},
		{esls + "/out_loopback.esl.gz", []string{"1000 0031201234567"}},
		{esls + "/spoof_cid.esl.gz", []string{"1007 0031201234567", "1007 0031201234567"}},
	} {
		t.Run(filepath.Base(tt.file), func(t *testing.T) {
			h := real(t, tt.file)
			if len(h.Calls) != 0 || len(h.Events) == 0 || h.Events[0].At.Year() != 2026 {
				t.Fatalf("got %d records, %d events from %v on", len(h.Calls), len(h.Events), h.Events[0].At)
			}
			if got := streamed(t, h); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// streamed is who paid for which calls of a recording.
func streamed(t *testing.T, h *History) (got []string) {
	t.Helper()
	p := policy(t)
	p.Default.Class = nil
	_, err := Play(h.Calls, h.Events, Options{PBX: "pbx", Policy: p, Told: func(r guard.CallRecord) {
		got = append(got, strings.ReplaceAll(r.Payer.Name+" "+r.Via+" "+r.Sent, "  ", " "))
	}})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestStreamWithoutTimes: a stock Asterisk writes no times into its events. The
// ids of its channels tell them.
func TestStreamWithoutTimes(t *testing.T) {
	packed, err := os.Open("../adapters/asterisk/testdata/captures/22-pjsip/calls_10.ami.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	var stock bytes.Buffer
	for line := range bytes.Lines(text) {
		if !bytes.HasPrefix(line, []byte("Timestamp: ")) {
			stock.Write(line)
		}
	}
	path := filepath.Join(t.TempDir(), "stock.ami")
	if err := os.WriteFile(path, stock.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	h := real(t, path)
	if len(h.Notes) > 0 || h.Events[0].At.Year() != 2026 {
		t.Errorf("got %q, and %v first; want the times of the channels", h.Notes, h.Events[0].At)
	}
	if got := streamed(t, h); len(got) != 10 {
		t.Errorf("got %d calls, want 10", len(got))
	}
}
