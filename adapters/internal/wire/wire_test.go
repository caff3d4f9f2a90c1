package wire

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// blocks reads all of in and writes each block as its lines joined by "|".
func blocks(t *testing.T, r io.Reader) (got []string, odd []bool, err error) {
	t.Helper()
	rd := NewReader(r)
	var b Block
	for {
		err := rd.Read(&b)
		if over := new(Oversize); errors.As(err, &over) {
			got = append(got, "oversize")
			odd = append(odd, false)
			continue
		}
		if err != nil {
			return got, odd, err
		}
		var lines []string
		for k, v := range b.All() {
			lines = append(lines, string(k)+"="+string(v))
		}
		got = append(got, strings.Join(lines, "|"))
		odd = append(odd, b.Odd())
	}
}

func TestRead(t *testing.T) {
	long := strings.Repeat("x", MaxLine)
	tests := []struct {
		name string
		in   string
		want []string
		odd  []bool
		err  error
	}{
		{name: "nothing", err: io.EOF},
		{name: "one block", in: "Event: A\r\nB: c\r\n\r\n", want: []string{"Event=A|B=c"}, odd: []bool{false}, err: io.EOF},
		{name: "line feeds alone", in: "Event: A\nB: c\n\n", want: []string{"Event=A|B=c"}, odd: []bool{false}, err: io.EOF},
		{name: "two blocks and empty lines", in: "\r\n\r\nA: 1\r\n\r\n\r\n\r\nB: 2\r\n\r\n\r\n", want: []string{"A=1", "B=2"}, odd: []bool{false, false}, err: io.EOF},
		{name: "value with colons", in: "Uri: sip:1@[::1]:5060\r\n\r\n", want: []string{"Uri=sip:1@[::1]:5060"}, odd: []bool{false}, err: io.EOF},
		{name: "empty values", in: "A:\r\nB: \r\n\r\n", want: []string{"A=|B="}, odd: []bool{false}, err: io.EOF},
		{name: "only one blank is syntax", in: "A:  b \r\n\r\n", want: []string{"A= b "}, odd: []bool{false}, err: io.EOF},
		{name: "no blank", in: "A:b\r\n\r\n", want: []string{"A=b"}, odd: []bool{false}, err: io.EOF},
		{name: "line without colon", in: "A: b\r\nRemoteA\r\n\r\n", want: []string{"A=b|RemoteA="}, odd: []bool{true}, err: io.EOF},
		{name: "mixed line ends", in: "A: b\nB: c\r\n\r\n", want: []string{"A=b|B=c"}, odd: []bool{true}, err: io.EOF},
		{name: "empty line of the other kind", in: "A: b\r\n\nB: c\r\n\r\n", want: []string{"A=b", "B=c"}, odd: []bool{true, false}, err: io.EOF},
		{name: "carriage return within a value", in: "A: b\rc\r\n\r\n", want: []string{"A=b\rc"}, odd: []bool{false}, err: io.EOF},
		{name: "NUL and high bytes", in: "A: \x00\xff\x1b[2J\r\n\r\n", want: []string{"A=\x00\xff\x1b[2J"}, odd: []bool{false}, err: io.EOF},
		{name: "end within a block", in: "A: 1\r\n\r\nB: 2\r\n", want: []string{"A=1"}, odd: []bool{false}, err: io.ErrUnexpectedEOF},
		{name: "end within a line", in: "A: 1\r\n\r\nB", want: []string{"A=1"}, odd: []bool{false}, err: io.ErrUnexpectedEOF},
		{name: "longest line", in: long + "\r\n\r\n", want: []string{long + "="}, odd: []bool{true}, err: io.EOF},
		{name: "line too long by one", in: "A: 1\r\n\r\n" + long + "x\r\nB: 2\r\n\r\nC: 3\r\n\r\n",
			want: []string{"A=1", "oversize", "C=3"}, odd: []bool{false, false, false}, err: io.EOF},
		{name: "block too long", in: strings.Repeat(long+"\n", 9) + "\nC: 3\n\n",
			want: []string{"oversize", "C=3"}, odd: []bool{false, false}, err: io.EOF},
		{name: "too many fields", in: strings.Repeat("A: 1\n", MaxFields+1) + "\nC: 3\n\n",
			want: []string{"oversize", "C=3"}, odd: []bool{false, false}, err: io.EOF},
		{name: "end within a long line", in: strings.Repeat("x", 1<<20), err: io.ErrUnexpectedEOF},
		{name: "end behind a long line", in: strings.Repeat("x", 1<<20) + "\n", err: io.ErrUnexpectedEOF},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, r := range map[string]io.Reader{
				"at once":      strings.NewReader(tt.in),
				"in halves":    iotest.HalfReader(strings.NewReader(tt.in)),
				"with the end": iotest.DataErrReader(strings.NewReader(tt.in)),
			} {
				got, odd, err := blocks(t, r)
				if !slices.Equal(got, tt.want) {
					t.Errorf("read %s: got %.200q, want %.200q", name, got, tt.want)
				}
				if !slices.Equal(odd, tt.odd) {
					t.Errorf("read %s: got odd %v, want %v", name, odd, tt.odd)
				}
				if err != tt.err {
					t.Errorf("read %s: got error %v, want %v", name, err, tt.err)
				}
			}
		})
	}
}

func TestMostFields(t *testing.T) {
	r := NewReader(strings.NewReader(strings.Repeat("A: 1\n", MaxFields) + "\n"))
	var b Block
	if err := r.Read(&b); err != nil || b.Len() != MaxFields {
		t.Fatalf("got %d fields and error %v, want %d", b.Len(), err, MaxFields)
	}
}

func TestOversizeSaysWhatAndWhere(t *testing.T) {
	bad := "Event: Foo\r\nB: \x1b]0;evil\x07" + strings.Repeat("y", 1<<20) + "\r\nC: 1\r\n\r\n"
	r := NewReader(strings.NewReader("A: 1\r\n\r\n" + bad))
	var b Block
	if err := r.Read(&b); err != nil {
		t.Fatal(err)
	}
	err := r.Read(&b)
	over := new(Oversize)
	if !errors.As(err, &over) {
		t.Fatalf("got error %v, want an Oversize", err)
	}
	want := Oversize{What: longLine, Offset: 8, Size: int64(len(bad)), Start: "Event: Foo"}
	if *over != want {
		t.Errorf("got %+v, want %+v", *over, want)
	}
	if b.Len() != 0 {
		t.Errorf("got %d fields left in the block, want none", b.Len())
	}
}

func TestOversizeQuotesForeignText(t *testing.T) {
	err := NewReader(strings.NewReader("\x1b]0;evil\x07" + strings.Repeat("y", MaxLine) + "\r\n\r\n")).Read(new(Block))
	if !errors.As(err, new(*Oversize)) || strings.ContainsAny(err.Error(), "\x1b\x07\r\n") {
		t.Errorf("got %q, want an Oversize without control characters", err)
	}
}

func TestLine(t *testing.T) {
	r := NewReader(strings.NewReader("Asterisk Call Manager/11.0.0\r\nResponse: Success\r\n\r\n"))
	line, err := r.Line()
	if err != nil || string(line) != "Asterisk Call Manager/11.0.0" {
		t.Fatalf("got %q, %v", line, err)
	}
	var b Block
	if err := r.Read(&b); err != nil || string(b.Get("Response")) != "Success" {
		t.Fatalf("got %q, %v, want the block behind the line", b.Get("Response"), err)
	}
	if _, err := r.Line(); err != io.EOF {
		t.Errorf("at the end: got %v, want %v", err, io.EOF)
	}
	if _, err := NewReader(strings.NewReader("Aster")).Line(); err != io.ErrUnexpectedEOF {
		t.Errorf("cut line: got %v, want %v", err, io.ErrUnexpectedEOF)
	}
	if _, err := NewReader(strings.NewReader(strings.Repeat("x", 1<<20) + "\n")).Line(); !errors.As(err, new(*Oversize)) {
		t.Errorf("long line: got %v, want an Oversize", err)
	}
}

func TestBlockLookup(t *testing.T) {
	r := NewReader(strings.NewReader("Event: A\r\nRemoteAddress: 1\r\nX: \r\nRemoteAddress: 2\r\n\r\n"))
	var b Block
	if err := r.Read(&b); err != nil {
		t.Fatal(err)
	}
	if got := string(b.Get("RemoteAddress")); got != "1" {
		t.Errorf("Get: got %q, want the first value", got)
	}
	if got := string(b.Last("RemoteAddress")); got != "2" {
		t.Errorf("Last: got %q, want the last value", got)
	}
	if got := b.Count("RemoteAddress"); got != 2 {
		t.Errorf("Count: got %d, want 2", got)
	}
	if got := b.Get("X"); got == nil || len(got) != 0 {
		t.Errorf("Get of an empty value: got %#v, want empty and not nil", got)
	}
	for _, key := range []string{"remoteaddress", "RemoteAddres", "RemoteAddress:", ""} {
		if b.Get(key) != nil || b.Last(key) != nil || b.Count(key) != 0 {
			t.Errorf("key %q is found", key)
		}
	}
	for i, want := range map[int]bool{-1: false, 0: true, 1: false, 4: false} {
		if got := b.Is(i, "Event"); got != want {
			t.Errorf("Is(%d, Event): got %v, want %v", i, got, want)
		}
	}
}

// TestR4Bounded: a megabyte in one line takes under 10 ms, and ten take no
// memory that stays.
func TestR4Bounded(t *testing.T) {
	in := append(bytes.Repeat([]byte("x"), 10<<20), "\r\n\r\nA: 1\r\n\r\n"...)
	var b Block
	allocs := testing.AllocsPerRun(3, func() {
		r := NewReader(bytes.NewReader(in))
		if err := r.Read(&b); !errors.As(err, new(*Oversize)) {
			t.Fatalf("got %v, want an Oversize", err)
		}
		if err := r.Read(&b); err != nil || b.Len() != 1 {
			t.Fatalf("got %v, want the block behind the long line", err)
		}
	})
	if allocs > 20 {
		t.Errorf("got %v allocations for a line of 10 MB, want a few", allocs)
	}
	quickest := time.Hour
	for range 10 { // the quickest, for other work may come in between
		began := time.Now()
		if err := NewReader(bytes.NewReader(in[9<<20:])).Read(&b); !errors.As(err, new(*Oversize)) {
			t.Fatalf("got %v, want an Oversize", err)
		}
		quickest = min(quickest, time.Since(began))
	}
	if quickest > 10*time.Millisecond {
		t.Errorf("a line of 1 MB took %v, want less than 10 ms", quickest)
	}
	if cap(b.text) > 2*MaxBlock || cap(b.fields) > 2*MaxFields {
		t.Errorf("block keeps %d bytes and %d fields", cap(b.text), cap(b.fields))
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("Asterisk Call Manager/5.0.4\r\nEvent: A\r\nPrivilege: call,all\r\n\r\n"))
	f.Add([]byte("A: b\nRemoteA\r\n\n\r\r\n:\n: \n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := NewReader(bytes.NewReader(in))
		var b Block
		for {
			before := r.offset
			err := r.Read(&b)
			if err != nil && !errors.As(err, new(*Oversize)) {
				if r.offset != int64(len(in)) {
					t.Fatalf("stopped at byte %d of %d: %v", r.offset, len(in), err)
				}
				return
			}
			if r.offset <= before {
				t.Fatalf("no progress at byte %d", before)
			}
			check(t, &b)
		}
	})
}

// check holds a block to what its doc promises.
func check(t *testing.T, b *Block) {
	t.Helper()
	if b.Len() > MaxFields || len(b.text) > MaxBlock {
		t.Fatalf("block of %d fields and %d bytes", b.Len(), len(b.text))
	}
	i := 0
	for k, v := range b.All() {
		if bytes.ContainsAny(k, ":\n") || bytes.ContainsRune(v, '\n') {
			t.Fatalf("field %q: %q holds a separator", k, v)
		}
		if !b.Is(i, string(k)) || b.Count(string(k)) == 0 || b.Get(string(k)) == nil || b.Last(string(k)) == nil {
			t.Fatalf("key %q of field %d is not found", k, i)
		}
		i++
	}
}

var event = strings.ReplaceAll(`Event: DialBegin
Privilege: call,all
Timestamp: 1795320474.551353
Channel: PJSIP/100-00000a6c
ChannelState: 4
ChannelStateDesc: Ring
CallerIDNum: 100
CallerIDName: Phone 100
ConnectedLineNum: <unknown>
ConnectedLineName: <unknown>
Language: en
AccountCode: 
Context: trunk-out
Exten: 0031900123456
Priority: 2
Uniqueid: 1795320474.2668
Linkedid: 1795320474.2668
DestChannel: PJSIP/trunk-00000a6d
DestUniqueid: 1795320474.2669
DialString: 0031900123456@trunk

`, "\n", "\r\n")

func BenchmarkRead(b *testing.B) {
	in := strings.Repeat(event, 1000)
	src := strings.NewReader(in)
	r := NewReader(src)
	var blk Block
	b.SetBytes(int64(len(event)))
	b.ReportAllocs()
	for b.Loop() {
		err := r.Read(&blk)
		if err == io.EOF {
			src.Reset(in)
			err = r.Read(&blk)
		}
		if err != nil || len(blk.Get("DestUniqueid")) == 0 {
			b.Fatal(err)
		}
	}
}
