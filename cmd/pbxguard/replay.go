package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"pbxguard/config"
	"pbxguard/guard"
	"pbxguard/history"
	"pbxguard/propose"
)

// replay is how the command was called.
type replay struct {
	pbx     string
	last    string
	propose bool
	all     bool
	only    only
}

func (c *cli) replayCommand() *cobra.Command {
	var r replay
	cmd := c.jsonFlag(&cobra.Command{
		Use: "replay FILE...", Short: "Say what the policy would have done with past calls", Args: cobra.MinimumNArgs(1),
		Long: `Play past calls through the policy and say which would have been ended or
reported, why, and what they cost; nothing is touched. A call that looks honest
because its number was called on other days too is marked: look at those first,
with --call and what stands under RECORD.

FILE may be Asterisk's Master.csv, a cdr table exported by mysql, psql, sqlite3
or phpMyAdmin, FreeSWITCH's cdr-csv, xml_cdr or JSON records, a recorded AMI or
ESL stream, any of them packed by gzip, or a folder of such files. Times without
a zone are in the PBX's, or in UTC if the ids of Asterisk's calls show that.
Rows that are wrong are named and left out, and what several files tell is
counted once. Every rule is enforced here but those that are set not to be. The
exit code is 3 if calls would have been ended.

With --propose a policy goes to standard output that is fitted to the history
and ends none of its calls, with the reasons as comments.`,
		Example: "  pbxguard replay --last 90d /var/log/asterisk/cdr-csv/Master.csv\n  pbxguard replay --extension 204 Master.csv\n  pbxguard replay --call Master.csv:1203 Master.csv\n  pbxguard replay --propose Master.csv > proposed.toml",
		RunE: func(_ *cobra.Command, args []string) error {
			return c.replay(r, args)
		},
	})
	cmd.Flags().StringVar(&r.pbx, "pbx", "", "the `name` of the PBX that the calls are of, where there are several")
	cmd.Flags().StringVar(&r.last, "last", "", "only the last `time` of the history, such as 90d")
	cmd.Flags().BoolVar(&r.propose, "propose", false, "write a policy that is fitted to the history")
	cmd.Flags().BoolVar(&r.all, "all", false, "show everything, not only the first 50 calls of each kind")
	cmd.Flags().StringVar(&r.only.extension, "extension", "", "show only what is about this `extension`")
	cmd.Flags().StringVar(&r.only.rule, "rule", "", "show only verdicts of this `rule`")
	cmd.Flags().StringVar(&r.only.call, "call", "", "show only this `call`, by its id or its place (FILE:LINE), with all that was noted of it")
	return cmd
}

func (c *cli) replay(r replay, paths []string) error {
	conf, err := c.policyFile()
	if err != nil {
		return invalid{err}
	}
	pbx, err := choosePBX(conf, r.pbx)
	if err != nil {
		return err
	}
	var t tables
	for _, fault := range t.read(conf) {
		c.note("%s", fault)
	}
	around := foundAt(conf)
	policy, err := t.policy(conf, around, time.Now())
	if err != nil {
		return invalid{err}
	}
	site := policy.PBXs[pbx.Name]
	reading := c.progress("read %d MB", 1<<20)
	h, err := history.Read(paths, history.Source{PBX: pbx.Name, Zone: site.Zone, Internal: site.Plan.Internal, Progress: func(n int64) { reading(n) }})
	if err != nil {
		return err
	}
	for _, fault := range h.Faults.Kept {
		c.note("%s", fault)
	}
	if h.Faults.Total > 0 {
		c.note("%d records are left out", h.Faults.Total)
	}
	for _, note := range h.Notes {
		c.note("%s", note)
	}
	if h.Twice > 0 {
		c.note("%d records are in several files and counted once", h.Twice)
	}
	if r.last != "" {
		d, err := config.ParseDuration(r.last)
		if err != nil {
			return fmt.Errorf("cannot read --last: %w", err)
		}
		h.Calls = history.Last(h.Calls, d)
	}
	if len(h.Calls)+len(h.Events) == 0 {
		return errors.New("there are no calls in this history")
	}
	play := func(p *guard.Policy) (*history.Result, error) { return c.play(h, p, pbx.Name) }
	if r.propose {
		return c.propose(conf, pbx.Name, h, func(conf *config.Config) (*history.Result, error) {
			p, err := t.policy(conf, around, time.Now())
			if err != nil {
				return nil, err
			}
			return play(p)
		})
	}
	res, err := play(policy)
	if err != nil {
		return err
	}
	if r.only.call != "" && len(h.Calls) > 0 && find(h.Calls, r.only.call) == nil {
		return hinted{fmt.Errorf("no call of this history has the id or the place %q", r.only.call), "a place is written as under RECORD, FILE:LINE"}
	}
	out := c.replayed(h, res, policy, r)
	if err := c.write(out, out.page); err != nil {
		return err
	}
	if len(res.Kills) > 0 {
		return errFound
	}
	return nil
}

// play plays a history under a policy, enforced.
func (c *cli) play(h *history.History, policy *guard.Policy, pbx string) (*history.Result, error) {
	p := *policy
	// A larger memory of numbers falls out of the processor's, and looking into it
	// then takes longer than reading a number anew.
	p.CallsMode, p.BansMode, p.Numbers = guard.Enforce, guard.Enforce, 1<<10
	progress := c.progress("played %d of %d calls", 1)
	return history.Play(h.Calls, h.Events, history.Options{PBX: pbx, Policy: &p, Step: replayStep,
		Progress: func(played, of int) { progress(int64(played), int64(of)) }})
}

// replayStep is how often time passes in a replay while calls are up: records are
// exact to the second, and a limit that is met so much late ends the same call.
const replayStep = 30 * time.Second

func (c *cli) propose(conf *config.Config, pbx string, h *history.History, play func(*config.Config) (*history.Result, error)) error {
	text, res, err := propose.Policy(propose.Input{
		Config: conf, PBX: pbx, Calls: h.Calls, Play: play,
		Parse: func(text string) (*config.Config, error) { return config.Parse("the proposal", []byte(text), nil) },
	})
	if err != nil {
		return err
	}
	c.note("%d calls, of which none would have been ended", res.Calls)
	_, err = fmt.Fprint(c.stdout, text)
	return err
}

// choosePBX finds a PBX of the configuration by its name; "" is the only one.
func choosePBX(conf *config.Config, name string) (*config.PBX, error) {
	if name == "" && len(conf.PBX) == 1 {
		return &conf.PBX[0], nil
	}
	for i := range conf.PBX {
		if conf.PBX[i].Name == name {
			return &conf.PBX[i], nil
		}
	}
	if name == "" {
		return nil, hinted{errors.New("there are several PBXs"), "say which with --pbx"}
	}
	return nil, fmt.Errorf("no PBX is called %q", name)
}

// progress returns a function that shows how far something is, on a terminal.
func (c *cli) progress(format string, unit int64) func(...int64) {
	f, ok := c.stderr.(*os.File)
	if !ok {
		return nothing
	}
	if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err != nil {
		return nothing
	}
	var shown time.Time
	return func(n ...int64) {
		if len(n) == 2 && n[0] == n[1] {
			fmt.Fprint(f, "\r\x1b[K")
			return
		}
		if time.Since(shown) < 100*time.Millisecond {
			return
		}
		shown = time.Now()
		args := make([]any, len(n))
		for i := range n {
			args[i] = n[i] / unit
		}
		fmt.Fprintf(f, "\r\x1b[K"+format, args...)
	}
}

func nothing(...int64) {}

// policyFile reads the configuration; where there is none, what is so without
// one holds.
func (c *cli) policyFile() (*config.Config, error) {
	if _, err := os.Stat(c.config); errors.Is(err, fs.ErrNotExist) {
		c.note("there is no %s: the defaults hold", c.config)
		return config.Parse(c.config, nil, nil)
	}
	return config.Load(c.config)
}

// foundAt is what the PBXs' own configurations say, as far as they are on this
// host.
func foundAt(conf *config.Config) surroundings {
	s := surroundings{found: map[string]config.Discovered{}}
	for _, pbx := range conf.PBX {
		found, err := discover(pbx)
		if err != nil {
			continue // the records may be another host's
		}
		s.found[pbx.Name] = found.seen()
	}
	return s
}
