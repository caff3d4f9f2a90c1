package e2e

import (
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// line is one curve of a picture.
type line struct {
	name   string
	colour string
	of     func(sample) float64
}

// picture draws what was seen over time, as SVG.
func picture(title, unit string, samples []sample, lines ...line) string {
	const width, height, left, right, top, bottom = 900.0, 260.0, 90.0, 20.0, 36.0, 34.0
	least, most := 0.0, 0.0
	for _, s := range samples {
		for _, l := range lines {
			least, most = min(least, l.of(s)), max(most, l.of(s))
		}
	}
	step := roundStep((most - least) / 4)
	least, most = math.Floor(least/step)*step, math.Ceil(most/step)*step
	if most == least {
		most = least + step
	}
	ends := max(samples[len(samples)-1].at, time.Second)
	x := func(at time.Duration) float64 { return left + (width-left-right)*float64(at)/float64(ends) }
	y := func(v float64) float64 { return height - bottom - (height-top-bottom)*(v-least)/(most-least) }
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" font-family="sans-serif" font-size="12">`, width, height, width, height)
	fmt.Fprintf(&b, `<rect width="%g" height="%g" fill="#fff"/><text x="%g" y="20" font-size="15" font-weight="bold">%s</text>`, width, height, left, html.EscapeString(title))
	for v := least; v <= most+step/2; v += step {
		fmt.Fprintf(&b, `<line x1="%g" x2="%g" y1="%.1f" y2="%.1f" stroke="#ddd"/><text x="%g" y="%.1f" text-anchor="end">%s %s</text>`,
			left, width-right, y(v), y(v), left-6, y(v)+4, number(v), unit)
	}
	for i := range 6 {
		at := ends * time.Duration(i) / 5
		fmt.Fprintf(&b, `<text x="%.1f" y="%g" text-anchor="middle">%s</text>`, x(at), height-12, at.Round(time.Second))
	}
	for i, l := range lines {
		var points []string
		for _, s := range samples {
			points = append(points, fmt.Sprintf("%.1f,%.1f", x(s.at), y(l.of(s))))
		}
		fmt.Fprintf(&b, `<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>`, l.colour, strings.Join(points, " "))
		fmt.Fprintf(&b, `<text x="%g" y="20" text-anchor="end" fill="%s">%s</text>`, width-right-float64(len(lines)-1-i)*170, l.colour, html.EscapeString(l.name))
	}
	return b.String() + "</svg>"
}

// roundStep is the next of 1, 2, 5, 10, … that is not smaller.
func roundStep(v float64) float64 {
	if v <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= v {
			return n * power
		}
	}
	return 10 * power
}

func number(v float64) string {
	if math.Abs(v) < 1e-9 {
		return "0"
	}
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%.2f", v), "0"), ".")
}

// report writes a page that needs nothing else.
func (s *soak) report(dir string, lasts time.Duration) {
	s.t.Helper()
	mega := func(of func(sample) float64) func(sample) float64 {
		return func(x sample) float64 { return of(x) / 1e6 }
	}
	pictures := []string{
		picture("Resident memory", "MB", s.samples, line{"pbxguard", "#1f5fbf", mega(func(x sample) float64 { return x.resident })}),
		picture("Open files and connections", "", s.samples, line{"pbxguard", "#1f5fbf", func(x sample) float64 { return x.files }}),
		picture("Database, with its log", "MB", s.samples, line{"on disk", "#1f5fbf", mega(func(x sample) float64 { return x.state })}),
		picture("Live legs", "", s.samples, line{"Asterisk", "#b05a00", func(x sample) float64 { return x.behind }}, line{"pbxguard", "#1f5fbf", func(x sample) float64 { return x.guard }}),
		picture("Drift of live legs: pbxguard beyond what Asterisk had just before and after", "", s.samples, line{"drift", "#a00", sample.drift}),
		picture("Kills so far, and bans in the kernel", "", s.samples, line{"kills", "#a00", func(x sample) float64 { return x.kills }}, line{"bans", "#1f5fbf", func(x sample) float64 { return x.bans }}),
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"/><title>pbxguard: soak</title></head><body style=\"font-family:sans-serif;max-width:60rem;margin:2rem auto\">\n")
	fmt.Fprintf(&b, "<h1>Soak: %v of %d calls a second</h1>\n<p>A real Asterisk 22, %s. Begun %s.</p>\n<table>\n", lasts, s.rate, "SIPp on both sides", s.began.Format("2006-01-02 15:04 MST"))
	for _, what := range []string{"honest calls", "honest calls that failed", "frauds", "frauds that were not ended", "guessers", "bans by hand", "lost connections"} {
		fmt.Fprintf(&b, "<tr><td>%s</td><td style=\"text-align:right\">%d</td></tr>\n", what, s.done[what])
	}
	exact, usual, cut := s.drifts()
	fmt.Fprintf(&b, "</table>\n<p>Of %d looks at the live legs %d found exactly those of the PBX; the worst was %.0f legs off, and %.0f in the %v after a connection was cut.</p>\n",
		len(s.samples), exact, usual, cut, afterCut)
	for i, p := range pictures {
		fmt.Fprintf(&b, "<p>%s</p>\n", p)
		if err := xml.NewDecoder(strings.NewReader(p)).Decode(new(struct{})); err != nil && err != io.EOF {
			s.t.Errorf("picture %d is no XML: %v", i+1, err)
		}
	}
	b.WriteString("</body></html>\n")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		s.t.Fatal(err)
	}
	path := filepath.Join(dir, "soak.html")
	put(s.t, path, b.String())
	for i, p := range pictures {
		put(s.t, filepath.Join(dir, fmt.Sprintf("soak-%d.svg", i+1)), p)
	}
	s.t.Logf("report: %s", path)
}

// TestPicture: what is drawn stays within its frame, whatever is drawn.
func TestPicture(t *testing.T) {
	for name, values := range map[string][]float64{
		"one": {1}, "zero": {0, 0, 0}, "negative": {-3, 2, -1}, "huge": {1e9, 2e9}, "tiny": {1e-6, 2e-6},
	} {
		var samples []sample
		for i, v := range values {
			samples = append(samples, sample{at: time.Duration(i) * time.Second, guard: v})
		}
		p := picture("a & b", "MB", samples, line{"<x>", "#000", func(s sample) float64 { return s.guard }})
		if err := xml.NewDecoder(strings.NewReader(p)).Decode(new(struct{})); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if strings.Contains(p, "NaN") || strings.Contains(p, "Inf") {
			t.Errorf("%s: a curve leaves the frame: %s", name, p)
		}
	}
}
