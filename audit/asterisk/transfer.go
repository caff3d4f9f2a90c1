package asterisk

import (
	"strings"
)

// A transfer is a Dial whose options let a party transfer by keys.
type transfer struct {
	object, at string
	letter     string // t: the party that is called, T: the caller
	context    string // in which that party then dials
	way        string // abroad from there
}

// transferContext is where a party dials that transfers: what TRANSFER_CONTEXT
// says, or else the context that its own channel is in.
func (d *dialplan) transferContext(vars map[string]string, own string) string {
	if c := vars["TRANSFER_CONTEXT"]; c != "" && known(c) {
		return c
	}
	return or(d.globals["TRANSFER_CONTEXT"], own)
}

// transferable notes a Dial whose caller may transfer.
func (w *walker) transferable(s *state, st *step, args []string) {
	if w.quiet || len(w.out.transfers) > 200 || !strings.Contains(letters(argument(args, 2)), "T") {
		return
	}
	own := s.context
	if strings.HasPrefix(own, "macro-") { // a macro leaves the call where it was
		own = or(s.vars["MACRO_CONTEXT"], own)
	}
	w.out.transfers = append(w.out.transfers, transfer{
		object: "extension " + s.exten + "@" + s.context, at: st.at.String(), letter: "T", context: w.d.transferContext(s.vars, own),
	})
}

// transfers are the Dials by which an outside party gets abroad: t towards
// trunks, and T in what callers from outside reach.
func (d *dialplan) transfers() (all []transfer) {
	seen := map[string]bool{}
	add := func(t transfer) {
		if t.way = d.leads(t.context); t.way != "" && !seen[t.at+t.letter] {
			seen[t.at+t.letter] = true
			all = append(all, t)
		}
	}
	for _, o := range d.pbx.outward() {
		if o.step.is("Dial") && strings.Contains(dialOptions(d.expand(o.step.args, nil)), "t") {
			add(transfer{
				object: "extension " + o.ext.text + "@" + o.context.name, at: o.step.at.String(), letter: "t",
				context: d.transferContext(nil, d.pbx.trunkContext(o.trunk)),
			})
		}
	}
	for _, in := range d.pbx.entries() {
		for _, t := range d.from(in.context).transfers {
			add(t)
		}
	}
	return all
}

// trunkContext is the context that a channel to a trunk is in, which is that of
// calls from there.
func (p *PBX) trunkContext(trunk string) string {
	tech, name, _ := strings.Cut(trunk, "/")
	switch strings.ToUpper(tech) {
	case "PJSIP":
		if ep := p.object("endpoint", name); ep != nil {
			return contextOf(ep)
		}
	case "SIP", "IAX2":
		file := "sip.conf"
		if strings.EqualFold(tech, "IAX2") {
			file = "iax.conf"
		}
		for _, s := range p.peers(file) {
			if s.Name == name {
				return p.peerContext(file, s)
			}
		}
	}
	return ""
}
