package tabular

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// all reads everything and shows rows as "1:a|b" and faults as their text.
func all(r *Reader) (got []string) {
	var row Row
	for {
		err := r.Read(&row)
		if err == io.EOF {
			return got
		}
		if err != nil {
			got = append(got, err.Error())
			if !errors.As(err, new(*Error)) {
				return got
			}
			continue
		}
		var fields []string
		for _, f := range row.Fields {
			fields = append(fields, string(f))
		}
		got = append(got, fmt.Sprintf("%d:%s", row.Line, strings.Join(fields, "|")))
	}
}

func TestRead(t *testing.T) {
	long := strings.Repeat("x", MaxRow+10)
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"plain", "a,b\nc,d\n", []string{"1:a|b", "2:c|d"}},
		{"no line feed at the end", "a,b", []string{"1:a|b"}},
		{"carriage returns", "a,b\r\n\r\n\"c\",d\r\n", []string{"1:a|b", "3:c|d"}},
		{"empty fields", ",\n\"\",\n", []string{"1:|", "2:|"}},
		{"byte order mark", "\xef\xbb\xbfa\n", []string{"1:a"}},
		{"doubled quotation marks", `"say ""hi""","b"` + "\nc", []string{`1:say "hi"|b`, "2:c"}},
		{"line break in a field", "\"a\nb\",c\nd\n", []string{"1:a\nb|c", "3:d"}},
		{"never closed", "a,\"b\nc,d\n", []string{"f:1:3: a quotation mark is not closed", "2:c|d"}},
		{"closed by the next row", "\"a\n\"b\",c\n", []string{"f:1:1: something stands behind the closing quotation mark", "2:b|c"}},
		{"comment", "# x\na\n", []string{"2:a"}},
		{"too long", long + "\na,b\n", []string{"f:1: is longer than 65536 bytes", "2:a|b"}},
		{"NUL", "a,b\x00c\nd\n", []string{"f:1:4: has a NUL byte", "2:d"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReader("f", strings.NewReader(tt.in))
			r.Comment = '#'
			if got := all(r); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestReadLoose reads what programs write that do not know of quotation marks.
func TestReadLoose(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     []string
	}{
		{"blanks", "a, \"b,c\" ,d\n \"e\" \r\nf\n", []string{"1:a|b,c|d", "2:e", "3:f"}},
		{"escaped", `"\"Ann\" <1>","b"` + "\n" + `"c\"",d` + "\n", []string{`1:"Ann" <1>|b`, `2:c"|d`}},
		{"not escaped", `"1",""Ann, A" <1>","b"` + "\r\n" + `""Ann" <1>"` + "\nb\n", []string{`1:1|"Ann, A" <1>|b`, `2:"Ann" <1>`, "3:b"}},
		{"mysql", "a\t\"Ann\" <1>\t\"\n\"b\tc\"\td\n", []string{`1:a|"Ann" <1>|"`, "2:b\tc|d"}},
		{"sqlite", "a|\"\" <2>|b\nc||d\n", []string{`1:a|"" <2>|b`, "2:c||d"}},
		{"still strict", `"say ""hi""","b"` + "\nc,\"d\ne,f\n", []string{`1:say "hi"|b`, "f:2:3: a quotation mark is not closed", "3:e|f"}},
		{"NUL", `""a` + "\x00" + `"",b` + "\nc\n", []string{"f:1:1: something stands behind the closing quotation mark", "2:c"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := NewReader("f", strings.NewReader(tt.in))
			r.Loose = true
			r.Sniff()
			if got := all(r); !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestReadFails(t *testing.T) {
	r := NewReader("f", io.MultiReader(strings.NewReader("a,b\n"), failing{}))
	got := all(r)
	if len(got) != 2 || got[0] != "1:a|b" || !strings.Contains(got[1], "cannot read f: broken") {
		t.Errorf("got %q, want a row and the reader's error", got)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("broken") }

func TestSniff(t *testing.T) {
	for in, want := range map[string]byte{"a,b\n": ',', "a;b;c,d\n": ';', "a\tb": '\t', "a|b|c,d": '|', "": ','} {
		r := NewReader("f", strings.NewReader(in))
		if r.Sniff(); r.Comma != want {
			t.Errorf("got %q of %q, want %q", r.Comma, in, want)
		}
	}
}

func TestWrong(t *testing.T) {
	r := NewReader("deck.csv", strings.NewReader("\nab,\"c\",d\n"))
	var row Row
	if err := r.Read(&row); err != nil {
		t.Fatal(err)
	}
	if got, want := row.Wrong(2, "no %s", "x").Error(), "deck.csv:2:8: no x"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// FuzzRead holds the reader against encoding/csv for what both take, and to its
// bounds for everything.
func FuzzRead(f *testing.F) {
	for _, s := range []string{"a,b\n", "\"a\"\"b\",c\r\n", "\"a\nb\",c", "a,\"b\nc", "\r\n,\n", "\"\"\"", "\r"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		testBounds(t, in)
		var want [][]string
		std := csv.NewReader(strings.NewReader(in))
		std.FieldsPerRecord = -1
		want, err := std.ReadAll()
		plain := err == nil && !strings.ContainsAny(in, "\r\x00") && !strings.Contains(in, "\xef") && len(in) < MaxRow
		r := NewReader("f", strings.NewReader(in))
		var row Row
		var got [][]string
		for n := 0; ; n++ {
			if n > len(in)+1 {
				t.Fatalf("%d rows of %d bytes", n, len(in))
			}
			err := r.Read(&row)
			if err == io.EOF {
				break
			}
			if err != nil {
				if plain {
					t.Fatalf("got %v of %q, which encoding/csv takes", err, in)
				}
				continue
			}
			var fields []string
			for _, b := range row.Fields {
				fields = append(fields, string(b))
			}
			got = append(got, fields)
		}
		if plain && fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if r.Offset() > int64(len(in)) {
			t.Errorf("%d bytes parsed of %d", r.Offset(), len(in))
		}
	})
}

// testBounds reads loosely: every row is read once and inside the file.
func testBounds(t *testing.T, in string) {
	r := NewReader("f", strings.NewReader(in))
	r.Loose = true
	r.Sniff()
	if rows := all(r); len(rows) > len(in)+1 || r.Offset() > int64(len(in)) {
		t.Fatalf("%d rows, %d bytes of %q", len(rows), r.Offset(), in)
	}
}
