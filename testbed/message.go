package testbed

import (
	"bufio"
	"fmt"
	"io"
	"net/textproto"
	"strconv"
	"strings"
)

// maxBody is the largest body of a SIP message which a phone reads, in bytes.
const maxBody = 64 << 10

// message is a SIP request or response as it came (RFC 3261 section 7).
type message struct {
	start  string // the request line or status line
	header textproto.MIMEHeader
	body   string
}

// longForm spells out the one-letter header names (RFC 3261 section 7.3.3).
var longForm = map[string]string{
	"I": "Call-Id", "M": "Contact", "L": "Content-Length", "C": "Content-Type",
	"F": "From", "T": "To", "V": "Via", "R": "Refer-To", "S": "Subject",
}

// readMessage reads one message, and before it the empty lines that keep a
// connection open.
func readMessage(r *bufio.Reader) (*message, error) {
	text := textproto.NewReader(r)
	start := ""
	for start == "" {
		var err error
		if start, err = text.ReadLine(); err != nil {
			return nil, err
		}
	}
	header, err := text.ReadMIMEHeader()
	if err != nil {
		return nil, fmt.Errorf("cannot read SIP header: %w", err)
	}
	for short, long := range longForm {
		if v, ok := header[short]; ok {
			header[long] = append(header[long], v...)
			delete(header, short)
		}
	}
	m := &message{start: start, header: header}
	length := header.Get("Content-Length")
	if length == "" {
		return m, nil
	}
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > maxBody {
		return nil, fmt.Errorf("cannot read SIP body: Content-Length %q", length)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil, fmt.Errorf("cannot read SIP body: %w", err)
	}
	m.body = string(body)
	return m, nil
}

// status is a response's status code, and 0 for a request.
func (m *message) status() int {
	rest, ok := strings.CutPrefix(m.start, "SIP/2.0 ")
	if !ok {
		return 0
	}
	code, _, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(code)
	if err != nil {
		return 0
	}
	return n
}

// method is a request's method, and "" for a response.
func (m *message) method() string {
	if strings.HasPrefix(m.start, "SIP/2.0 ") {
		return ""
	}
	method, _, _ := strings.Cut(m.start, " ")
	return method
}

// number is the user part of a request's URI: what was dialled.
func (m *message) number() string {
	_, uri, _ := strings.Cut(m.start, " ")
	uri, _, _ = strings.Cut(uri, " ")
	user, _, found := strings.Cut(strings.TrimPrefix(uri, "sip:"), "@")
	if !found {
		return ""
	}
	return user
}

// key names the exchange a response belongs to.
func (m *message) key() string { return m.header.Get("Call-Id") + " " + m.header.Get("Cseq") }

// contact is the URI at which the sender wants the dialog's further requests.
func (m *message) contact() string {
	_, uri, found := strings.Cut(m.header.Get("Contact"), "<")
	if !found {
		return m.header.Get("Contact")
	}
	uri, _, _ = strings.Cut(uri, ">")
	return uri
}

// tagOf is the tag of a From or To header.
func tagOf(header string) string {
	_, tag, _ := strings.Cut(header, ";tag=")
	tag, _, _ = strings.Cut(tag, ";")
	return tag
}
