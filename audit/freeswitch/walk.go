package freeswitch

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A walk dials numbers into a context and follows each call through the
// dialplan, as FreeSWITCH would, to every trunk that it reaches. What can't be
// known without a real call (a caller id, the hour, a function) is taken both
// ways.
type walk struct {
	plan    *dialplan
	from    entry
	probe   string
	seen    map[string]bool
	steps   int
	reached []reach
	blind   []string // what could not be followed: a script, a context that only the call knows
}

// entry is a place where calls begin.
type entry struct {
	name string
	ctx  string
	at   Pos
	vars settings // what is known of the caller
	open bool     // anybody on the internet can begin a call there
}

// call is the state of a call on its way.
type call struct {
	ctx, dest string
	vars      map[string]string
	asked     bool   // the caller was asked for digits
	keyed     string // and keyed these
	limited   bool   // a limit on simultaneous calls was passed
	timed     bool   // the call has an end
	certain   bool
	path      []string
}

// reach is a trunk, or a service of the PBX, that a call reached.
type reach struct {
	what    string // "gateway itsp", or the application: conference, eavesdrop, voicemail
	number  string // sent to the trunk
	dialled string
	call    call
	at      Pos
	ext     *Element
	data    string
}

const (
	maxSteps = 20_000 // of one number
	maxHops  = 25
	maxVars  = 300
	maxFound = 50       // of one number
	maxText  = 16 << 10 // of an action or variable
)

// run dials every number and returns what was reached, in the order of numbers.
func (d *dialplan) run(from entry, numbers []string) *walk {
	all := &walk{plan: d, from: from}
	for _, n := range numbers {
		w := &walk{plan: d, from: from, probe: n, seen: map[string]bool{}}
		c := call{ctx: from.ctx, dest: n, vars: map[string]string{}, certain: true, path: []string{from.name}}
		for _, v := range from.vars {
			c.vars[strings.ToLower(v.name)] = v.value
		}
		w.enter(c)
		all.reached = append(all.reached, w.reached...)
		for _, b := range w.blind {
			if !slices.Contains(all.blind, b) && len(all.blind) < 20 {
				all.blind = append(all.blind, b)
			}
		}
	}
	return all
}

// enter executes what a call finds in its context.
func (w *walk) enter(c call) {
	key := fmt.Sprintf("%s\x00%s\x00%s\x00%s", strings.ToLower(c.ctx), c.dest, c.vars["toll_allow"], c.keyed)
	if len(c.path) > maxHops || w.seen[key] || !w.plan.charge(1+len(c.vars)/4) {
		return
	}
	w.seen[key] = true
	ctx := w.plan.context(c.ctx)
	if ctx == nil {
		if strings.ContainsAny(c.ctx, "$\x00") || c.ctx == "" {
			w.blind = append(w.blind, "a context that only the call knows")
		}
		return
	}
	c.path = append(slices.Clone(c.path), "context "+c.ctx)
	c.vars = maps.Clone(c.vars)
	w.execute(&c, w.hunt(&c, ctx))
}

// execute runs actions one after the other, until one surely ends the call.
func (w *walk) execute(c *call, steps []step) {
	for i, s := range steps {
		if w.steps++; w.steps > maxSteps || !w.plan.spend() {
			return
		}
		if app := strings.ToLower(s.e.Attr("application")); app == "read" || app == "play_and_get_digits" {
			w.ask(c, app, w.data(c, s), steps[i+1:])
			return
		}
		if w.action(c, s) && s.certain {
			return
		}
	}
}

// action executes one action and tells whether the actions behind it are lost.
func (w *walk) action(c *call, s step) (over bool) {
	app, data := strings.ToLower(s.e.Attr("application")), w.data(c, s)
	if i := strings.Index(app, "::"); i > 0 { // as in application="transfer::…"
		app, data = app[:i], app[i+2:]
	}
	switch app {
	case "transfer", "execute_extension":
		w.transfer(c, s, data)
		return app == "transfer" && !strings.HasPrefix(data, "-bleg")
	case "bridge", "att_xfer", "conference_set_auto_outcall", "enterprise_originate":
		w.dial(c, s, data)
	case "ivr":
		w.menu(c, s, data, 0)
	case "limit", "limit_hash", "limit_execute", "limit_hash_execute":
		c.limited = true
	case "sched_hangup", "sched_transfer":
		c.timed = true
	case "lcr", "easyroute", "enum":
		w.arrive(c, s, app, c.dest)
	case "conference":
		w.conference(c, s, data)
	case "eavesdrop", "userspy", "three_way":
		w.arrive(c, s, "eavesdrop", "")
	case "voicemail":
		if strings.Contains(data, "check") {
			w.arrive(c, s, "voicemail", "")
		}
	case "lua", "luarun", "perl", "python", "javascript", "js", "socket", "httapi":
		w.blind = append(w.blind, fmt.Sprintf("%s: what %s does is not in the dialplan", s.e.Pos, app))
	case "hangup", "respond", "deflect", "redirect", "reject", "park":
		return true
	default:
		w.assign(c, app, data)
	}
	return false
}

// assign handles the applications that set variables.
func (w *walk) assign(c *call, app, data string) {
	switch app {
	case "set", "export", "set_global", "bridge_export":
		name, value, ok := strings.Cut(strings.TrimPrefix(data, "nolocal:"), "=")
		if ok {
			w.put(c, name, value)
		}
	case "multiset":
		sep := " "
		if rest, ok := strings.CutPrefix(data, "^^"); ok && rest != "" {
			sep, data = rest[:1], rest[1:]
		}
		for _, one := range strings.Split(data, sep) {
			if name, value, ok := strings.Cut(one, "="); ok {
				w.put(c, name, value)
			}
		}
	case "unset":
		delete(c.vars, strings.ToLower(strings.TrimSpace(data)))
	case "set_user":
		id, _, _ := strings.Cut(data, "@")
		for _, u := range w.plan.m.users {
			if strings.EqualFold(u.id, id) {
				for _, v := range u.vars {
					w.put(c, v.name, v.value)
				}
			}
		}
	}
}

func (w *walk) put(c *call, name, value string) {
	name = strings.ToLower(strings.TrimSpace(name))
	value = strings.Trim(strings.TrimSpace(value), "'")
	if len(value) > maxText || len(c.vars) > maxVars {
		return
	}
	c.vars[name] = value
	if strings.HasPrefix(name, "execute_on_") || strings.HasPrefix(name, "api_on_") {
		c.timed = c.timed || strings.Contains(value, "sched_hangup")
	}
}

// transfer follows "[-bleg|-both] number [dialplan [context]]".
func (w *walk) transfer(c *call, s step, data string) {
	f := strings.Fields(data)
	if len(f) > 0 && strings.HasPrefix(f[0], "-") {
		f = f[1:]
	}
	if len(f) == 0 {
		return
	}
	if len(f) > 1 && strings.EqualFold(f[1], "inline") {
		return
	}
	if len(f) > 1 && strings.EqualFold(f[1], "enum") {
		if w.plan.m.has("mod_enum") {
			w.arrive(c, s, "enum", f[0])
		}
		return
	}
	next := *c
	next.dest = f[0]
	if len(f) > 2 {
		next.ctx = f[2]
	}
	next.certain = c.certain && s.certain
	next.path = append(slices.Clone(c.path), label(s))
	w.enter(next)
}

// label names the extension of a step and its place.
func label(s step) string {
	return fmt.Sprintf("extension %s (%s)", s.ext.Attr("name"), s.e.Pos)
}

// dial follows a dial string to trunks and back into the dialplan.
func (w *walk) dial(c *call, s step, data string) {
	if _, shown, ok := strings.Cut(data, "origination_caller_id_number="); ok {
		own := *c
		own.vars = maps.Clone(c.vars)
		c = &own
		w.put(c, "effective_caller_id_number", shown[:strings.IndexAny(shown+",", ",}]")])
	}
	for _, target := range targets(data) {
		kind, rest, _ := strings.Cut(target, "/")
		switch strings.ToLower(kind) {
		case "sofia":
			w.sofia(c, s, rest)
		case "loopback":
			w.loopback(c, s, rest)
		case "freetdm", "openzap", "dahdi", "gsmopen", "khomp", "dingaling", "h323", "opal", "iax":
			_, number, _ := cutLast(rest, "/")
			w.arrive(c, s, "trunk "+kind, number)
		case "enum":
			w.arrive(c, s, "enum", rest)
		}
	}
}

// targets splits a dial string and takes the variables off each part.
func targets(data string) []string {
	var found []string
	depth := 0
	start := 0
	add := func(part string) {
		for part = strings.TrimSpace(part); part != "" && strings.ContainsRune("{[<", rune(part[0])); {
			end := strings.IndexByte(part, map[byte]byte{'{': '}', '[': ']', '<': '>'}[part[0]])
			if end < 0 {
				return
			}
			part = strings.TrimSpace(part[end+1:])
		}
		if part != "" {
			found = append(found, part)
		}
	}
	data = strings.ReplaceAll(data, ":_:", ",")
	for i, r := range data {
		switch r {
		case '{', '[', '<':
			depth++
		case '}', ']', '>':
			depth--
		case ',', '|':
			if depth == 0 {
				add(data[start:i])
				start = i + 1
			}
		}
	}
	add(data[start:])
	return found
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// sofia handles gateway/NAME/NUMBER and PROFILE/NUMBER@HOST. A host that is a
// domain of this directory is a phone; any other is a trunk without a gateway.
func (w *walk) sofia(c *call, s step, rest string) {
	if name, number, ok := strings.Cut(strings.TrimPrefix(rest, "gateway/"), "/"); ok && strings.HasPrefix(rest, "gateway/") {
		w.arrive(c, s, "gateway "+name, number)
		return
	}
	_, uri, ok := strings.Cut(rest, "/")
	if !ok || strings.Contains(uri, "%") {
		return
	}
	number, host, ok := strings.Cut(strings.TrimPrefix(uri, "sip:"), "@")
	if !ok {
		return
	}
	host, _, _ = strings.Cut(host, ";")
	host, _, _ = strings.Cut(host, ":")
	if host == "" || strings.ContainsAny(host, "$\x00?") || slices.ContainsFunc(w.plan.m.domains, func(d string) bool { return strings.EqualFold(d, host) }) {
		return
	}
	w.arrive(c, s, "host "+host, number)
}

// loopback handles NUMBER[/CONTEXT[/DIALPLAN]]; app=… executes an application.
func (w *walk) loopback(c *call, s step, rest string) {
	f := strings.Split(rest, "/")
	if strings.HasPrefix(f[0], "app=") {
		return
	}
	next := *c
	next.dest = f[0]
	if len(f) > 1 && f[1] != "" {
		next.ctx = f[1]
	}
	next.certain = c.certain && s.certain
	next.path = append(slices.Clone(c.path), label(s))
	w.enter(next)
}

// ask handles the applications that read digits: the caller keys one number
// after the other, and each time the call goes on.
func (w *walk) ask(c *call, app, data string, rest []step) {
	f := words(data)
	at := 3 // read: min max file var …
	if app == "play_and_get_digits" {
		at = 7 // min max tries timeout terminators file invalid var …
	}
	for _, keys := range w.keys(c) {
		if !w.plan.charge(1 + len(c.vars)/4) {
			return
		}
		next := *c
		next.vars = maps.Clone(c.vars)
		if len(f) > at {
			w.put(&next, f[at], keys)
			next.asked, next.keyed = true, keys
		}
		w.execute(&next, rest)
		if len(f) <= at {
			return
		}
	}
}

// keys are what a caller keys when asked; asked again, it keys the same.
func (w *walk) keys(c *call) []string {
	if c.asked {
		return []string{c.keyed}
	}
	return append(WaysAbroad(), w.probe)
}

// words splits arguments at blanks outside of quotes.
func words(s string) []string {
	quoted := false
	return strings.FieldsFunc(s, func(r rune) bool {
		if r == '\'' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
}

// menu follows the entries of an IVR menu; the caller presses the keys of each.
func (w *walk) menu(c *call, s step, name string, depth int) {
	menu := w.plan.menus.Find("menu", "name", name)
	key := "menu\x00" + name + "\x00" + c.ctx + "\x00" + c.keyed
	if menu == nil || depth > maxConditionDepth || w.seen[key] || !w.plan.spend() {
		return
	}
	w.seen[key] = true
	for _, e := range menu.Each("entry") {
		for _, caps := range w.pressed(c, e.Attr("digits")) {
			w.choose(c, s, name, e, caps, depth)
		}
	}
}

// pressed returns what an entry's digits capture of what the caller may key.
func (w *walk) pressed(c *call, digits string) []captures {
	if !strings.HasPrefix(digits, "/") {
		return []captures{{digits}}
	}
	re := w.plan.regexp(digits)
	if re == nil {
		return nil
	}
	var all []captures
	for _, keys := range append(w.keys(c), samples(re.String())...) {
		if caps := re.FindStringSubmatch(keys); caps != nil {
			all = append(all, caps)
		}
	}
	return all
}

// choose follows an entry of a menu.
func (w *walk) choose(c *call, s step, name string, e *Element, caps captures, depth int) {
	if e.Attr("action") == "menu-sub" {
		w.menu(c, s, e.Attr("param"), depth+1)
		return
	}
	if e.Attr("action") != "menu-exec-app" {
		return
	}
	if !w.plan.charge(1 + len(c.vars)/4) {
		return
	}
	app, data, _ := strings.Cut(e.Attr("param"), " ")
	next := *c
	next.vars = maps.Clone(c.vars)
	next.path = append(slices.Clone(c.path), "menu "+name)
	inner := &Element{Name: "action", Pos: e.Pos, Attrs: []Attr{{"application", app}, {"data", data}}}
	w.action(&next, step{inner, caps, s.ext, s.certain})
}

// conference handles NAME@PROFILE+PIN and bridge:NAME:DIALSTRING.
func (w *walk) conference(c *call, s step, data string) {
	if rest, ok := strings.CutPrefix(data, "bridge:"); ok {
		if _, dial, ok := strings.Cut(rest, ":"); ok {
			w.dial(c, s, dial)
		}
	}
	before := len(w.reached)
	w.arrive(c, s, "conference", "")
	if len(w.reached) > before {
		w.reached[before].data = data
	}
}

// arrive notes a trunk or service that the call reached, each place once for a
// number.
func (w *walk) arrive(c *call, s step, what, number string) {
	key := "at\x00" + s.e.Pos.String() + "\x00" + what + "\x00" + number + "\x00" + c.keyed
	if w.seen[key] || len(w.reached) >= maxFound {
		return
	}
	w.seen[key] = true
	got := *c
	got.vars = maps.Clone(c.vars)
	got.certain = c.certain && s.certain
	got.path = append(slices.Clone(c.path), label(s), what)
	if number == "" {
		number = w.probe
	}
	dialled := w.probe
	if c.asked {
		dialled = c.keyed
	}
	w.reached = append(w.reached, reach{what: what, number: number, dialled: dialled, call: got, at: s.e.Pos, ext: s.ext})
}

// trunk tells whether it is a way out.
func (r reach) trunk() bool {
	return r.what != "conference" && r.what != "eavesdrop" && r.what != "voicemail"
}

// String is the way the call took.
func (r reach) String() string { return strings.Join(r.call.path, " -> ") }

// data returns the data of an action as the call sees it.
func (w *walk) data(c *call, s step) string {
	data := s.e.Attr("data")
	if data == "" {
		data = s.e.Text
	}
	out, _ := w.expand(c, substitute(data, s.caps))
	return out
}

// substitute replaces $1 to $9; one that is not known becomes nothing.
func substitute(data string, caps captures) string {
	var b strings.Builder
	for i := 0; i < len(data); i++ {
		if data[i] != '$' || i+1 >= len(data) || data[i+1] < '0' || data[i+1] > '9' {
			b.WriteByte(data[i])
			continue
		}
		if n := int(data[i+1] - '0'); n < len(caps) {
			b.WriteString(caps[n])
		}
		i++
	}
	return b.String()
}

// field returns what a condition looks at, and whether that is known.
func (w *walk) field(c *call, field string) (string, bool) {
	if strings.Contains(field, "$") {
		return w.expand(c, field)
	}
	switch strings.ToLower(field) {
	case "destination_number":
		return c.dest, true
	case "context":
		return c.ctx, true
	case "dialplan":
		return "XML", true
	case "source":
		return "mod_sofia", true
	}
	return "", false // the caller says what it likes
}

// expand replaces ${name}; known is false if one can't be known.
func (w *walk) expand(c *call, s string) (out string, known bool) {
	known = true
	if !strings.Contains(s, "${") {
		return s, !Unknown(s)
	}
	if len(s) > maxText {
		return "", false
	}
	var b strings.Builder
	closing := braces(s)
	for i := 0; i < len(s); {
		end := -1
		if strings.HasPrefix(s[i:], "${") {
			end = closing[i+1]
		}
		if end < 0 {
			b.WriteByte(s[i])
			i++
			continue
		}
		value, ok := w.variable(c, s[i+2:end])
		known = known && ok
		b.WriteString(value)
		i = end + 1
	}
	return b.String(), known && !Unknown(b.String())
}

// callerSays begins the names of variables that come out of what the caller
// sends, or that the channel has by itself.
var callerSays = []string{"sip_", "caller_id", "effective_caller", "ani", "rdnis", "network_addr", "uuid", "channel", "switch_", "rtp_", "endpoint_", "read_",
	"write_", "remote_", "start_", "created_", "strftime", "hostname", "verto_", "username", "presence_id", "last_", "originat", "bridge_", "hangup_", "call_uuid"}

// variable returns the value of a variable of the call. What nobody sets is
// empty; what the caller sends is not known.
func (w *walk) variable(c *call, name string) (string, bool) {
	if strings.ContainsAny(name, "(${") {
		return "", false // a function
	}
	name, from, sliced := strings.Cut(strings.ToLower(name), ":")
	value, ok := w.plain(c, name)
	if sliced && ok {
		value = substring(value, from)
	}
	return value, ok
}

func (w *walk) plain(c *call, name string) (string, bool) {
	if v, ok := c.vars[name]; ok {
		return v, !Unknown(v)
	}
	switch name {
	case "destination_number", "sip_req_user", "sip_to_user":
		return c.dest, true
	case "context":
		return c.ctx, true
	case "sip_authorized", "sip_auth_username", "sip_auth_realm":
		return w.from.vars.value(name), true
	}
	if v, _, ok := w.plan.m.doc.Var(name); ok && v != "" {
		return v, !Unknown(v)
	}
	for _, prefix := range callerSays {
		if strings.HasPrefix(name, prefix) {
			return "", false
		}
	}
	return "", true
}

// substring handles ${name:offset:length}.
func substring(s, spec string) string {
	first, second, has := strings.Cut(spec, ":")
	off, err := strconv.Atoi(first)
	if err != nil {
		return s
	}
	if off < 0 {
		off += len(s)
	}
	s = s[min(max(off, 0), len(s)):]
	if n, err := strconv.Atoi(second); has && err == nil && n >= 0 {
		s = s[:min(n, len(s))]
	}
	return s
}

// secretPIN tells whether a condition compares digits that the caller must know
// with a literal of at least six digits: he does not.
func (w *walk) secretPIN(field, expr string) bool {
	digits := 0
	for _, r := range strings.Trim(expr, "^$()") {
		if r < '0' || r > '9' {
			return false
		}
		digits++
	}
	return digits >= 6 && strings.Contains(field, "${")
}
