package tariff

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pbxguard/guard"
)

// dutch stands for a dial plan.
func dutch(s string) (string, bool) {
	if n, ok := strings.CutPrefix(s, "0"); ok && len(n) >= 4 {
		return "+31" + n, true
	}
	return "", false
}

func imported(t testing.TB, about About, text string) (*List, []string) {
	t.Helper()
	l, faults, err := ImportList(about, "in.csv", strings.NewReader(text), dutch)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range faults.Kept {
		got = append(got, f.Error())
	}
	return l, got
}

func TestListHas(t *testing.T) {
	l, faults := imported(t, About{Name: "acm", Kind: guard.WithdrawnNumbers}, `# a comment; with a semicolon
number,note,expires
+31 900-12345,helpdesk,
09061234,by the plan,
+31906*,adult,2026-11-20
+319065*,adult,
+3190655,until today,2026-11-25
+252*,everything,
`)
	if len(faults) > 0 {
		t.Fatalf("got %q, want no faults", faults)
	}
	for number, want := range map[string]bool{
		"+3190012345": true, "+3190012346": false, "+319001234": false,
		"+319061234":   true,  // by itself
		"+319069999":   false, // that prefix has expired
		"+319065999":   true,  // a longer one has not
		"+3190655":     true,
		"+25261234567": true, "+252": true, "+25": false,
		"": false, "+": false, "0900": false, "+x": false, "+1234567890123456789": false,
	} {
		if got := l.Has(number, today); got != want {
			t.Errorf("got %v of %q, want %v", got, number, want)
		}
	}
	if l.Len() != 6 {
		t.Errorf("got %d entries, want 6", l.Len())
	}
}

func TestListExpires(t *testing.T) {
	l, _ := imported(t, About{Expires: today}, "+3190012345\n")
	lists := NewLists(l)
	for at, want := range map[time.Time]bool{today.Add(-time.Second): true, today: false} {
		if _, got := lists.Lookup(guard.DeniedNumbers, "+3190012345", at); got != want {
			t.Errorf("got %v at %v, want %v", got, at, want)
		}
	}
	if _, got := lists.Lookup(guard.SilentNumbers, "+3190012345", today.Add(-time.Hour)); got {
		t.Error("got a hit in a list of another kind")
	}
}

func TestImportFaults(t *testing.T) {
	l, faults := imported(t, About{}, "+31900*x\n0*\nabc\n+31,x\n+0123\n\"+31\n+3190012345\n")
	want := []string{"in.csv:1:1:", "in.csv:2:1:", "in.csv:3:1:", "in.csv:5:1:", "in.csv:6:1:"}
	if len(faults) != len(want) || l.Len() != 2 {
		t.Fatalf("got %q and %d entries, want %d faults and 2", faults, l.Len(), len(want))
	}
	for i, w := range want {
		if !strings.HasPrefix(faults[i], w) {
			t.Errorf("got %q, want %q", faults[i], w)
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	dir := t.TempDir()
	about := About{Name: "acm", Kind: guard.WithdrawnNumbers, Source: "https://example.org\nkind: own", Imported: today, Expires: today.AddDate(0, 3, 0)}
	l, _ := imported(t, about, "number,expires\n+3190012345,2026-12-31\n+31906*,2027-01-01\n+3190012346,\n")
	empty, _ := imported(t, About{Name: "none", Kind: guard.SilentNumbers, Imported: today}, "")
	for _, l := range []*List{l, empty, l} {
		if err := l.Save(dir); err != nil {
			t.Fatal(err)
		}
	}
	lists, wrong := LoadLists(dir)
	if len(wrong) > 0 || len(lists.All()) != 2 {
		t.Fatalf("got %v and %d lists, want 2", wrong, len(lists.All()))
	}
	got := lists.All()[0]
	l.Source = `https://example.org\nkind: own`
	if !reflect.DeepEqual(got, l) {
		t.Errorf("got\n%+v, want\n%+v", got, l)
	}
	if name, ok := lists.Lookup(guard.WithdrawnNumbers, "+319061", today); !ok || name != "acm" {
		t.Errorf("got %q, %v, want acm", name, ok)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	if err := RemoveList(dir, "acm"); err != nil {
		t.Fatal(err)
	}
	if lists, _ := LoadLists(dir); len(lists.All()) != 1 {
		t.Errorf("got %d lists, want 1", len(lists.All()))
	}
}

// TestLoadRefuses: one bad list does not keep a good one out.
func TestLoadRefuses(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	write("good.list", "# kind: denied\n+3190012345\nnonsense\n", 0o644)
	write("open.list", "# kind: denied\n+3190012345\n", 0o666)
	write("kindless.list", "+3190012345\n", 0o644)
	write("odd.list", "# kind: odd\n", 0o644)
	write("Bad Name.list", "# kind: denied\n", 0o644)
	write("other.txt", "x", 0o644)
	lists, wrong := LoadLists(dir)
	if len(lists.All()) != 1 || lists.All()[0].Name != "good" {
		t.Errorf("got %d lists, want good alone", len(lists.All()))
	}
	var got []string
	for _, err := range wrong {
		got = append(got, strings.TrimPrefix(err.Error(), dir))
	}
	for _, want := range []string{"good.list:3:1:", "written by others", "of which kind", `called "odd"`, "small letters"} {
		if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("got %q, want one with %q", got, want)
		}
	}
	if lists, wrong := LoadLists(filepath.Join(dir, "absent")); len(lists.All()) != 0 || len(wrong) != 0 {
		t.Errorf("got %v, want no lists and no fault", wrong)
	}
}

func TestSaveRefusesNames(t *testing.T) {
	for _, name := range []string{"", "../x", "A", "a/b", ".x", "a.b"} {
		if err := (&List{About: About{Name: name}}).Save(t.TempDir()); err == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

// million is a list of a million random numbers of one country.
func million(b testing.TB) (*List, string) {
	b.Helper()
	var text strings.Builder
	r := rand.New(rand.NewPCG(1, 2))
	for range 1_000_000 {
		fmt.Fprintf(&text, "+31%09d\n", r.IntN(1_000_000_000))
	}
	l, faults, err := ImportList(About{}, "in", strings.NewReader(text.String()), nil)
	if err != nil || faults.Total > 0 {
		b.Fatal(err, faults)
	}
	return l, text.String()
}

func BenchmarkImportMillion(b *testing.B) {
	_, text := million(b)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, _, err := ImportList(About{}, "in", strings.NewReader(text), nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHasInMillion(b *testing.B) {
	l, text := million(b)
	numbers := strings.Fields(text)[:10_000]
	i := 0
	for b.Loop() {
		if !l.Has(numbers[i%len(numbers)], today) {
			b.Fatal("a number is missing")
		}
		i++
	}
}

// FuzzImportList: whatever is in a list, it can be saved and read again.
func FuzzImportList(f *testing.F) {
	f.Add("+3190012345\n+31906*\n")
	f.Add("number,expires\n+31900,2026-01-01\n")
	f.Add("# kind: denied\n\"+31")
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		l, _, err := ImportList(About{Name: "x", Imported: today}, "in", strings.NewReader(text), dutch)
		if err != nil {
			return
		}
		if err := l.Save(dir); err != nil {
			t.Fatal(err)
		}
		got, wrong := LoadLists(dir)
		if len(wrong) > 0 || !reflect.DeepEqual(got.All()[0], l) {
			t.Errorf("got %+v, %v, want %+v", got.All()[0], wrong, l)
		}
	})
}
