package guard

// lastHour is what came to pass in each of the last 60 minutes, and in all of them:
// milliseconds, or money.
type lastHour[T ~uint32 | ~int64] struct {
	minutes [60]T // by minute modulo 60
	sum     int64 // of minutes
	latest  int64 // the minute that was last written
}

// roll empties the minutes that have passed since the last call.
func (h *lastHour[T]) roll(minute int64) {
	if minute-h.latest >= 60 {
		*h = lastHour[T]{latest: minute}
	}
	for h.latest < minute {
		h.latest++
		h.sum -= int64(h.minutes[h.latest%60])
		h.minutes[h.latest%60] = 0
	}
}

// put adds v to a minute, unless that is an hour ago or to come.
func (h *lastHour[T]) put(minute int64, v T) {
	if minute > h.latest || h.latest-minute >= 60 {
		return
	}
	m := &h.minutes[minute%60]
	h.sum -= int64(*m)
	*m += v
	h.sum += int64(*m)
}
