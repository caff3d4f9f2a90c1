package e2e

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pbxguard/testbed"
)

// TestFreeSWITCHPIN: FreeSWITCH tells of wrong PINs, and who goes on trying is
// reported.
func TestFreeSWITCHPIN(t *testing.T) {
	s := newFreeSWITCH(t, testbed.WithFile("lang/en/vm/sounds.xml", wordless()))
	o := newOffice(t, s, settings{Tables: "[rules.pin_guessing]\naction = \"alert\"\n"})
	p := o.phone("100")
	switching := s.freeSWITCH()
	for _, module := range []string{"mod_voicemail", "mod_tone_stream"} {
		switching.CLI(t, "load "+module)
	}
	reported := func() bool {
		for _, d := range o.guard.Decisions() {
			if d.Rule == "pin-guessing" && strings.Contains(d.Reason, "wrong PINs") && d.Account.Name == "101" {
				return true
			}
		}
		return false
	}
	last := ""
	for try := 0; !reported(); try++ {
		if try == 5 {
			t.Fatalf("five calls with wrong PINs are not reported:\n%v", o.guard.Decisions())
		}
		c := p.Invite("4000")
		if code, err := c.Wait(o.ctx); err != nil || code != 200 {
			t.Fatalf("call to the mailboxes: got %d, %v; want 200", code, err)
		}
		leg := ""
		o.guard.await("FreeSWITCH lists the call", 10*time.Second, func() bool {
			found := regexp.MustCompile(`(?m)^[0-9a-f-]{36}`).FindString(switching.CLI(t, "show channels"))
			fresh := found != "" && found != last
			leg = found
			return fresh
		})
		last = leg
		for _, digits := range []string{"101#", "9999#", "101#", "8888#"} {
			time.Sleep(2 * time.Second) // it listens from the question on
			switching.CLI(t, "uuid_recv_dtmf "+leg+" "+digits)
		}
		time.Sleep(time.Second)
		o.hangUp(c)
	}
}

// wordless has mailboxes ask without a word: there need be no recordings of any.
func wordless() string {
	text := "<include>\n"
	for _, say := range []string{"enter_id", "enter_pass", "fail_auth", "hello", "goodbye"} {
		text += `<macro name="voicemail_` + say + `"><input pattern="(.*)"><match>` +
			`<action function="play-file" data="silence_stream://200"/></match></input></macro>` + "\n"
	}
	return text + "</include>\n"
}
