package bench

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recording is the AMI stream of a real Asterisk 22, in its blocks.
func recording(t testing.TB, name string) []string {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "adapters", "asterisk", "testdata", "captures", "22-pjsip", name+".ami.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.SplitAfter(string(text), blockEnd)
	return blocks[:len(blocks)-1] // behind the last end there is nothing
}

const blockEnd = "\r\n\r\n"

// find is the first block of the event that holds all the words.
func find(t testing.TB, blocks []string, event string, words ...string) string {
	t.Helper()
next:
	for _, b := range blocks {
		if !strings.HasPrefix(b, "Event: "+event+"\r\n") {
			continue
		}
		for _, w := range words {
			if !strings.Contains(b, w) {
				continue next
			}
		}
		return b
	}
	t.Fatalf("the recording has no %s with %q", event, words)
	return ""
}

// value is what a block has under a key, "" if nothing.
func value(block, key string) string {
	_, rest, _ := strings.Cut(block, "\r\n"+key+": ")
	v, _, _ := strings.Cut(rest, "\r\n")
	return v
}
