// Package demo plays a PBX under attack from a recording: a server of AMI, or of
// FreeSWITCH's event socket, that sends what a real one sent, with its timing,
// and obeys what it is told.
package demo

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// block is one event of the recording.
type block struct {
	at     time.Duration // since the first
	class  string        // "security", "call" or "system"
	event  string
	text   string
	leg    string // Uniqueid, or "" if it is about no leg
	other  string // DestUniqueid
	call   string // Linkedid
	source string // RemoteAddress without its port
	who    string // account, or endpoint of the channel
	number string // Exten
}

// Recording is a stream of AMI or of ESL, taken apart.
type Recording struct {
	blocks []block
	ends   map[string]block // the recorded Hangup of each leg
	esl    bool             // of FreeSWITCH; else AMI
}

// Read takes a recorded AMI stream, as the server sent it to a client with
// read=security,call,system and timestampevents=yes. Blocks without a Timestamp,
// such as the answers to the recording client, are left out.
func Read(r io.Reader) (*Recording, error) {
	raw, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("cannot read the recording: %w", err)
	}
	rec := &Recording{ends: map[string]block{}}
	var first float64
	for n, text := range bytes.Split(raw, []byte("\r\n\r\n")) {
		b, stamp, ok := parse(string(text))
		if !ok {
			continue
		}
		if first == 0 {
			first = stamp
		}
		b.at = time.Duration((stamp - first) * float64(time.Second))
		if b.at < 0 {
			return nil, fmt.Errorf("cannot read the recording: block %d is from before the first", n)
		}
		if b.event == "Hangup" {
			rec.ends[b.leg] = b
		}
		rec.blocks = append(rec.blocks, b)
	}
	if len(rec.blocks) == 0 {
		return nil, fmt.Errorf("cannot read the recording: no event with a Timestamp in %d bytes", len(raw))
	}
	slices.SortStableFunc(rec.blocks, func(a, b block) int { return cmp.Compare(a.at, b.at) })
	return rec, nil
}

// Length is the time from the first event to the last.
func (r *Recording) Length() time.Duration { return r.blocks[len(r.blocks)-1].at }

func parse(text string) (b block, stamp float64, ok bool) {
	b.text = text + "\r\n\r\n"
	for line := range strings.SplitSeq(text, "\r\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch key {
		case "Event":
			b.event = value
		case "Privilege":
			b.class, _, _ = strings.Cut(value, ",")
		case "Timestamp":
			stamp, _ = strconv.ParseFloat(value, 64)
		case "Uniqueid", "TransfereeUniqueid", "LocalOneUniqueid":
			b.leg = cmp.Or(b.leg, value)
		case "DestUniqueid":
			b.other = value
		case "Linkedid", "DestLinkedid":
			b.call = cmp.Or(b.call, value)
		case "RemoteAddress":
			if f := strings.Split(value, "/"); len(f) == 4 {
				b.source = f[2]
			}
		case "AccountID", "EndpointName":
			b.who = value
		case "Channel", "Peer":
			b.who = endpoint(value)
		case "Exten":
			b.number = value
		}
	}
	return b, stamp, b.event != "" && stamp > 0 && !strings.Contains(b.text, "Service: AMI")
}

// endpoint is 100 of PJSIP/100-0000a5f2.
func endpoint(channel string) string {
	_, name, _ := strings.Cut(channel, "/")
	if i := strings.LastIndexByte(name, '-'); i >= 0 {
		name = name[:i]
	}
	return name
}

// Replace returns the recording with digits exchanged wherever they stand, for
// example to make the dialled numbers harmless.
func (r *Recording) Replace(pairs ...string) *Recording {
	change := strings.NewReplacer(pairs...)
	out := &Recording{ends: map[string]block{}, esl: r.esl}
	for _, b := range r.blocks {
		b.text, b.number = change.Replace(b.text), change.Replace(b.number)
		if b.event == "Hangup" {
			out.ends[b.leg] = b
		}
		out.blocks = append(out.blocks, b)
	}
	return out
}
