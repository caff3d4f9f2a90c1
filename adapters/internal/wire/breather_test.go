package wire

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// A Breather hands on all that it reads, and the error behind it.
func TestBreather(t *testing.T) {
	const blocks = 2000
	event := "Event: InvalidPassword\r\nAccountID: 100\r\nSessionID: 1\r\n\r\n"
	for name, in := range map[string]io.Reader{
		"as much as is asked for": strings.NewReader(strings.Repeat(event, blocks)),
		"byte by byte":            iotest.OneByteReader(strings.NewReader(strings.Repeat(event, blocks))),
		"data with its end":       iotest.DataErrReader(bytes.NewReader([]byte(strings.Repeat(event, blocks)))),
	} {
		t.Run(name, func(t *testing.T) {
			r, b := NewReader(Breather{Reader: in}), Block{}
			n := 0
			err := r.Read(&b)
			for ; err == nil; err = r.Read(&b) {
				n++
			}
			if n != blocks || err != io.EOF {
				t.Errorf("got %d blocks and %v, want %d and %v", n, err, blocks, io.EOF)
			}
		})
	}
}
