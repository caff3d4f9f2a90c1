package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// recordsReplayed takes "pbxguard replay" of half a year of a PBX with a hundred
// extensions, whose calls all go to numbers that nobody has called before, with
// the configuration as it is shipped.
func recordsReplayed(t testing.TB, r *report) {
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	dir, n := t.TempDir(), r.times(1_000_000)
	r.heading(fmt.Sprintf("Replay of %s call records by the shipped policy", grouped(float64(n))))
	for _, form := range []struct {
		name, pbx string
		write     func(*placedCall, *bufio.Writer, int)
	}{{"Asterisk's Master.csv", "asterisk", (*placedCall).master}, {"FreeSWITCH's cdr-csv", "freeswitch", (*placedCall).switchRow}} {
		file := filepath.Join(dir, form.pbx+".csv")
		writeCalls(t, file, n, form.write)
		conf := filepath.Join(dir, form.pbx+".toml")
		text := fmt.Sprintf("[[pbx]]\nname = \"pbx\"\ntype = %q\naddress = \"127.0.0.1:1\"\nconfig_dir = %q\ntrunks = [\"trunk\", \"gateway\"]\n"+
			"time_zone = \"Europe/Amsterdam\"\n[pbx.dialplan]\ncountry = \"NL\"\nextensions = '^2\\d\\d$'\n", form.pbx, dir)
		if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(program, "replay", "--config", conf, file)
		var said bytes.Buffer
		cmd.Stderr = &said
		began := time.Now()
		if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 3 { // 3: calls would have been ended
			t.Fatalf("replay ended with %v:\n%s", err, said.String())
		}
		took := time.Since(began)
		used := cmd.ProcessState.SysUsage().(*syscall.Rusage)
		load := loadNow()
		for _, l := range []line{
			{what: form.name, p50: short(took), aim: "10 s"},
			{what: "  CPU time", p50: short(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime())},
			{what: "  memory at most", p50: digits(float64(used.Maxrss)*1024/1e6) + " MB"},
		} {
			l.what, l.n, l.load = "  "+l.what, 1, load
			r.lines = append(r.lines, l)
		}
	}
}

// placedCall is a call of extension from, or with to, or from outside with in.
type placedCall struct {
	at         time.Time
	ring, talk int // seconds
	from, to   string
	number     string
	in         bool
}

// writeCalls invents calls that follow from nothing but their number.
func writeCalls(t testing.TB, path string, n int, write func(*placedCall, *bufio.Writer, int)) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := bufio.NewWriterSize(f, 1<<20)
	dice := rand.New(rand.NewPCG(7, 7))
	at := time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC)
	extension := func() string { return fmt.Sprint(200 + dice.IntN(100)) }
	for i := range n {
		at = at.Add(time.Duration(dice.ExpFloat64() * 15 * float64(time.Second)))
		c := placedCall{at: at, ring: dice.IntN(20), from: extension()}
		if dice.IntN(4) > 0 {
			c.talk = 1 + int(dice.ExpFloat64()*150)
		}
		switch k := dice.IntN(100); {
		case k < 25:
			c.in, c.number = true, fmt.Sprintf("+316%d%07d", 1+dice.IntN(4), dice.IntN(1e7))
		case k < 35:
			c.to = extension()
		case k < 60:
			c.number = fmt.Sprintf("06%d%07d", 1+dice.IntN(4), dice.IntN(1e7))
		case k < 90:
			c.number = fmt.Sprintf("0%d%d%06d", []int{20, 10, 70, 30}[dice.IntN(4)], 2+dice.IntN(6), dice.IntN(1e6))
		default:
			c.number = fmt.Sprintf("00%s%06d", []string{"32475", "4915112", "447712", "33612", "34612"}[dice.IntN(5)], dice.IntN(1e6))
		}
		write(&c, w, i)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// times are when it was answered, if it was, and when it ended.
func (c *placedCall) times() (answer, end string) {
	at := c.at.Add(time.Duration(c.ring) * time.Second)
	if c.talk > 0 {
		answer = at.Format(time.DateTime)
	}
	return answer, at.Add(time.Duration(c.talk) * time.Second).Format(time.DateTime)
}

// master writes it as Asterisk's cdr_csv does.
func (c *placedCall) master(w *bufio.Writer, i int) {
	src, dst, context, a, b, data := c.from, c.number, "internal", c.from, "trunk", c.number+"@trunk,60"
	switch {
	case c.in:
		src, dst, context, a, b, data = c.number, c.from, "from-trunk", "trunk", c.from, c.from+",20"
	case c.to != "":
		dst, b, data = c.to, c.to, c.to+",20"
	}
	outcome := "NO ANSWER"
	if c.talk > 0 {
		outcome = "ANSWERED"
	}
	answer, end := c.times()
	fmt.Fprintf(w, `"","%s","%s","%s","""%s"" <%s>","PJSIP/%s-%08x","PJSIP/%s-%08x","Dial","PJSIP/%s","%s","%s","%s",%d,%d,"%s","DOCUMENTATION","%d.%d",""`+"\n",
		src, dst, context, src, src, a, 2*i, b, 2*i+1, data, c.at.Format(time.DateTime), answer, end, c.ring+c.talk, c.talk, outcome, c.at.Unix(), i)
}

// switchRow writes it as FreeSWITCH's mod_cdr_csv does.
func (c *placedCall) switchRow(w *bufio.Writer, i int) {
	from, to, context, account := c.from, c.number, "default", c.from
	switch {
	case c.in:
		from, to, context, account = c.number, c.from, "public", ""
	case c.to != "":
		to = c.to
	}
	other, cause := "", "NO_ANSWER"
	if c.talk > 0 {
		other, cause = fmt.Sprintf("%08x-0000-4000-9000-%012x", i, i), "NORMAL_CLEARING"
	}
	answer, end := c.times()
	fmt.Fprintf(w, `"%s","%s","%s","%s","%s","%s","%s","%d","%d","%s","%08x-0000-4000-8000-%012x","%s","%s"`+"\n",
		from, from, to, context, c.at.Format(time.DateTime), answer, end, c.ring+c.talk, c.talk, cause, i, i, other, account)
}
