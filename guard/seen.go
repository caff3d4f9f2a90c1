package guard

import (
	"hash/maphash"
	"strings"
	"time"
)

// What is remembered of days before, and for how long.
const (
	maxSeen  = 200_000
	seenFor  = 90 * 24 * time.Hour
	markFor  = 30 * 24 * time.Hour // a prefix that is not to be called back
	mailFor  = 7 * 24 * time.Hour  // a caller who may have left a message
	settling = 3                   // days that make something usual
)

// what says what was seen. The names are those of the ledger.
type what string

const (
	seenCountry  what = "country"      // an account called it
	seenOffHours what = "off-hours"    // an account called it while the office was closed; "*" is any
	seenNumber   what = "number"       // a PBX called it, abroad
	seenAbroad   what = "pbx-country"  // a PBX called it
	seenMissed   what = "missed"       // this number called a PBX and hung up unanswered
	seenMarked   what = "marked"       // numbers that begin so are not to be called back
	seenCaller   what = "caller"       // this number called a PBX
	seenNight    what = "night"        // an account registered while the office was closed
	seenNetwork  what = "network"      // an account was used from it
	seenAgent    what = "agent"        // an account was used with it
	seenPlace    what = "source"       // an account was used from this country
	seenSuspect  what = "suspect"      // calls of an account from this network were ended
	seenForward  what = "forward"      // an account has its calls forwarded to this number
	seenRange    what = "range"        // calls to numbers that begin so were ended
	seenManager  what = "manager-user" // somebody logged in to the manager interface
)

// Seen says that something was seen, of an account or, with Account.Name "", of
// a whole PBX. It replaces what was said of the same before.
type Seen struct {
	Account Account
	What    string // "country", "number", ...
	Key     string // which
	First   time.Time
	Last    time.Time
	Days    int // on which it was seen
}

func (Seen) record() {}

// sight is a [Seen] as it is kept: minutes since 1970.
type sight struct {
	first, last uint32
	days        uint16
}

func (v sight) age(now time.Time) time.Duration {
	return time.Duration(minutes(now)-min(v.first, minutes(now))) * time.Minute
}

func minutes(t time.Time) uint32 { return uint32(max(0, t.Unix()) / 60) }

// acquaintance remembers what was seen, the latest so many things.
type acquaintance struct {
	seed maphash.Seed
	kept *recent[sight]
}

func newAcquaintance() acquaintance {
	return acquaintance{seed: maphash.MakeSeed(), kept: newRecent[sight](maxSeen)}
}

func (q *acquaintance) id(of Account, w what, key string) uint64 {
	return maphash.Comparable(q.seed, struct {
		of  Account
		w   what
		key string
	}{of, w, key})
}

// met returns what is known of a key that was seen no longer ago than within.
func (s *state) met(of Account, w what, key string, within time.Duration) (sight, bool) {
	v, ok := s.seen.kept.peek(s.seen.id(of, w, key))
	if !ok || minutes(s.now)-min(v.last, minutes(s.now)) > uint32(within/time.Minute) {
		return sight{}, false
	}
	return v, true
}

// usual says whether a key was seen on several days, the first a week ago.
func (s *state) usual(of Account, w what, key string) bool {
	v, ok := s.met(of, w, key, seenFor)
	return ok && v.days >= settling && v.age(s.now) >= 7*24*time.Hour
}

// meet notes that a key was seen now. It is told to the ledger once a day.
func (s *state) meet(of Account, w what, key string) {
	if key == "" || len(key) > 2*clipped {
		return
	}
	id, now := s.seen.id(of, w, key), minutes(s.now)
	v, ok := s.seen.kept.get(id)
	const day = 24 * 60
	switch {
	case !ok || now-min(v.last, now) > uint32(seenFor/time.Minute):
		v = sight{first: now, last: now, days: 1}
	case v.last/day == now/day:
		v.last = now
		s.seen.kept.put(id, v)
		return
	default:
		v.last = now
		v.days = short16(int(v.days) + 1)
	}
	s.seen.kept.put(id, v)
	s.record(Seen{
		Account: cloneAccount(of), What: string(w), Key: strings.Clone(key),
		First: time.Unix(int64(v.first)*60, 0).UTC(), Last: time.Unix(int64(v.last)*60, 0).UTC(), Days: int(v.days),
	})
}

// unmeet takes back that a key was seen.
func (s *state) unmeet(of Account, w what, key string) {
	id := s.seen.id(of, w, key)
	if _, ok := s.seen.kept.peek(id); !ok {
		return
	}
	s.seen.kept.remove(id)
	s.record(Seen{Account: of, What: string(w), Key: key})
}

// recallSeen restores what was seen on earlier days.
func (s *state) recallSeen(old []Seen) {
	for _, v := range old {
		s.seen.kept.put(s.seen.id(v.Account, what(v.What), v.Key),
			sight{first: minutes(v.First), last: minutes(v.Last), days: short16(v.Days)})
	}
	for _, v := range old {
		if v.What == string(seenNetwork) && v.Key != "*" {
			acc := s.account(v.Account)
			if acc.origin == nil {
				acc.origin = new(origin)
			}
			s.roam(acc, v.Key)
		}
	}
}

// hash is what a string is counted by.
func (s *state) hash(text string) uint64 { return maphash.String(s.seen.seed, text) }
