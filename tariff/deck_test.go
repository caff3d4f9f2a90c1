package tariff

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"pbxguard/guard"
)

var today = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

const deck = `prefix,description,rate,currency,increment,min,valid_from
31,Netherlands,0.01,EUR,1,0,
316,"Netherlands, mobile",0.05,EUR,60,60,
316,"Netherlands, mobile",0.06,EUR,60,60,2026-12-01
252,Somalia,1.2345678,EUR,60,60,2020-01-01
881,Satellite,7.5,EUR,60,60,2027-01-01
44,United Kingdom,0.02,EUR,30,6,2026-01-01
`

func read(t testing.TB, text string) (*Deck, []string) {
	t.Helper()
	d, faults, err := Read("deck.csv", strings.NewReader(text), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range faults.Kept {
		got = append(got, f.Error())
	}
	return d, got
}

func TestRate(t *testing.T) {
	d, faults := read(t, deck)
	if len(faults) > 0 {
		t.Fatalf("got faults %q, want none", faults)
	}
	for _, tt := range []struct {
		name, number string
		at           time.Time
		perMinute    guard.Money
		unknown      bool
	}{
		{"shortest prefix", "+31201234567", today, 10_000, false},
		{"longest prefix", "+31612345678", today, 50_000, false},
		{"a later row has begun", "+31612345678", today.AddDate(0, 1, 0), 60_000, false},
		{"rounded up beyond millionths", "+25261234567", today, 1_234_568, false},
		{"unknown is dearest", "+4930123456", today, 1_234_568, true},
		{"what has not begun is unknown", "+8816123456", today, 1_234_568, true},
		{"and then dear", "+8816123456", today.AddDate(0, 2, 0), 7_500_000, false},
		{"and dearest", "+4930123456", today.AddDate(0, 2, 0), 7_500_000, true},
		{"no number", "", today, 1_234_568, true},
		{"no digits", "+x", today, 1_234_568, true},
		{"only a part of a prefix", "+8", today, 1_234_568, true},
		{"exactly the prefix", "+44", today, 20_000, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tariff, err := d.At(tt.at)
			if err != nil {
				t.Fatal(err)
			}
			got := tariff.Rate(tt.number)
			if got.PerMinute != tt.perMinute || got.Unknown != tt.unknown {
				t.Errorf("got %d, unknown %v, want %d, %v", got.PerMinute, got.Unknown, tt.perMinute, tt.unknown)
			}
		})
	}
}

func TestAtNothingHolds(t *testing.T) {
	d, _ := read(t, "prefix,rate,valid_from\n31,1,2030-01-01\n")
	if _, err := d.At(today); err == nil || !strings.Contains(err.Error(), "deck.csv") {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

// TestFaults: what is wrong is named by its place, and nothing else is lost.
func TestFaults(t *testing.T) {
	for _, tt := range []struct{ name, row, want string }{
		{"letters", "3x,,1,EUR,1,0,", "deck.csv:3:1: a prefix is a country code and further digits, not \"3x\""},
		{"no prefix", ",,1,EUR,1,0,", "deck.csv:3:1: a prefix is"},
		{"national prefix", "020,,1,EUR,1,0,", "deck.csv:3:1: a prefix is"},
		{"no rate", "32,,,EUR,1,0,", "deck.csv:3:5: there is no rate"},
		{"bad rate", "32,,1.2.3,EUR,1,0,", "deck.csv:3:5: \"1.2.3\" is no amount"},
		{"negative rate", "32,,-1,EUR,1,0,", "deck.csv:3:5: a price cannot be negative"},
		{"absurd rate", "32,,1000000,EUR,1,0,", "deck.csv:3:5: \"1000000\" is too much"},
		{"currency", "32,,1,USD,1,0,", "deck.csv:3:7: the deck is in EUR, not in USD"},
		{"no currency", "32,,1,euro,1,0,", "deck.csv:3:7: a currency is three letters"},
		{"increment", "32,,1,EUR,0,0,", "deck.csv:3:11: must be 1 to 3600 seconds"},
		{"min", "32,,1,EUR,1,-1,", "deck.csv:3:13: must be whole seconds"},
		{"date", "32,,1,EUR,1,0,31-12-2026", "deck.csv:3:15: must be a date such as 2026-01-31"},
		{"twice", "31,,2,EUR,1,0,", "deck.csv:3: prefix 31 is given on line 2 already"},
		{"quotation", "32,\"x,1,EUR,1,0,", "deck.csv:3:4: a quotation mark is not closed"},
		{"short row", "32", "deck.csv:3: there is no rate"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, faults := read(t, "prefix,description,rate,currency,increment,min,valid_from\n31,,1,EUR,1,0,\n"+tt.row+"\n33,,3,EUR,1,0,\n")
			if len(faults) != 1 || !strings.HasPrefix(faults[0], tt.want) {
				t.Errorf("got %q, want %q", faults, tt.want)
			}
			if d.Len() != 2 {
				t.Errorf("got %d rows, want the 2 good ones", d.Len())
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "", "no row of column names"},
		{"no rate column", "prefix,price\n31,1\n", `there is no column called "rate"`},
		{"no good row", "prefix,rate\nx,y\n", "no usable row"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := Read("deck.csv", strings.NewReader(tt.text), time.UTC)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "deck.csv") {
				t.Errorf("got %v, want %q and the file", err, tt.want)
			}
		})
	}
}

func TestDecimalComma(t *testing.T) {
	d, faults := read(t, "Prefix;Rate;Setup\n+31;0,0125;0,1\n0032;0.5;\n")
	tariff, err := d.At(today)
	if err != nil || len(faults) > 0 {
		t.Fatal(err, faults)
	}
	if got := tariff.Rate("+31201234567"); got.PerMinute != 12_500 || got.Setup != 100_000 {
		t.Errorf("got %+v, want 0.0125 and 0.1", got)
	}
	if got := tariff.Rate("+3221234567"); got.PerMinute != 500_000 || got.Unknown {
		t.Errorf("got %+v, want 0.5", got)
	}
}

// TestTrie holds the trie against looking at every prefix.
func TestTrie(t *testing.T) {
	digits := rapid.StringMatching(`[1-4][0-4]{0,7}`)
	rapid.Check(t, func(t *rapid.T) {
		prefixes := rapid.SliceOfNDistinct(digits, 0, 40, rapid.ID[string]).Draw(t, "prefixes")
		var keys []uint64
		var values []uint32
		for i, p := range prefixes {
			key, ok := pack([]byte(p))
			if !ok || string(unpack(key)) != p {
				t.Fatalf("got %s, %v of %s", unpack(key), ok, p)
			}
			keys, values = append(keys, key), append(values, uint32(i))
		}
		tr := newTrie(keys, values)
		for range 20 {
			number := digits.Draw(t, "number")
			want := -1
			for i, p := range prefixes {
				if strings.HasPrefix(number, p) && (want < 0 || len(p) > len(prefixes[want])) {
					want = i
				}
			}
			got, ok := tr.longest(number)
			if ok != (want >= 0) || ok && int(got) != want {
				t.Fatalf("got %d, %v of %s, want %d in %q", got, ok, number, want, prefixes)
			}
		}
	})
}

// bigDeck has n rows as a carrier's A-Z deck has: countries with their ranges.
func bigDeck(n int) string {
	var b strings.Builder
	b.WriteString("prefix,description,rate,currency,increment,min,valid_from\n")
	for i := range n {
		fmt.Fprintf(&b, "%d%05d,Somewhere,0.%04d,EUR,60,60,2026-01-01\n", 1+i%9, i/9, i%10000)
	}
	return b.String()
}

func TestRateDoesNotAllocate(t *testing.T) {
	d, _ := read(t, bigDeck(10_000))
	tariff, err := d.At(today)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { tariff.Rate("+310012345678") }); n > 0 {
		t.Errorf("got %v allocations a look-up, want none", n)
	}
}

func BenchmarkRate(b *testing.B) {
	d, _ := read(b, bigDeck(200_000))
	tariff, err := d.At(today)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(len(tariff.trie)*12)/float64(d.Len()), "B/prefix")
	i := 0
	numbers := make([]string, 1000)
	for i := range numbers {
		numbers[i] = fmt.Sprintf("+%d%05d1234", 1+i%9, i*20)
	}
	for b.Loop() {
		tariff.Rate(numbers[i%1000])
		i++
	}
}

func BenchmarkRead(b *testing.B) {
	text := bigDeck(200_000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		d, _ := read(b, text)
		if _, err := d.At(today); err != nil {
			b.Fatal(err)
		}
	}
}

// FuzzRead: whatever is in a deck, reading ends, and what is read can be asked.
func FuzzRead(f *testing.F) {
	f.Add(deck)
	f.Add("prefix;rate\n31;0,1\n")
	f.Add("prefix,rate\n31,\"1\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, faults, err := Read("deck.csv", strings.NewReader(text), time.UTC)
		if err != nil {
			return
		}
		if faults.Total < len(faults.Kept) {
			t.Errorf("got %d faults of %d", len(faults.Kept), faults.Total)
		}
		tariff, err := d.At(today)
		if err != nil {
			return
		}
		for _, n := range []string{"+31201234567", "", "+"} {
			if r := tariff.Rate(n); r.Cost(time.Hour) < 0 || dearer(r, tariff.Dearest()) {
				t.Errorf("got %+v of %q, dearest %+v", r, n, tariff.Dearest())
			}
		}
	})
}
