package store

import (
	"net/netip"
	"time"

	"pbxguard/guard"
)

// What failed logins may cost: so many rows at once, so many a second in the
// long run (some 60 MB a day), and beyond that one row a minute for each way to
// fail, which still counts them.
const (
	authBurst = 10_000
	authRate  = 10
	foldFor   = time.Minute
)

// failures stands for one or more failed logins that are alike.
type failures struct {
	guard.AuthRecord // the first
	count            int
	last             time.Time
}

func (f *failures) span() time.Duration { return f.last.Sub(f.At) }

func (f *failures) add(at time.Time) {
	f.count++
	if at.After(f.last) {
		f.last = at
	}
}

// weight is how many records rs stand for.
func weight(rs ...guard.Record) (n int) {
	for _, r := range rs {
		if f, ok := r.(*failures); ok {
			n += f.count
		} else {
			n++
		}
	}
	return n
}

// likeness is what failed logins that share a row have in common.
type likeness struct {
	pbx, service, account, what string
	proof                       guard.Proof
	source                      netip.Addr
}

// folder turns failed logins into rows, so that who sends them decides neither
// how fast the file grows nor how far.
type folder struct {
	spent  float64 // of the burst; it recovers with time
	at     time.Time
	folded map[likeness]*failures // what the budget did not allow, by way to fail
	since  time.Time              // of the first of folded
}

// fold returns bulk with alike failures made one, and what was folded before if
// it is a minute old or all is wanted.
func (f *folder) fold(bulk []guard.Record, now time.Time, all bool) []guard.Record {
	f.spent = max(0, f.spent-authRate*now.Sub(f.at).Seconds())
	f.at = now
	var out []guard.Record
	alike := map[likeness]*failures{}
	for _, r := range bulk {
		a, ok := r.(guard.AuthRecord)
		if !ok {
			out = append(out, r)
			continue
		}
		key := likeness{a.PBX, a.Service, a.Account, a.What, a.Proof, a.Source.Addr()}
		if row := alike[key]; row != nil {
			row.add(a.At)
			continue
		}
		if f.spent+1 > authBurst {
			f.crowd(a, now)
			continue
		}
		f.spent++
		row := &failures{AuthRecord: a, count: 1, last: a.At}
		alike[key] = row
		out = append(out, row)
	}
	return f.unfold(out, now, all)
}

// crowd counts a failure without its source and account.
func (f *folder) crowd(a guard.AuthRecord, now time.Time) {
	a.Source, a.Account = netip.AddrPort{}, ""
	key := likeness{pbx: a.PBX, service: a.Service, what: a.What, proof: a.Proof}
	if row := f.folded[key]; row != nil {
		row.add(a.At)
		return
	}
	if len(f.folded) == 0 {
		f.folded, f.since = map[likeness]*failures{}, now
	}
	f.folded[key] = &failures{AuthRecord: a, count: 1, last: a.At}
}

func (f *folder) unfold(out []guard.Record, now time.Time, all bool) []guard.Record {
	if len(f.folded) == 0 || !all && now.Sub(f.since) < foldFor {
		return out
	}
	for _, row := range f.folded {
		out = append(out, row)
	}
	f.folded = nil
	return out
}
