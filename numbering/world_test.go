package numbering

import (
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
)

// near are numbers of every country and every kind, and what comes of them when
// digits are changed, added or left out.
func near(r *rand.Rand, each int) (list []string) {
	digits := func(s string, n int) string {
		for range n {
			s += string(rune('0' + r.IntN(10)))
		}
		return s
	}
	for _, number := range exampleNumbers() {
		list = append(list, number)
		for range each {
			b := []byte(number)
			for range 1 + r.IntN(3) {
				b[1+r.IntN(len(b)-1)] = byte('0' + r.IntN(10))
			}
			list = append(list, string(b), digits(number[:1+r.IntN(len(number))], r.IntN(9)))
		}
	}
	for prefix := range specials {
		list = append(list, digits(prefix, 5), digits(prefix, 7), digits(prefix, 9))
	}
	for _, prefix := range crownPrefixes {
		list = append(list, digits(prefix, 6), digits(prefix, 7))
	}
	for code := 1; code < 1000; code++ {
		list = append(list, digits(strconv.Itoa(code), 3+r.IntN(10)))
	}
	for range 200 * each {
		list = append(list, digits("", 1+r.IntN(maxDigits)), digits("1", 10), digits("44", 10), digits("3", 10))
	}
	return list
}

// TestLookupIsConsult: what is remembered of numbers that are not told apart is
// what libphonenumber says of each by itself.
func TestLookupIsConsult(t *testing.T) {
	each := 5
	if testing.Short() {
		each = 1
	}
	for i, country := range []string{"NL", "US", "GB", "JE", "IT", "AR", "AG"} {
		plan := mustPlan(t, mustDefault(t, country))
		list := near(rand.New(rand.NewPCG(uint64(i), 1)), each)
		odd := 0
		for _, digits := range list {
			if !isDigits(digits) || digits[0] == '0' || len(digits) > maxDigits {
				continue
			}
			got, ok := plan.lookup(digits)
			want, wantOK := plan.consult(digits)
			if got != want || ok != wantOK {
				t.Fatalf("%s: %s: got %+v, %v, want %+v, %v", country, digits, got, ok, want, wantOK)
			}
			if s, somewhere := plan.world.find(digits); s == nil && somewhere {
				odd++
			}
		}
		t.Logf("%s: %d numbers, %d states, %d looked up each by itself", country, len(list), plan.world.made, odd)
	}
}

// TestWorldBeginsAnew: a world is bounded, and right when it begins anew.
func TestWorldBeginsAnew(t *testing.T) {
	plan := mustPlan(t, mustDefault(t, "NL"))
	plan.world.made = maxStates - 3
	want, _ := plan.consult("31201234567")
	for range 3 {
		if got, ok := plan.lookup("31201234567"); !ok || got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}
	if plan.world.made == 0 || plan.world.made > 20 {
		t.Errorf("got %d states, want those of one number", plan.world.made)
	}
}

// TestWorldIsShared: goroutines may look numbers up at once.
func TestWorldIsShared(t *testing.T) {
	plan := mustPlan(t, mustDefault(t, "NL"))
	list := near(rand.New(rand.NewPCG(3, 3)), 1)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, digits := range list {
				plan.Normalise("00" + digits)
			}
		})
	}
	wg.Wait()
}
