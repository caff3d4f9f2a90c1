package asterisk

import (
	"bytes"

	"pbxguard/adapters/internal/wire"
	"pbxguard/guard"
)

// Places of the headers by which Asterisk describes a channel, in its order
// (ast_manager_build_channel_state_string_prefix; 16 and 22 alike). Asterisk 13
// lacks Language in its first releases.
const (
	atName = iota
	atState
	atStateDesc
	atCallerNum
	atCallerName
	atConnectedNum
	atConnectedName
	atLanguage
	atAccountCode
	atContext
	atExten
	atPriority
	atUniqueid
	atLinkedid
	snapshotLen
)

// snapshot is the list of those headers with the prefix that tells several
// channels of one event apart.
type snapshot [snapshotLen]string

func prefixed(prefix string) *snapshot {
	s := snapshot{"Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName",
		"ConnectedLineNum", "ConnectedLineName", "Language", "AccountCode", "Context", "Exten",
		"Priority", "Uniqueid", "Linkedid"}
	for i := range s {
		s[i] = prefix + s[i]
	}
	return &s
}

var (
	plain            = prefixed("")
	dest             = prefixed("Dest")
	transferer       = prefixed("Transferer")
	transferee       = prefixed("Transferee")
	origTransferer   = prefixed("OrigTransferer")
	secondTransferer = prefixed("SecondTransferer")
	transferTarget   = prefixed("TransferTarget")
)

// channel is what an event tells of a channel. Its bytes are the block's.
type channel struct {
	name, caller, context, exten, id, linked []byte
	up                                       bool
	keys                                     *snapshot
	next                                     int // the line behind it
	// odd: there were lines among the headers which Asterisk does not write, so
	// somebody put a line break into a value. What lies behind the break is not
	// lost: a number keeps it.
	odd bool
}

// find reads the next channel with these headers at or behind line i. ok is
// false unless all of them are there, in order: to forge them all takes more
// than the 79 characters that Asterisk keeps of a caller id or an extension.
func (s *snapshot) find(b *wire.Block, i int) (c channel, ok bool) {
	for i < b.Len() && !b.Is(i, s[atName]) {
		i++
	}
	return s.read(b, i)
}

// read is find for a channel that begins at line i and nowhere else.
func (s *snapshot) read(b *wire.Block, i int) (c channel, ok bool) {
	want := atName
	for ; i < b.Len() && want < snapshotLen; i++ {
		if want == atLanguage && b.Is(i, s[atAccountCode]) {
			want = atAccountCode
		}
		if b.Is(i, s[want]) {
			c.set(want, b.Value(i))
			want++
			continue
		}
		if want == atName {
			break
		}
		c.odd = true
		if want == atPriority {
			c.exten = bytes.Join([][]byte{c.exten, b.Line(i)}, []byte("\r\n"))
		}
	}
	c.keys, c.next = s, i
	return c, want == snapshotLen && len(c.id) <= maxID
}

// maxID is the longest Uniqueid that Asterisk makes (AST_MAX_UNIQUEID), in bytes.
const maxID = 150

func (c *channel) set(at int, v []byte) {
	switch at {
	case atName:
		c.name = v
	case atState:
		c.up = string(v) == stateUp
	case atCallerNum:
		c.caller = v
	case atContext:
		c.context = v
	case atExten:
		c.exten = v
	case atUniqueid:
		c.id = v
	case atLinkedid:
		c.linked = v
	}
}

// stateUp is AST_STATE_UP: the channel is answered.
const stateUp = "6"

// partial reads what there is of a channel that begins at line i and is cut.
func (s *snapshot) partial(b *wire.Block, i int) (c channel) {
	for ; i < b.Len(); i++ {
		for at, key := range s {
			if at != atUniqueid && at != atLinkedid && b.Is(i, key) {
				c.set(at, b.Value(i))
			}
		}
	}
	return c
}

// again says whether one of the headers by which a channel is known comes once
// more behind it.
func (c *channel) again(b *wire.Block) bool {
	for i := c.next; i < b.Len(); i++ {
		for _, at := range [...]int{atName, atExten, atUniqueid, atLinkedid} {
			if b.Is(i, c.keys[at]) {
				return true
			}
		}
	}
	return false
}

// named takes a channel's name apart: "PJSIP/100-0000000a" belongs to the
// endpoint 100, whose name may hold dashes itself; "Local/100@ctx-0000000a;1"
// is one half of a pair and belongs to nobody.
func named(name []byte) (endpoint []byte, side guard.Side, pair []byte) {
	name = bytes.TrimPrefix(name, []byte("AsyncGoto/"))
	name = bytes.TrimSuffix(name, []byte("<ZOMBIE>"))
	name = bytes.TrimSuffix(name, []byte("<MASQ>"))
	tech, rest, ok := bytes.Cut(name, []byte("/"))
	switch {
	case !ok:
		return nil, guard.Endpoint, nil
	case string(tech) == "Local" && bytes.HasSuffix(rest, []byte(";1")):
		return nil, guard.LocalOne, rest[:len(rest)-2]
	case string(tech) == "Local" && bytes.HasSuffix(rest, []byte(";2")):
		return nil, guard.LocalTwo, rest[:len(rest)-2]
	case string(tech) == "DAHDI":
		// "DAHDI/i1/0201234567-1": the span, not the number.
		rest, _, _ = bytes.Cut(rest, []byte("/"))
	}
	if dash := bytes.LastIndexByte(rest, '-'); dash > 0 {
		rest = rest[:dash]
	}
	return rest, guard.Endpoint, nil
}

// Describe fills in an event what the name of a channel tells: Account, Side
// and Pair, as the events of that channel have them.
func Describe(pbx, channel string, ev *guard.Event) {
	endpoint, side, pair := named([]byte(channel))
	ev.Side, ev.Pair = side, wire.Limit(string(pair))
	if len(endpoint) > 0 {
		ev.Account = guard.Account{PBX: pbx, Name: wire.Limit(string(endpoint))}
	}
}

// dialled reads a dial string as DialBegin gives it, without its technology:
// the number in it, and whether that number lies beyond the endpoint that is
// called, as on a trunk and never on a phone.
//
//	0031900123456@trunk     PJSIP, SIP: a number at an endpoint
//	trunk/0031900123456     SIP, IAX2, DAHDI: the same
//	101                     an endpoint
//	101/sip:101@192.0.2.7   PJSIP: one of an endpoint's contacts
//	trunk/sip:0031@192.0.2.7  PJSIP: a number by way of an endpoint
//	0031@internal/n         Local: an extension in a context
func dialled(s, destination []byte) (number []byte, beyond bool) {
	endpoint, side, _ := named(destination)
	if side != guard.Endpoint {
		number, _, _ = bytes.Cut(s, []byte("@"))
		return number, false
	}
	left, right, slash := bytes.Cut(s, []byte("/"))
	user, isURI := uriUser(right)
	tech, _, _ := bytes.Cut(destination, []byte("/"))
	switch at := bytes.LastIndexByte(left, '@'); {
	case slash && isURI:
		// A contact's user part is what the phone chose. One that is a number,
		// and not the phone's own, is dialled.
		return user, isNumber(user) && !bytes.Equal(user, endpoint)
	case slash:
		number, _, _ = bytes.Cut(right, []byte("@"))
	case at < 0:
		return left, false
	case string(tech) == "IAX2":
		return nil, false // a user and his password at a peer
	case string(tech) == "SIP":
		number, _, _ = bytes.Cut(left[:at], []byte(":")) // and not the password
	default:
		number = left[:at]
	}
	return number, len(number) > 0 && !bytes.Equal(number, endpoint)
}

// called reads what Dial is told to call, of which the endpoint is not known
// otherwise: "PJSIP/0031900123456@trunk", "SIP/trunk/0031900123456".
func called(target []byte) (endpoint, number []byte, beyond bool) {
	tech, s, ok := bytes.Cut(target, []byte("/"))
	if !ok || string(tech) == "Local" {
		return nil, nil, false
	}
	endpoint, _, slash := bytes.Cut(s, []byte("/"))
	if at := bytes.LastIndexByte(endpoint, '@'); at >= 0 && (!slash || string(tech) == "IAX2") {
		endpoint = endpoint[at+1:]
	}
	number, beyond = dialled(s, bytes.Join([][]byte{tech, []byte("/"), endpoint, []byte("-0")}, nil))
	return endpoint, number, beyond
}

// uriUser is the user part of a SIP URI, which may stand in angle brackets.
func uriUser(uri []byte) (user []byte, ok bool) {
	uri = bytes.TrimPrefix(uri, []byte("<"))
	scheme, rest, ok := bytes.Cut(uri, []byte(":"))
	if !ok || string(scheme) != "sip" && string(scheme) != "sips" {
		return nil, false
	}
	if user, _, ok = bytes.Cut(rest, []byte("@")); !ok {
		return nil, true
	}
	user, _, _ = bytes.Cut(user, []byte(";"))
	user, _, _ = bytes.Cut(user, []byte(":"))
	return user, true
}

// isNumber says whether somebody could have dialled this.
func isNumber(s []byte) bool {
	s = bytes.TrimPrefix(s, []byte("+"))
	for _, c := range s {
		if (c < '0' || c > '9') && c != '*' && c != '#' {
			return false
		}
	}
	return len(s) > 0
}
