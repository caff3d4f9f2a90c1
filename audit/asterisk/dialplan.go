package asterisk

import (
	"slices"
	"strconv"
	"strings"

	"pbxguard/adapters/asterisk/conf"
)

// dialplan is extensions.conf with its globals.
type dialplan struct {
	pbx      *PBX
	contexts map[string]*dialContext
	names    []string // of contexts, in the order of the file
	globals  map[string]string
	dynamic  []string // why not all of it stands in the file
	reasons  []string // those of them that count, once that was looked at

	elsewhere []script
	begin     map[string]bool // contexts in which calls begin, once asked for
	inUsed    map[string]bool // those and what calls get to from there
	reached   map[string]*reach
	samples   []string // of foreign numbers
	first     []bool   // which of them are the first of their way to dial
	keyed     []string // those, which a caller keys when asked
	visited   int      // extensions that walks ran, all together
	cutOff    bool     // there was more than could be followed
	marked    int      // contexts of which the lookups are known
	followed  int      // includes followed for them
}

type dialContext struct {
	name     string
	at       conf.Pos
	plain    map[string]*extension
	patterns []*extension // in the order in which Asterisk tries them
	all      []*extension // in the order of the file
	includes []include
	switches []conf.Setting
	hints    bool     // phones may watch one another here
	tried    []try    // numbers abroad that its patterns take
	dialled  []string // what leads to each extension
	lookups  []lookup // what it is made of to who dials in it, once asked for
	mark     int      // the last time that it was looked into
}

// A lookup is a context in which Asterisk looks for what is dialled in another:
// that one itself, or one that it includes at whatever remove.
type lookup struct {
	*dialContext
	from int // the lookup that includes it; -1: none
}

type include struct {
	name string
	time string // when it counts; "" always
	at   conf.Pos

	context *dialContext // nil: there is none of this name
}

type extension struct {
	pattern
	caller string // of whom only it holds, behind a slash
	at     conf.Pos
	steps  []step
}

type step struct {
	number int // its priority
	label  string
	app    string // as written
	args   string
	at     conf.Pos
	inner  []step // what ExecIf or TryExec runs
	guard  string // the condition on which ExecIf runs this
}

// is compares the application's name, which has no case.
func (s *step) is(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, s.app) })
}

// Bounds of a dialplan, beyond which it is not followed.
const (
	maxSteps    = 2_000_000
	maxFollowed = 100_000_000 // includes, over and over
)

func (p *PBX) readDialplan() *dialplan {
	d := &dialplan{pbx: p, contexts: map[string]*dialContext{}, globals: map[string]string{}, reached: map[string]*reach{}, samples: samples(p.site.Plan)}
	for _, s := range p.file("extensions.conf").Sections {
		switch {
		case s.Template || strings.EqualFold(s.Name, "general"):
		case strings.EqualFold(s.Name, "globals"):
			for _, set := range s.Settings {
				d.globals[set.Key] = set.Value
			}
		default:
			d.context(s)
		}
	}
	d.scripts()
	d.first, d.keyed = firsts(d.samples)
	for _, c := range d.contexts {
		slices.SortStableFunc(c.patterns, func(a, b *extension) int { return a.order(b.pattern) })
		for i := range c.includes {
			c.includes[i].context = d.contexts[c.includes[i].name]
		}
	}
	return d
}

func (d *dialplan) context(s *conf.Section) {
	c := d.contexts[s.Name]
	if c == nil {
		c = &dialContext{name: s.Name, at: s.At, plain: map[string]*extension{}}
		d.contexts[s.Name] = c
		d.names = append(d.names, s.Name)
	}
	last := ""
	for _, set := range s.Settings {
		switch strings.ToLower(set.Key) {
		case "exten":
			name, rest, _ := strings.Cut(set.Value, ",")
			last = strings.TrimSpace(name)
			c.step(last, rest, set.At)
		case "same":
			c.step(last, set.Value, set.At)
		case "include":
			name, time, _ := strings.Cut(strings.ReplaceAll(set.Value, "|", ","), ",")
			c.includes = append(c.includes, include{name: strings.TrimSpace(name), time: time, at: set.At})
		case "switch", "lswitch", "eswitch":
			c.switches = append(c.switches, set)
			d.dynamic = append(d.dynamic, c.switched(set))
		}
	}
}

// step adds "priority,App(args)" to an extension.
func (c *dialContext) step(name, rest string, at conf.Pos) {
	if name == "" {
		return
	}
	name, caller, _ := strings.Cut(name, "/")
	priority, call, ok := strings.Cut(rest, ",")
	if !ok {
		return
	}
	priority = strings.TrimSpace(priority)
	if strings.EqualFold(priority, "hint") {
		c.hints = true
		return
	}
	ext := c.find(name, caller)
	if ext == nil {
		ext = &extension{pattern: parsePattern(name), caller: caller, at: at}
		c.all = append(c.all, ext)
		if !ext.plain {
			c.patterns = append(c.patterns, ext)
		} else if c.plain[name] == nil || caller == "" {
			c.plain[name] = ext
		}
	}
	one := step{at: at}
	if open := strings.IndexByte(priority, '('); open >= 0 {
		one.label = strings.TrimSuffix(priority[open+1:], ")")
		priority = priority[:open]
	}
	one.number = ext.priority(priority)
	one.app, one.args = application(call)
	one.inner = inner(&one)
	ext.steps = append(ext.steps, one)
}

// inner are the applications that a step runs by their names.
func inner(s *step) (all []step) {
	calls, guard := []string{s.args}, ""
	switch {
	case s.is("ExecIf", "ExecIfTime"):
		calls, guard = branches(s.args), cut(s.args, '?')[0]
	case !s.is("TryExec", "Exec"):
		return nil
	}
	for _, call := range calls {
		one := step{number: s.number, at: s.at, guard: guard}
		one.app, one.args = application(call)
		all = append(all, one)
	}
	return all
}

// priority is the number that "1", "n" or "n+2" stands for behind the steps so
// far.
func (e *extension) priority(text string) int {
	last := 0
	if n := len(e.steps); n > 0 {
		last = e.steps[n-1].number
	}
	name, more, _ := strings.Cut(text, "+")
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "n":
		return last + max(1, atoi(more))
	case "s":
		return last + atoi(more)
	}
	return atoi(name)
}

func (c *dialContext) find(name, caller string) *extension {
	if e := c.plain[name]; e != nil && e.caller == caller {
		return e
	}
	for i := len(c.all) - 1; i >= 0 && i >= len(c.all)-8; i-- { // what belongs together stands together
		if c.all[i].text == name && c.all[i].caller == caller {
			return c.all[i]
		}
	}
	for _, e := range c.patterns {
		if e.text == name && e.caller == caller {
			return e
		}
	}
	return nil
}

// application cuts "App(args)" or the old "App,args".
func application(call string) (name, args string) {
	call = strings.TrimSpace(call)
	open := strings.IndexAny(call, "(,|")
	if open < 0 {
		return call, ""
	}
	name, args = strings.TrimSpace(call[:open]), call[open+1:]
	if call[open] == '(' {
		if end := strings.LastIndexByte(args, ')'); end >= 0 {
			args = args[:end]
		}
	}
	return name, args
}

// arguments cuts at commas that stand within no brackets and no quotes.
func arguments(s string) []string { return cut(s, ',') }

func cut(s string, at byte) (parts []string) {
	depth, quoted, from := 0, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == at && depth <= 0:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

// argument is the i-th of them, without blanks around it.
func argument(args []string, i int) string {
	if i >= len(args) {
		return ""
	}
	return strings.TrimSpace(args[i])
}

// best returns the extension that Asterisk chooses for what was dialled in a
// context, and the names of contexts on the way to it.
func (d *dialplan) best(context, dialled string) (*extension, []string) {
	lookups := d.below(context)
	for i, c := range lookups {
		if e := c.chooses(dialled); e != nil {
			var way []string
			for ; i >= 0; i = lookups[i].from {
				way = append(way, lookups[i].name)
			}
			slices.Reverse(way)
			return e, way
		}
	}
	return nil, nil
}

// chooses returns the context's own extension for what was dialled, or nil.
func (c *dialContext) chooses(dialled string) *extension {
	if e := c.plain[dialled]; e != nil {
		return e
	}
	for _, e := range c.patterns {
		if e.matches(dialled) {
			return e
		}
	}
	return nil
}

// below are a context and all that it includes, in the order in which Asterisk
// looks into them: depth first, and into none twice.
func (d *dialplan) below(context string) []lookup {
	top := d.contexts[context]
	if top == nil {
		return nil
	}
	if top.lookups == nil {
		d.marked++
		d.lookInto(top, top, -1)
	}
	return top.lookups
}

// lookInto adds c and what it includes to the lookups of top.
func (d *dialplan) lookInto(top, c *dialContext, from int) {
	c.mark = d.marked
	at := len(top.lookups)
	top.lookups = append(top.lookups, lookup{c, from})
	if d.followed += len(c.includes); d.followed > maxFollowed {
		d.cutOff = true
		return
	}
	for _, inc := range c.includes {
		if inc.context != nil && inc.context.mark != d.marked {
			d.lookInto(top, inc.context, at)
		}
	}
}

// each calls f with every step of the dialplan.
func (d *dialplan) each(f func(c *dialContext, e *extension, s *step)) {
	n := 0
	for _, name := range d.names {
		c := d.contexts[name]
		for _, e := range c.all {
			for i := range e.steps {
				if n++; n > maxSteps {
					return
				}
				f(c, e, &e.steps[i])
				for j := range e.steps[i].inner {
					f(c, e, &e.steps[i].inner[j])
				}
			}
		}
	}
}

// atoi reads a number that is there or 0.
func atoi(s string) int {
	n, _ := strconv.Atoi(strings.TrimSpace(s))
	return n
}

// includes tells whether a context includes another, at whatever remove.
func (d *dialplan) includes(context, other string) bool {
	return slices.ContainsFunc(d.below(context), func(c lookup) bool { return c.name == other && context != other })
}
