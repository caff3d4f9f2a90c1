package asterisk

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// breaks are the bytes that may stand in no value that is sent: Asterisk takes
// a bare line feed for the end of a header, and two for the end of an action.
const breaks = "\r\n\x00"

// maxValue bounds a value that is sent, in bytes. Asterisk refuses lines beyond
// 1 KB.
const maxValue = 512

var errValue = errors.New("cannot send a value that is too long or holds a line break")

// The actions that this package can send, and no others: there is no way here
// to have a PBX call somebody, run a command or change its configuration.

func challengeAction(buf []byte, id string) ([]byte, error) {
	return action(buf, "Challenge", id, "AuthType", "MD5")
}

// loginAction logs in with the answer to a challenge. events is the mask of the
// classes of events that are wanted.
func loginAction(buf []byte, id, user, key, events string) ([]byte, error) {
	return action(buf, "Login", id, "AuthType", "MD5", "Username", user, "Key", key, "Events", events)
}

func plainLoginAction(buf []byte, id, user, secret, events string) ([]byte, error) {
	return action(buf, "Login", id, "Username", user, "Secret", secret, "Events", events)
}

func pingAction(buf []byte, id string) ([]byte, error) { return action(buf, "Ping", id) }

func statusAction(buf []byte, id string) ([]byte, error) { return action(buf, "Status", id) }

// hangupAction ends a leg with a Q.850 cause, or 0 for Asterisk's own choice.
func hangupAction(buf []byte, id, leg string, cause int) ([]byte, error) {
	switch {
	case !isLeg(leg):
		return buf, errors.New("cannot hang up what is not a Uniqueid")
	case cause > 0 && cause < 128:
		return action(buf, "Hangup", id, "Channel", leg, "Cause", strconv.Itoa(cause))
	}
	return action(buf, "Hangup", id, "Channel", leg)
}

// beatAction sets the global variable that tells the dial plan until when the
// gate may be asked, in seconds since 1970 as ${EPOCH} has them.
func beatAction(buf []byte, id string, until time.Time) ([]byte, error) {
	at := int64(0)
	if !until.IsZero() {
		at = until.Unix()
	}
	return action(buf, "Setvar", id, "Variable", BeatVariable, "Value", strconv.FormatInt(at, 10))
}

// BeatVariable is the global variable of [PBX.Beat].
const BeatVariable = "PBXGUARD_UNTIL"

// isLeg says whether s has the form of a Uniqueid: "1795320474.2668", or with
// the system's name, "pbx1-1795320474.2668". In a Hangup a name that begins with
// a slash would be a regular expression and end every call that matches.
func isLeg(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxID
}

// action appends an action with its headers, given as keys and values, to buf.
// buf is returned unchanged if a value must not be sent.
func action(buf []byte, name, id string, headers ...string) ([]byte, error) {
	before := len(buf)
	buf = append(buf, "Action: "...)
	buf = append(buf, name...)
	buf = append(buf, "\r\nActionID: "...)
	buf = append(buf, id...)
	if bad(id) {
		return buf[:before], errValue
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if bad(headers[i+1]) {
			return buf[:before], errValue
		}
		buf = append(buf, "\r\n"...)
		buf = append(buf, headers[i]...)
		buf = append(buf, ": "...)
		buf = append(buf, headers[i+1]...)
	}
	return append(buf, "\r\n\r\n"...), nil
}

func bad(s string) bool { return len(s) > maxValue || strings.ContainsAny(s, breaks) }
