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
	// with one of Abroad and none of Home, those that begin with one of Heads and
	// then one of Areas and have seven digits behind that, and those that hold
	// anything but digits, + * and #.
	Closed       bool
	Abroad, Home []string
	Heads, Areas []string
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
// which goes on with the call; within a Macro, which the time limit ends as well,
// the call goes back to where it called the Macro. The number comes from whoever dials: it stands in
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
	line(",Set(LOCAL(macro)=${MACRO_CONTEXT})")
	line(",Set(LOCAL(back)=${FILTER(0-9A-Za-z+*#_-,${MACRO_EXTEN})},${MACRO_PRIORITY})")
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
	line(`,GotoIf($["${macro}" = ""]?s,asked)`)
	line(",Set(TIMEOUT(absolute)=${limit})")
	line(",Set(AGIEXITONHANGUP=${onhangup})")
	line(",Set(PBXGUARD_BACK=${macro},${back})")
	line(",StackPop()")
	line(",Goto(${PBXGUARD_BACK})")
	b.WriteString("; Whoever hangs up meanwhile gets what the calling context does then.\n")
	b.WriteString("exten => h,1,GotoIf($[${DIALPLAN_EXISTS(${STACK_PEEK(1,c)},h,1)}]?${STACK_PEEK(1,c)},h,1)\n")
	return b.String()
}

// unasked writes what happens while nobody can be asked. A locked extension is
// denied, unless it calls from an address that the lock spares; a lock stands in
// AstDB, as [guard.Locked.String] writes it.
func (d DialPlan) unasked(line func(string, ...any)) {
	line("(unasked),Set(LOCAL(from)=${CHANNEL:0:-9})")
	line(",Set(LOCAL(lock)=${DB(pbxguard/lock/${FILTER(0-9A-Za-z_.-,${CUT(from,/,2)})})})")
	line(`,GotoIf($["${lock}" = ""]?unlocked)`)
	line(`,GotoIf($[0${CUT(lock,:,2)} < ${EPOCH}]?unlocked)`)
	line(`,Set(LOCAL(addr)=${CHANNEL(recvip)})`)
	line(`,ExecIf($["${CHANNEL(channeltype)}" = "PJSIP"]?Set(LOCAL(addr)=${CHANNEL(pjsip,remote_addr)}))`)
	line(`,Set(LOCAL(addr)=${FILTER(0-9.,${CUT(addr,:,1)})})`)
	line(`,GotoIf($["${addr}" != "" & 0${REGEX("[,]${addr}[,]" ${lock})} = 1]?unlocked)`)
	line(`,GotoIf($["${CUT(lock,:,1)}" = "all"]?deny)`)
	line(",Goto(abroad)")
	if !d.Closed {
		line("(unlocked),Goto(leave)")
	} else {
		line("(unlocked),NoOp(pbxguard cannot be asked)")
	}
	line(`(abroad),GotoIf($["${LEN(${ARG2})}" != "${LEN(${plain})}"]?deny)`)
	if near := d.neighbours("("); near != "" {
		line(`,GotoIf($[${REGEX("^%s" ${plain})} = 1]?deny)`, near)
	}
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

// socketLimit bounds in seconds how long a call of FreeSWITCH waits for a gate
// that accepts its connection and then does nothing. FreeSWITCH's scheduler
// counts whole seconds of the clock, so it may come one early.
const socketLimit = 2

// plain is a number as telephones dial them.
const plain = "[0-9+*#]+"

// FreeSWITCH returns the extensions that ask, for a dial plan of FreeSWITCH:
// they stand before those that lead outside and after those for emergency
// numbers and for phones. condition is one more condition that a call must meet
// to ask, or "".
//
// The socket application gives a server that accepts a connection and does
// nothing 25 seconds, and cannot be interrupted; asynchronous it can. So a
// transfer is scheduled meanwhile, back to the same number, which then does not
// ask again. It is cancelled by its own id: a time limit that the call may have
// from elsewhere is left alone. A number that is none stands in no application's
// arguments; who dials one waits.
func (d DialPlan) FreeSWITCH(condition string) string {
	var b strings.Builder
	emergency := make([]string, len(d.Emergency))
	for i, number := range d.Emergency {
		emergency[i] = quoteRegexp(number)
	}
	but := fmt.Sprintf("^(?!(?:%s)$)", strings.Join(emergency, "|"))
	asks := fsExtension{&b, d, condition}
	abroad := d.abroad()
	asks.lock("pbxguard-locked", "all", but+".+$")
	asks.lock("pbxguard-locked-abroad", "abroad", fmt.Sprintf("^(?!pbxguard-)(?:.*[^0-9+*#]|%s)", but[1:]+abroad))
	if d.Closed {
		asks.ask("pbxguard-gate-abroad", but+abroad+plain+"$", "pbxguard-refused", true)
		asks.ask("pbxguard-gate", but+"(?!"+abroad+")"+plain+"$", "${destination_number}", false)
		asks.ask("pbxguard-gate-odd", "^(?!pbxguard-).*[^0-9+*#]", "", true)
		asks.begin("pbxguard-unasked", fmt.Sprintf("^(?!pbxguard-)(?:.*[^0-9+*#]|%s)", but[1:]+abroad))
		fmt.Fprintf(&b, "  <condition field=\"%s\" expression=\"^(?!yes$)\">\n", fresh)
		d.refuse(&b)
		b.WriteString("  </condition>\n</extension>\n")
		b.WriteString("<extension name=\"pbxguard-refused\">\n  <condition field=\"destination_number\" expression=\"^pbxguard-refused$\">\n" + askNoMore)
		d.refuse(&b)
		b.WriteString("  </condition>\n</extension>\n")
	} else {
		asks.ask("pbxguard-gate", but+plain+"$", "${destination_number}", false)
		asks.ask("pbxguard-gate-odd", ".*[^0-9+*#]", "", false)
	}
	fmt.Fprintf(&b, "<extension name=\"pbxguard-waited\" continue=\"true\">\n"+
		"  <condition field=\"${pbxguard_waited}/${destination_number}\" expression=\"^(%s)/\\1$\">\n%s"+
		"    <action application=\"unset\" data=\"pbxguard_waited\"/>\n  </condition>\n</extension>\n", plain, askNoMore)
	return b.String()
}

// abroad is a regular expression of what begins a number abroad.
func (d DialPlan) abroad() string {
	abroad := alternatives(d.Abroad)
	if len(d.Home) > 0 {
		abroad = "(?!" + alternatives(d.Home) + ")" + abroad
	}
	if near := d.neighbours("(?:"); near != "" {
		abroad = "(?:(?=" + near + ")|" + abroad + ")"
	}
	return abroad
}

// theirLock is the lock of the caller, in his domain or in all, and his address.
const theirLock = "${hash(select/pbxguard/lock_${user_name}@${domain_name})}${hash(select/pbxguard/lock_${user_name})}/${sip_network_ip}"

// lock writes an extension that refuses what a lock of a scope bars, unless it comes
// from an address that the lock spares. It does not wait for the guard's answer:
// whether there will be one is not known when extensions are chosen.
func (e fsExtension) lock(name, scope, numbers string) {
	e.begin(name, numbers)
	fmt.Fprintf(e, "  <condition field=\"%s\" expression=\"^%s:[0-9]+:(?!.*,([0-9.]+),.*/\\1$)\">\n", theirLock, scope)
	e.plan.refuse(e.Builder)
	e.WriteString("  </condition>\n</extension>\n")
}

// askNoMore takes the heartbeat back, for no other call to wait.
const askNoMore = "    <action application=\"hash\" data=\"delete/pbxguard/until\"/>\n"

// fresh is "yes" while the guard may be asked.
const fresh = `${cond(${strepoch()} &lt; ${hash(select/pbxguard/until)} ? yes : no)}`

// fsExtension writes extensions of one dial plan.
type fsExtension struct {
	*strings.Builder
	plan      DialPlan
	condition string
}

// begin begins an extension for some numbers.
func (e fsExtension) begin(name, numbers string) {
	fmt.Fprintf(e, "<extension name=%q continue=\"true\">\n", name)
	if e.condition != "" {
		fmt.Fprintf(e, "  %s\n", e.condition)
	}
	fmt.Fprintf(e, "  <condition field=\"destination_number\" expression=\"%s\"/>\n", numbers)
}

// ask writes an extension whose calls ask. late is where one goes that waits for
// too long, or "" if it waits; refuse says that one is refused which got no answer.
func (e fsExtension) ask(name, numbers, late string, refuse bool) {
	e.begin(name, numbers)
	action := func(app, format string, args ...any) {
		fmt.Fprintf(e, "    <action application=%q data=\"%s\"/>\n", app, fmt.Sprintf(format, args...))
	}
	if late != "" {
		fmt.Fprintf(e, "  <condition field=\"${pbxguard_waited}/${destination_number}\" expression=\"^(?!(%s)/\\1$)\"/>\n", plain)
	}
	fmt.Fprintf(e, "  <condition field=\"%s\" expression=\"^yes$\">\n", fresh)
	action("set", "pbxguard=unasked")
	action("set", "pbxguard_pbx=%s", e.plan.PBX)
	if late == "" {
		action("socket", "%s", e.plan.Address)
	} else {
		action("set", "pbxguard_waited=${destination_number}")
		action("set", "socket_resume=true")
		action("sched_transfer", "+%d %s XML ${context}", socketLimit, late)
		action("socket", "%s async", e.plan.Address)
		action("sched_cancel", "${last_sched_id}")
		action("unset", "socket_resume")
		action("unset", "pbxguard_waited")
	}
	if refuse { // an application cannot be left out, but it can be told of no channel
		action("eval", "${uuid_transfer(${cond(${pbxguard} == unasked ? ${uuid} : none)} pbxguard-refused XML ${context})}")
	}
	e.WriteString("  </condition>\n</extension>\n")
}

// refuse writes what a caller gets who is denied without an answer of the gate.
func (d DialPlan) refuse(b *strings.Builder) {
	if d.Announcement != "" {
		fmt.Fprintf(b, "    <action application=\"pre_answer\"/>\n    <action application=\"playback\" data=%q/>\n", d.Announcement)
	}
	fmt.Fprintf(b, "    <action application=\"hangup\" data=%q/>\n", strconv.Itoa(d.Cause))
}

// alternatives is a regular expression of what begins with one of a list.
func alternatives(list []string) string {
	all := make([]string, len(list))
	for i, prefix := range list {
		all[i] = quoteRegexp(prefix)
	}
	return "(?:" + strings.Join(all, "|") + ")"
}

// neighbours is a regular expression of what begins a number of another country
// behind the calling code of one's own, or "" if there is none. open begins a
// group. It means the same to POSIX, which knows no empty alternative, as to Perl.
func (d DialPlan) neighbours(open string) string {
	if len(d.Areas) == 0 {
		return ""
	}
	var heads []string
	optional := ""
	for _, head := range d.Heads {
		if head == "" {
			optional = "?"
			continue
		}
		heads = append(heads, strings.NewReplacer("+", "[+]", "*", "[*]").Replace(head))
	}
	if len(heads) == 0 {
		heads, optional = []string{""}, ""
	}
	return open + strings.Join(heads, "|") + ")" + optional + open + strings.Join(d.Areas, "|") + ")" + strings.Repeat("[0-9]", 7)
}

func quoteRegexp(s string) string {
	return strings.NewReplacer("+", `\+`, "*", `\*`).Replace(s)
}

// Loopback says whether an address is one that a gate may have.
func Loopback(address string) bool {
	at, err := netip.ParseAddrPort(address)
	return err == nil && at.Addr().Unmap().IsLoopback()
}
