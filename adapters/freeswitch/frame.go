package freeswitch

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"pbxguard/adapters/internal/wire"
)

// What a message of ESL is, by its Content-Type.
type frameKind uint8

const (
	otherFrame  frameKind = iota
	authFrame             // asks for the password
	eventFrame            // a plain event
	logFrame              // a line of the log
	replyFrame            // the answer to a command
	apiFrame              // the answer to an api command
	noticeFrame           // the end is near
	rudeFrame             // the address is not let in
)

// frame is one message. It is valid until the next one is read.
type frame struct {
	head *wire.Block
	body []byte
}

func (f *frame) kind() frameKind {
	switch string(f.head.Get("Content-Type")) {
	case "text/event-plain":
		return eventFrame
	case "log/data":
		return logFrame
	case "command/reply":
		return replyFrame
	case "api/response":
		return apiFrame
	case "auth/request":
		return authFrame
	case "text/disconnect-notice":
		return noticeFrame
	case "text/rude-rejection":
		return rudeFrame
	}
	return otherFrame
}

// answer is what a command was answered.
func (f *frame) answer() []byte {
	if f.kind() == apiFrame {
		return bytes.TrimSpace(f.body)
	}
	return bytes.TrimSpace(f.head.Get("Reply-Text"))
}

// ok says whether a command was obeyed.
func (f *frame) ok() bool { return bytes.HasPrefix(f.answer(), []byte("+OK")) }

// frames reads messages from a stream.
type frames struct {
	reader *wire.Reader
	head   wire.Block
}

func newFrames(r io.Reader) *frames { return &frames{reader: wire.NewReader(r)} }

// errFraming says that it cannot be known where the next message begins.
var errFraming = errors.New("cannot tell where a message of ESL ends")

// next reads one message. An [wire.Oversize] error is of its body, which has
// been skipped.
func (r *frames) next() (f frame, err error) {
	if err := r.reader.Read(&r.head); err != nil {
		if over := new(wire.Oversize); errors.As(err, &over) {
			return f, fmt.Errorf("%w: %w", errFraming, errors.New(over.Error()))
		}
		return f, err
	}
	n, err := r.head.Length()
	if err != nil {
		return f, fmt.Errorf("%w: %w", errFraming, err)
	}
	f.head = &r.head
	if n > 0 {
		f.body, err = r.reader.Body(n)
	}
	return f, err
}
