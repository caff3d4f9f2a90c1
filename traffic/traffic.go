// Package traffic invents the telephone calls of an office, and attacks on it.
//
// It knows nothing of the guard, its rules or their limits, and imports nothing
// of this module: what it makes is held against the guard, so the two must not
// share an opinion of what is normal. Everything follows from a seed.
package traffic

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"time"
)

// Path is how a call goes.
type Path uint8

const (
	Out      Path = iota // an extension calls outside
	In                   // somebody outside calls an extension
	Inside               // an extension calls another
	Diverted             // from outside, and by an extension's forward outside again
	Sent                 // an extension is sent outside by the outsider that it talks to
	Through              // from outside, and by a dial-through service outside again
)

// Slip is a mistake in dialling.
type Slip uint8

const (
	NoSlip Slip = iota
	Short       // the last digit is missing
	Long        // one too many
	Wrong       // the last but two is another one
)

// Of returns what is dialled when it is made.
func (s Slip) Of(dialled string) string {
	n := len(dialled)
	switch {
	case n < 6:
	case s == Short:
		return dialled[:n-1]
	case s == Long:
		return dialled + dialled[n-3:n-2]
	case s == Wrong:
		return dialled[:n-3] + string('0'+(dialled[n-3]-'0'+3)%10) + dialled[n-2:]
	}
	return dialled
}

// Call is one call.
type Call struct {
	Start     time.Time
	Ring      time.Duration
	Talk      time.Duration // 0: nobody answered
	Path      Path
	Extension string // that calls, is called, forwards or is sent
	Number    string // E.164 that is called outside; "" if none is
	Dialled   string // instead of Number, exactly as given: emergency and internal numbers, junk
	Caller    string // E.164 that an outsider shows, or "" for none
	Shown     string // E.164 that the called side is shown, if it is not the office's
	Failed    bool   // refused by the network, not merely unanswered
	Slip      Slip   // of the finger that dialled Number
	Source    netip.Addr
	Agent     string
	Attack    string // the attack that it is part of; "" is an honest call
}

// Login is a phone that registers.
type Login struct {
	At        time.Time
	Extension string
	Source    netip.Addr
	Agent     string
	Attack    string
}

// Story is what happens.
type Story struct {
	Calls  []Call
	Logins []Login
}

// Add joins another story to this one.
func (s *Story) Add(o Story) {
	s.Calls = append(s.Calls, o.Calls...)
	s.Logins = append(s.Logins, o.Logins...)
}

// DID is the E.164 number of an extension of the office.
func DID(extension string) string { return "+31201234" + pad(extension) }

// ServiceDID is the number of the office's dial-through service.
const ServiceDID = "+31201234999"

func pad(extension string) string {
	return fmt.Sprintf("%03s", extension)[max(0, len(extension)-3):]
}

// dice are random numbers with the shapes that telephony has.
type dice struct{ *rand.Rand }

func newDice(seed, stream uint64) dice { return dice{rand.New(rand.NewPCG(seed, stream))} }

// seconds is log-normal around a median; one in six is beyond e^spread times it.
func (d dice) seconds(median, spread float64) time.Duration {
	s := median * math.Exp(d.NormFloat64()*spread)
	return time.Duration(math.Max(s, 1) * float64(time.Second)).Round(time.Millisecond)
}

// gap is exponential: arrivals that know nothing of each other.
func (d dice) gap(mean time.Duration) time.Duration {
	return time.Duration(d.ExpFloat64() * float64(mean)).Round(time.Millisecond)
}

func (d dice) chance(p float64) bool { return d.Float64() < p }

// within is between two durations, any as likely.
func (d dice) within(least, most time.Duration) time.Duration {
	return least + time.Duration(d.Int64N(int64(most-least)+1)).Round(time.Millisecond)
}

func (d dice) digits(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('0' + d.IntN(10))
	}
	return string(b)
}

// pick takes one of a list; earlier ones more often, as among the people that
// one knows.
func (d dice) pick(list []string) string {
	i := int(float64(len(list)) * math.Pow(d.Float64(), 2))
	return list[min(i, len(list)-1)]
}
