package history

import (
	"slices"
	"time"
)

// Familiar says of each call, by its index, whether the same number was called
// on at least three different days of the history: what was ended although it
// is familiar is likely to be a false alarm.
func Familiar(calls []Call) func(i int) bool {
	const days = 3
	type seen struct {
		n   uint8
		day int64
	}
	numbers := map[string]seen{}
	order := make([]int, len(calls))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return calls[a].Start.Compare(calls[b].Start) })
	for _, i := range order {
		c := &calls[i]
		if !c.Out || c.Talked() < 10*time.Second {
			continue
		}
		s, day := numbers[c.Dialled], c.Start.Unix()/86400
		if s.n < days && s.day != day {
			numbers[c.Dialled] = seen{s.n + 1, day}
		}
	}
	return func(i int) bool { return numbers[calls[i].Dialled].n >= days }
}

// Last returns the calls of the last d of the history.
func Last(calls []Call, d time.Duration) []Call {
	var end time.Time
	for i := range calls {
		if calls[i].Start.After(end) {
			end = calls[i].Start
		}
	}
	from := end.Add(-d)
	return slices.DeleteFunc(calls, func(c Call) bool { return c.Start.Before(from) })
}
