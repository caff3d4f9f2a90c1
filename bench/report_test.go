package bench

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/sys/unix"
)

// report is the table of all figures.
type report struct {
	full  bool // PBXGUARD_BENCH is set: measure, not only try
	began time.Time
	lines []line
}

// line is one figure or, with what alone, a heading.
type line struct {
	what               string
	n                  int
	p50, p90, p99, max string
	load               string
	aim                string
}

func newReport() *report {
	return &report{full: os.Getenv("PBXGUARD_BENCH") != "", began: time.Now()}
}

// take takes one figure or a few that belong together. What cannot be measured
// here is told in the table, with the reason.
func (r *report) take(t *testing.T, name string, measure func(testing.TB, *report)) {
	t.Run(name, func(t *testing.T) {
		if r.full {
			fmt.Fprintf(os.Stderr, "%3.0f s  %s\n", time.Since(r.began).Seconds(), name)
		}
		var why string
		defer func() {
			if t.Skipped() {
				r.lines = append(r.lines, line{what: "\n" + name + ": left out: " + why})
			}
		}()
		measure(hearsSkips{t, &why}, r)
	})
}

// hearsSkips is a test that notes why it is skipped.
type hearsSkips struct {
	testing.TB
	why *string
}

func (h hearsSkips) Skip(args ...any) {
	*h.why = fmt.Sprint(args...)
	h.TB.Skip(args...)
}

// times says how often to do something of which a bench takes n.
func (r *report) times(n int) int {
	if r.full {
		return n
	}
	return max(2, n/100)
}

// trials says how often to repeat what a bench does n times.
func (r *report) trials(n int) int {
	if r.full {
		return n
	}
	return 2
}

func (r *report) heading(what string) { r.lines = append(r.lines, line{what: "\n" + what}) }

// spread reports how long something took.
func (r *report) spread(what string, all []time.Duration, aim string) {
	slices.Sort(all)
	at := func(percent int) string {
		if len(all) == 0 {
			return "-"
		}
		return short(all[min(len(all)*percent/100, len(all)-1)])
	}
	r.lines = append(r.lines, line{"  " + what, len(all), at(50), at(90), at(99), at(100), loadNow(), aim})
}

// values reports the median, and the worst of several takes. worst is the
// greatest unless more is better.
func (r *report) values(what string, all []float64, unit string, moreIsBetter bool, aim string) {
	slices.Sort(all)
	worst := all[len(all)-1]
	if moreIsBetter {
		worst = all[0]
	}
	text := func(v float64) string { return grouped(v) + unit }
	l := line{"  " + what, len(all), text(all[len(all)/2]), "", "", text(worst), loadNow(), aim}
	if len(all) == 1 {
		l.max = ""
	}
	r.lines = append(r.lines, l)
}

// share reports how many of n did something.
func (r *report) share(what string, n int, share float64) {
	r.lines = append(r.lines, line{what: "  " + what, n: n, p50: fmt.Sprintf("%.0f %%", 100*share), load: loadNow()})
}

func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "\npbxguard, measured %s in one run of %.0f s on this machine: %s; aims are not asserted.\n"+
		"max is the worst of all; load is the average of the last minute when the figure was taken.\n\n",
		r.began.Format(time.DateTime), time.Since(r.began).Seconds(), machine())
	rows := [][]string{{"", "n", "p50", "p90", "p99", "max", "load", "aim"}}
	for _, l := range r.lines {
		if l.n == 0 {
			rows = append(rows, []string{l.what})
			continue
		}
		rows = append(rows, []string{l.what, grouped(float64(l.n)), l.p50, l.p90, l.p99, l.max, l.load, l.aim})
	}
	var widths [8]int
	for _, row := range rows {
		for i, cell := range row {
			if len(row) > 1 {
				widths[i] = max(widths[i], utf8.RuneCountInString(cell))
			}
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", max(0, widths[i]-utf8.RuneCountInString(cell)))
			switch i {
			case 0:
				b.WriteString(cell + pad)
			case len(widths) - 1:
				b.WriteString("  " + cell)
			default:
				b.WriteString("  " + pad + cell)
			}
		}
		fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
}

// short writes a duration with three digits.
func short(d time.Duration) string {
	switch {
	case d < 0:
		return "-" + short(-d)
	case d < time.Microsecond:
		return fmt.Sprintf("%d ns", d)
	case d < time.Millisecond:
		return digits(float64(d)/1e3) + " µs"
	case d < time.Second:
		return digits(float64(d)/1e6) + " ms"
	}
	return digits(d.Seconds()) + " s"
}

func digits(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// grouped writes a number with commas between thousands.
func grouped(v float64) string {
	if v < 1000 {
		if v == float64(int(v)) {
			return fmt.Sprintf("%.0f", v)
		}
		return digits(v)
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func loadNow() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	load, _, _ := strings.Cut(string(text), " ")
	return load
}

// machine is what the figures depend on.
func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for l := range strings.Lines(string(text)) {
			if key, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(key) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	var uts unix.Utsname
	kernel := "?"
	if unix.Uname(&uts) == nil {
		kernel = unix.ByteSliceToString(uts.Release[:])
	}
	return fmt.Sprintf("%d × %s, Linux %s, %s", runtime.NumCPU(), model, kernel, runtime.Version())
}
