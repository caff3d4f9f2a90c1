package audit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Memory is what a run leaves for the next: keyed hashes of names and files,
// which tell that something is new or changed and since when, and nothing else.
type Memory struct {
	Key   []byte               // at least 32 random bytes, kept with the hashes
	Old   map[string]string    // what the last run left; nil: there was none
	Since map[string]time.Time // when each of Old was first met as it is
	New   map[string]string    // what this run leaves
	Now   time.Time            // of this run; [Perform] sets it
}

// Mark is the keyed hash of a content.
func (m *Memory) Mark(content []byte) string {
	h := hmac.New(sha256.New, m.Key)
	h.Write(content)
	return hex.EncodeToString(h.Sum(nil))
}

// Note keeps the mark of what goes by a name, as "file:/etc/asterisk/x.conf" or
// "account:100", and tells whether the last run knew that name and whether it
// is what it was. Without a memory, or in the first run, all is as it was.
func (m *Memory) Note(name string, content []byte) (known, same bool) {
	if m == nil {
		return true, true
	}
	if m.New == nil {
		m.New = map[string]string{}
	}
	mark := m.Mark(content)
	m.New[name] = mark
	if m.Old == nil {
		return true, true
	}
	old, known := m.Old[name]
	return known, old == mark
}

// SinceWhen tells when what was noted under a name was first met as it is now.
func (m *Memory) SinceWhen(name string) time.Time {
	if since, ok := m.Since[name]; ok && m.Old[name] == m.New[name] {
		return since
	}
	return m.Now
}

// first is the earliest time that the memory reaches back to.
func (m *Memory) first() time.Time {
	first := m.Now
	for _, t := range m.Since {
		if t.Before(first) {
			first = t
		}
	}
	return first
}
