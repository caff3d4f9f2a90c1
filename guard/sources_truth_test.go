package guard

import (
	"fmt"
	"testing"
	"time"
)

// TestGroundTruth replays what real Asterisk 16 and 22 told of known attacks and
// honest phones, event by event. The addresses are others: 127/8 is never banned.
func TestGroundTruth(t *testing.T) {
	const scanner = "203.0.113.8"
	unknown := func(x *peer, account string) { // as chan_pjsip says it
		ev := x.event(AuthFailed, account)
		ev.Unknown = true
		x.feed(ev)
	}
	tests := []struct {
		name   string
		do     func(p *post)
		rules  string
		banned []string
	}{
		{"pjsip register_wrong_password", func(p *post) {
			x := p.udp("203.0.113.2")
			x.session = "hxf9do5@test"
			x.wrong("101", "101", "101")
		}, "map[]", nil},
		{"pjsip register_unknown_user", func(p *post) {
			x := p.udp("203.0.113.3")
			x.session = "hmsvhzh@test"
			times(3, func(int) { x.nobody("999") })
		}, "map[]", nil},
		{"pjsip register_no_auth", func(p *post) {
			x := p.udp("203.0.113.4")
			x.session = "uk3j59t@test"
			times(3, func(int) { x.do(AuthChallenged, "101") })
		}, "map[]", nil},
		{"pjsip register_typo_then_ok", func(p *post) {
			x := p.udp("203.0.113.2")
			x.session = "co1jaq9@test"
			x.wrong("102")
			x.right("102")
			x.do(Registered, "102")
		}, "map[]", nil},
		{"sip register_typo_then_ok", func(p *post) {
			x := p.chansip("203.0.113.2")
			x.session = "0x7f4ffc0134e0"
			x.wrong("102")
			x.do(AuthChallenged, "102")
			x.do(Registered, "102")
			x.do(AuthOK, "102")
		}, "map[]", nil},
		{"pjsip register_many_sources", func(p *post) {
			times(10, func(i int) { p.udp(fmt.Sprintf("203.0.113.%d", 10+i)).wrong("103") })
		}, "map[spray:1]", nil},
		{"pjsip register_acl", func(p *post) {
			x := p.udp("203.0.113.6")
			x.session = "ntpk08n@test"
			x.do(AuthRefused, "118")
			x.do(AuthChallenged, "<unknown>")
			x.do(AuthRefused, "118")
			x.do(AuthFailed, "<unknown>")
			p.udp("203.0.113.5").right("118")
		}, "map[]", nil},
		{"pjsip scan_200", func(p *post) {
			times(200, func(i int) {
				x := p.udp(scanner).fresh()
				if i >= 20 {
					unknown(x, fmt.Sprint(100+i))
					x.do(AuthChallenged, "<unknown>")
					return
				}
				x.do(AuthChallenged, fmt.Sprint(100+i))
			})
		}, "map[scan:1]", []string{scanner + "/32"}},
		{"sip scan_200", func(p *post) {
			times(200, func(i int) { p.chansip(scanner).ask(fmt.Sprint(100 + i)) })
		}, "map[scan:1]", []string{scanner + "/32"}},
		{"pjsip svcrack", func(p *post) {
			x := p.udp("203.0.113.1")
			x.session = "469857468"
			x.do(AuthChallenged, "119")
			times(151, func(int) { x.do(AuthFailed, "119"); p.wait(20 * time.Millisecond) })
			x.do(AuthOK, "119")
		}, "map[auth:1 guessed:1]", []string{"203.0.113.1/32"}},
		{"sip svcrack", func(p *post) {
			x := p.chansip("203.0.113.1")
			times(151, func(int) { x.wrong("119"); p.wait(20 * time.Millisecond) })
			x.right("119")
		}, "map[auth:1 guessed:1]", []string{"203.0.113.1/32"}},
		{"pjsip svwar", func(p *post) {
			x := p.udp("203.0.113.1").fresh()
			unknown(x, "2962402058")
			x.do(AuthChallenged, "<unknown>")
			p.udp("203.0.113.1").ask("100")
		}, "map[]", nil},
		{"pjsip invite_guest", func(p *post) {
			x := p.udp("203.0.113.7")
			x.nobody("nobody")
			x.nobody("anonymous")
			times(6, func(int) {
				y := x.fresh()
				unknown(y, "nobody")
				y.do(AuthChallenged, "<unknown>")
			})
		}, "map[auth:1]", []string{"203.0.113.7/32"}},
		{"sip call_out, ten at once, without a word of success", func(p *post) {
			x := p.chansip("203.0.113.2")
			x.right("100")
			x.do(Registered, "100")
			times(10, func(int) { x.ask("100") })
			times(10, func(int) { p.s.placedCall(ext("100"), p.now) })
		}, "map[]", nil},
		{"ami_login_failure", func(p *post) {
			x := p.tcp("127.0.0.1")
			x.service = "AMI"
			x.do(AuthOK, "pbxguard")
			x.do(AuthFailed, "all")
			unknown(x, "nosuchuser")
			x.do(AuthRefused, "denied")
		}, "map[manager-login:1]", nil},
	}
	for _, tt := range tests {
		for _, learn := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, learning %v", tt.name, learn), func(t *testing.T) {
				policy := enforcedBans(nil)
				if learn {
					learning(policy)
				}
				p := newPost(t, policy, Memory{})
				tt.do(p)
				p.wait(3 * time.Second)
				p.wantRules(tt.rules)
				p.wantBanned(tt.banned...)
			})
		}
	}
}
