package gate

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// DialPlan writes what a PBX's dial plan needs to ask before a call leaves.
type DialPlan struct {
	PBX     string // its name here
	Address string // host:port of the listener that it asks
	// Emergency are the numbers that never ask, in every form in which they
	// are sent or dialled.
	Emergency []string
	// Closed denies calls abroad while nobody can be asked: those that begin
	// with one of Abroad and none of Home, and those that hold anything but
	// digits, + * and #.
	Closed       bool
	Abroad, Home []string
	// Announcement is what a caller hears who is denied; "": nothing. It is
	// the name of a sound file of the PBX.
	Announcement string
	Cause        int // Q.850, of a denied call
}

// agiLimit bounds in seconds how long a call waits for a gate that accepts its
// connection and then does nothing, as one does whose process is stopped.
const agiLimit = 2

// Asterisk returns the context that asks, for extensions.conf. The line before
// each Dial to a trunk is
//
//	Gosub(pbxguard-gate,s,1(TRUNK,NUMBER))
//
// AGI waits for ever, so the channel gets a time limit meanwhile. It ends the
// AGI, and the extension T of the context that the channel is in takes over,
// which goes on with the call. The number comes from whoever dials: it stands in
// no expression but through FILTER and LEN, and URIENCODE carries it.
func (d DialPlan) Asterisk() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, " same => n"+format+"\n", args...) }
	b.WriteString("[pbxguard-gate]\n; ARG1: the trunk's endpoint, ARG2: the number that it is sent.\n")
	b.WriteString("exten => s,1,Set(LOCAL(plain)=${FILTER(0-9+*#,${ARG2})})\n")
	line(",Set(LOCAL(len)=${LEN(${ARG2})}/${plain})")
	for _, number := range d.Emergency {
		line(`,GotoIf($["${len}" = "%d/%s"]?leave)`, len(number), number)
	}
	line(",GotoIf($[0${PBXGUARD_UNTIL} < ${EPOCH} | 0${PBXGUARD_UNTIL} > ${EPOCH} + %d]?unasked)", int(Fresh.Seconds()))
	line(",Set(LOCAL(limit)=${TIMEOUT(absolute)})")
	line(",Set(LOCAL(onhangup)=${AGIEXITONHANGUP})")
	line(",Set(AGIEXITONHANGUP=yes)")
	line(",Set(%s=)", Variable)
	line(",Set(TIMEOUT(absolute)=%d)", agiLimit)
	line(",AGI(agi://%s/%s?leg=${UNIQUEID}&call=${CHANNEL(linkedid)}&channel=${URIENCODE(${CHANNEL})}&trunk=${URIENCODE(${ARG1})}&number=${URIENCODE(${ARG2})})", d.Address, d.PBX)
	line("(asked),Set(TIMEOUT(absolute)=${limit})")
	line(",Set(AGIEXITONHANGUP=${onhangup})")
	line(`,GotoIf($["${%s}" = "allow"]?leave)`, Variable)
	line(`,GotoIf($["${%s}" = "deny"]?deny)`, Variable)
	d.unasked(line)
	line("(leave),Return()")
	if d.Announcement == "" {
		line("(deny),Hangup(%d)", d.Cause)
	} else {
		line("(deny),Progress()")
		line(",Playback(%s,noanswer)", d.Announcement)
		line(",Hangup(%d)", d.Cause)
	}
	b.WriteString("; The time limit has passed: ask no more until the guard says that it is there.\n")
	b.WriteString("exten => T,1,Set(GLOBAL(PBXGUARD_UNTIL)=0)\n")
	line(",Goto(s,asked)")
	b.WriteString("; Whoever hangs up meanwhile gets what the calling context does then.\n")
	b.WriteString("exten => h,1,GotoIf($[${DIALPLAN_EXISTS(${STACK_PEEK(1,c)},h,1)}]?${STACK_PEEK(1,c)},h,1)\n")
	return b.String()
}

// unasked writes what happens while nobody can be asked.
func (d DialPlan) unasked(line func(string, ...any)) {
	if !d.Closed {
		line("(unasked),NoOp(pbxguard cannot be asked)")
		return
	}
	line(`(unasked),GotoIf($["${LEN(${ARG2})}" != "${LEN(${plain})}"]?deny)`)
	for _, prefix := range d.Home {
		line(`,GotoIf($["${plain:0:%d}" = "%s"]?leave)`, len(prefix), prefix)
	}
	for _, prefix := range d.Abroad {
		if prefix == "" {
			line(",Goto(deny)")
			continue
		}
		line(`,GotoIf($["${plain:0:%d}" = "%s"]?deny)`, len(prefix), prefix)
	}
}

// FreePBX returns the hook that FreePBX calls before it dials a trunk, for
// extensions_custom.conf beside [DialPlan.Asterisk]. FreePBX 17 calls it by
// Gosub, older ones by Macro; both keep its name.
func (d DialPlan) FreePBX() string {
	return `[macro-dialout-trunk-predial-hook]
exten => s,1,GotoIf($["${EMERGENCYROUTE}" = "YES"]?leave)
 same => n,Gosub(pbxguard-gate,s,1(${CUT(OUT_${DIAL_TRUNK},/,2)},${OUTNUM}))
 same => n(leave),ExecIf($["${MACRO_CONTEXT}" = ""]?Return():MacroExit())
`
}

// FreeSWITCH returns the extensions that ask, for a dial plan of FreeSWITCH:
// they stand before those that lead outside and after those for emergency
// numbers and for phones. condition is one more condition that a call must meet
// to ask, or "".
//
// The socket application of FreeSWITCH gives a server that accepts a connection
// and does nothing 25 seconds; only the heartbeat keeps callers from that.
func (d DialPlan) FreeSWITCH(condition string) string {
	var b strings.Builder
	emergency := make([]string, len(d.Emergency))
	for i, number := range d.Emergency {
		emergency[i] = quoteRegexp(number)
	}
	fresh := `${cond(${strepoch()} &lt; ${hash(select/pbxguard/until)} ? yes : no)}`
	begin := func(name, number string) {
		fmt.Fprintf(&b, "<extension name=%q continue=\"true\">\n", name)
		if condition != "" {
			fmt.Fprintf(&b, "  %s\n", condition)
		}
		fmt.Fprintf(&b, "  <condition field=\"destination_number\" expression=\"%s\"/>\n", number)
	}
	asks := fmt.Sprintf("^(?!(?:%s)$).*$", strings.Join(emergency, "|"))
	begin("pbxguard-gate", asks)
	fmt.Fprintf(&b, `  <condition field="%s" expression="^yes$">
    <action application="set" data="pbxguard=unasked"/>
    <action application="set" data="pbxguard_pbx=%s"/>
    <action application="socket" data="%s"/>
`, fresh, d.PBX, d.Address)
	if d.Closed {
		b.WriteString(`    <action application="execute_extension" data="pbxguard-${pbxguard}-${destination_number} XML ${context}"/>` + "\n")
	}
	b.WriteString("  </condition>\n</extension>\n")
	if !d.Closed {
		return b.String()
	}
	begin("pbxguard-unasked", asks)
	fmt.Fprintf(&b, "  <condition field=\"destination_number\" expression=\"^%s\"/>\n", d.abroad())
	fmt.Fprintf(&b, "  <condition field=\"%s\" expression=\"^(?!yes$)\">\n", fresh)
	d.refuse(&b)
	b.WriteString("  </condition>\n</extension>\n")
	fmt.Fprintf(&b, "<extension name=\"pbxguard-unanswered\">\n  <condition field=\"destination_number\" expression=\"^pbxguard-unasked-%s\">\n", d.abroad())
	d.refuse(&b)
	b.WriteString("  </condition>\n</extension>\n")
	return b.String()
}

// refuse writes what a caller gets who is denied without an answer of the gate.
func (d DialPlan) refuse(b *strings.Builder) {
	if d.Announcement != "" {
		fmt.Fprintf(b, "    <action application=\"pre_answer\"/>\n    <action application=\"playback\" data=%q/>\n", d.Announcement)
	}
	fmt.Fprintf(b, "    <action application=\"hangup\" data=%q/>\n", strconv.Itoa(d.Cause))
}

// abroad is a regular expression of what begins as calls abroad do, or holds
// what no telephone can dial.
func (d DialPlan) abroad() string {
	quoted := func(list []string) string {
		all := make([]string, len(list))
		for i, prefix := range list {
			all[i] = quoteRegexp(prefix)
		}
		return strings.Join(all, "|")
	}
	return fmt.Sprintf("(?:.*[^0-9+*#]|(?!%s)(?:%s))", quoted(d.Home), quoted(d.Abroad))
}

func quoteRegexp(s string) string {
	return strings.NewReplacer("+", `\+`, "*", `\*`).Replace(s)
}

// Loopback says whether an address is one that a gate may have.
func Loopback(address string) bool {
	at, err := netip.ParseAddrPort(address)
	return err == nil && at.Addr().Unmap().IsLoopback()
}
