package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func TestBody(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	huge := strings.Repeat("y", MaxBody+1)
	tests := []struct {
		name, in string
		n        int
		want     string
		next     string // what is read behind it
		over     bool
		err      error
	}{
		{name: "none", in: "A: 1\n\n", n: 0, want: "", next: "1"},
		{name: "short", in: "+OK\nA: 1\n\n", n: 4, want: "+OK\n", next: "1"},
		{name: "holds an empty line", in: "a\n\nbA: 1\n\n", n: 4, want: "a\n\nb", next: "1"},
		{name: "longer than the buffer", in: long + "A: 1\n\n", n: len(long), want: long, next: "1"},
		{name: "too long", in: huge + "A: 1\n\n", n: len(huge), over: true, next: "1"},
		{name: "cut", in: "+O", n: 4, err: io.ErrUnexpectedEOF},
		{name: "long and cut", in: long[1:], n: len(long), err: io.ErrUnexpectedEOF},
		{name: "too long and cut", in: huge[2:], n: len(huge), err: io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, src := range map[string]io.Reader{
				"at once": strings.NewReader(tt.in), "in halves": iotest.HalfReader(strings.NewReader(tt.in)),
			} {
				r := NewReader(src)
				got, err := r.Body(tt.n)
				if string(got) != tt.want {
					t.Errorf("read %s: got %.60q, want %.60q", name, got, tt.want)
				}
				if over := errors.As(err, new(*Oversize)); over != tt.over || !over && err != tt.err {
					t.Fatalf("read %s: got error %v, want %v, oversize %v", name, err, tt.err, tt.over)
				}
				var b Block
				if tt.next != "" {
					if err := r.Read(&b); err != nil || string(b.Get("A")) != tt.next {
						t.Errorf("read %s: behind it %q and %v, want %q", name, b.Get("A"), err, tt.next)
					}
				}
			}
		})
	}
}

func TestLength(t *testing.T) {
	tests := []struct {
		name, in string
		want     int
		bad      bool
	}{
		{name: "none", in: "A: 1", want: 0},
		{name: "given", in: "Content-Length: 345", want: 345},
		{name: "negative", in: "Content-Length: -5", bad: true},
		{name: "not a number", in: "Content-Length: 1e3", bad: true},
		{name: "more than fits", in: "Content-Length: 99999999999999999999", bad: true},
		{name: "empty", in: "Content-Length: ", bad: true},
		{name: "twice", in: "Content-Length: 1\nContent-Length: 1", bad: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b Block
			if err := NewReader(strings.NewReader(tt.in + "\n\n")).Read(&b); err != nil {
				t.Fatal(err)
			}
			got, err := b.Length()
			if got != tt.want || (err != nil) != tt.bad {
				t.Errorf("got %d, %v, want %d, an error: %v", got, err, tt.want, tt.bad)
			}
		})
	}
}

func TestTake(t *testing.T) {
	wide := strings.Repeat("v", 20<<10)
	tests := []struct {
		name, in   string
		want, rest string
		odd, over  bool
	}{
		{name: "nothing"},
		{name: "an event", in: "Event-Name: A\nX: 1\n\n", want: "Event-Name=A|X=1"},
		{name: "with a body", in: "Event-Name: A\nContent-Length: 2\n\nhi", want: "Event-Name=A|Content-Length=2", rest: "hi"},
		{name: "without an end", in: "Event-Name: A\nX: 1", want: "Event-Name=A|X=1"},
		{name: "CR LF", in: "A: 1\r\nB: 2\r\n\r\nrest", want: "A=1|B=2", rest: "rest"},
		{name: "empty lines first", in: "\n\nA: 1\n\n", want: "A=1"},
		{name: "a line longer than any of AMI", in: "A: " + wide + "\nB: 2\n\n", want: "A=" + wide + "|B=2"},
		{name: "a line without a colon", in: "A: 1\nverto\n\n", want: "A=1|verto=", odd: true},
		{name: "too many lines", in: strings.Repeat("A: 1\n", MaxLines+1), over: true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b Block
			rest, err := b.Take([]byte(tt.in))
			if errors.As(err, new(*Oversize)) != tt.over || (err != nil) != tt.over {
				t.Fatalf("got error %v, oversize wanted: %v", err, tt.over)
			}
			var lines []string
			for k, v := range b.All() {
				lines = append(lines, string(k)+"="+string(v))
			}
			if got := strings.Join(lines, "|"); got != tt.want || string(rest) != tt.rest {
				t.Errorf("got %.80q and %q, want %.80q and %q", got, rest, tt.want, tt.rest)
			}
			if b.Odd() != tt.odd {
				t.Errorf("odd: got %v, want %v", b.Odd(), tt.odd)
			}
		})
	}
}

// TestTakeLeavesForeignMemory: a block that looked into a body does not write
// there when it is read into afterwards.
func TestTakeLeavesForeignMemory(t *testing.T) {
	body := []byte("A: 1\n\nbehind")
	var b Block
	if _, err := b.Take(body[:6]); err != nil {
		t.Fatal(err)
	}
	if err := NewReader(strings.NewReader("Other: something longer\n\n")).Read(&b); err != nil {
		t.Fatal(err)
	}
	if string(body) != "A: 1\n\nbehind" {
		t.Errorf("the body became %q", body)
	}
}

func TestUnescape(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", ""}, {"plain", "plain"}, {"a%20b", "a b"}, {"%3A%3a", "::"}, {"%0D%0A", "\r\n"},
		{"%", "%"}, {"%4", "%4"}, {"100%zz", "100%zz"}, {"%%41", "%A"}, {"%00", "\x00"},
		{"1000%40127.0.0.1%3A5060", "1000@127.0.0.1:5060"},
	}
	for _, tt := range tests {
		if got := string(Unescape([]byte("x"), []byte(tt.in))); got != "x"+tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, "x"+tt.want)
		}
	}
}

func FuzzTake(f *testing.F) {
	f.Add([]byte("Event-Name: CHANNEL_CREATE\nUnique-ID: a%20b\nContent-Length: 2\n\nhi"))
	f.Add([]byte("\n\r\n:\r\n: %\n%0"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var b Block
		before := bytes.Clone(in)
		rest, err := b.Take(in)
		if err != nil && !errors.As(err, new(*Oversize)) {
			t.Fatal(err)
		}
		if !bytes.HasSuffix(in, rest) || !bytes.Equal(before, in) {
			t.Fatalf("rest %q is not the end of %q", rest, in)
		}
		if b.Len() > MaxLines {
			t.Fatalf("%d lines", b.Len())
		}
		for k, v := range b.All() {
			if bytes.ContainsAny(k, ":\n") || bytes.IndexByte(v, '\n') >= 0 {
				t.Fatalf("field %q: %q holds a separator", k, v)
			}
			if got := Unescape(nil, v); len(got) > len(v) {
				t.Fatalf("%q unescaped grew to %q", v, got)
			}
		}
	})
}

// FuzzStream reads what ESL's own framing makes of anything.
func FuzzStream(f *testing.F) {
	f.Add([]byte("Content-Type: auth/request\n\nContent-Length: 4\nContent-Type: api/response\n\n+OK\nA: 1\n\n"))
	f.Add([]byte("Content-Length: 9999999\n\nx"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(bytes.NewReader(in))
		var b Block
		for {
			if err := r.Read(&b); err != nil && !errors.As(err, new(*Oversize)) {
				return
			}
			n, err := b.Length()
			if err != nil {
				return
			}
			body, err := r.Body(n)
			if err != nil && !errors.As(err, new(*Oversize)) {
				if n <= len(in)-int(r.offset) {
					t.Fatalf("%d bytes are there, and %v", n, err)
				}
				return
			}
			if err == nil && len(body) != n {
				t.Fatalf("got %d bytes of %d", len(body), n)
			}
		}
	})
}
