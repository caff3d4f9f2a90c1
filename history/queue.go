package history

import "time"

// item is something that will happen to a call.
type item struct {
	at     time.Time
	kind   kindOf
	dialog *dialog
	row    int
	a, b   *leg // b is nil where nobody was called
}

type kindOf uint8

const (
	hangup kindOf = iota
	kill
	answer
)

// queue is a heap of what will happen, the next first; at one moment ends come
// before answers.
type queue []item

func (q queue) less(i, j int) bool {
	if c := q[i].at.Compare(q[j].at); c != 0 {
		return c < 0
	}
	return q[i].kind < q[j].kind
}

func (q *queue) push(it item) {
	*q = append(*q, it)
	h := *q
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if !h.less(i, up) {
			break
		}
		h[i], h[up] = h[up], h[i]
		i = up
	}
}

func (q *queue) pop() item {
	h := *q
	top, last := h[0], len(h)-1
	h[0] = h[last]
	h[last] = item{}
	*q = h[:last]
	h = h[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(h); child++ {
			if h.less(child, least) {
				least = child
			}
		}
		if least == i {
			return top
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}
