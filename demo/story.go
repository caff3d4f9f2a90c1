package demo

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"pbxguard/guard"
	"pbxguard/report"
)

// Story tells a person what happens and what the guard does about it.
type Story struct {
	mu      sync.Mutex // guards all below: the server and the guard tell at once
	out     io.Writer
	start   time.Time
	guesses int
	told    map[uint64]bool // decisions
	ended   map[uint64]bool // decisions whose call is known to have ended
	sum     Summary
}

// Summary is what came of a demonstration.
type Summary struct {
	Killed, Confirmed int
	Banned            int
	Honest            int // calls that were let through
	Emergency         int
	Stopped           int // calls of a banned source, which never came to be
	Guesses           int // of passwords that reached the PBX
	After             []time.Duration
}

// NewStory begins now and writes to out.
func NewStory(out io.Writer) *Story {
	return &Story{out: out, start: time.Now(), told: map[uint64]bool{}, ended: map[uint64]bool{}}
}

func (s *Story) say(mark, format string, args ...any) {
	at := time.Since(s.start).Seconds()
	fmt.Fprintf(s.out, "%5.1fs  %-8s %s\n", at, mark, fmt.Sprintf(format, args...))
}

// Saw takes what happens on the PBX.
func (s *Story) Saw(e Sight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case e.Event == "ChallengeResponseFailed" && !e.Kept:
		if s.guesses++; s.guesses == 1 {
			s.say("", "%s guesses passwords of extension %s", e.Source, e.Account)
		}
	case e.Event != "Newchannel" || !e.First:
	case e.Kept:
		if s.sum.Stopped++; s.sum.Stopped == 1 {
			s.say("", "unbanned, he would by now have found a password and be calling at your cost")
		}
	case e.Number == "112":
		s.sum.Emergency++
		s.say("", "%s calls 112: an emergency call is never touched", e.Account)
	case e.Account == "trunk":
		s.sum.Honest++
		s.say("", "somebody calls in for %s", e.Number)
	default:
		s.sum.Honest++
		s.say("", "%s calls %s", e.Account, e.Number)
	}
}

// Decided takes decisions, some of which it may have been told before.
func (s *Story) Decided(decisions []guard.Decision) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range decisions {
		if !s.told[d.ID] {
			s.told[d.ID] = true
			s.decided(d)
		}
		if d.Outcome == "confirmed" && !s.ended[d.ID] {
			s.ended[d.ID] = true
			s.sum.Confirmed++
			s.sum.After = append(s.sum.After, d.After)
		}
	}
}

func (s *Story) decided(d guard.Decision) {
	switch {
	case d.Action >= guard.Kill && d.Enforced && d.Leg != "":
		s.sum.Killed++
		s.sum.Honest--
		reason := d.Reason
		if d.Rule == "locked" {
			reason, _, _ = strings.Cut(reason, " since ") // which was told when it was locked
		}
		s.say("KILLED", "%s", report.Safe(reason))
	case d.Action == guard.Kill && d.Enforced && d.Source.IsValid():
		s.sum.Banned++
		s.say("BANNED", "%s: %s", d.Source, report.Safe(d.Reason))
	case d.Action == guard.Lock && d.Enforced:
		s.say("LOCKED", "%s: %s", report.Safe(d.Account.Name), report.Safe(d.Reason))
	case d.Action == guard.Alert:
		s.say("ALERT", "%s", report.Safe(d.Reason))
	}
}

// End writes the summary and returns it.
func (s *Story) End() Summary {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.Guesses = s.guesses
	slices.Sort(s.sum.After)
	var median time.Duration
	if n := len(s.sum.After); n > 0 {
		median = s.sum.After[n/2]
	}
	fmt.Fprintf(s.out, `
Fraud:   %d calls begun, %d ended by pbxguard, half of them within %v of the order.
         %d address banned after %d guesses; %d more calls of his never came to be.
Honest:  %d calls and %d emergency call went through untouched.
`, s.sum.Killed, s.sum.Confirmed, median.Round(100*time.Microsecond), s.sum.Banned, s.sum.Guesses, s.sum.Stopped,
		s.sum.Honest, s.sum.Emergency)
	return s.sum
}
