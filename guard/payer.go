package guard

// maxChain bounds how many forwards are followed from a trunk back to its cause.
const maxChain = 16

// up is the leg on whose behalf l dials, one step nearer to the caller: for the
// second half of a Local channel the leg that dialled its first half. Nil at the top.
func (s *state) up(l *leg) *leg {
	top, _ := s.upTold(l)
	return top
}

// upTold is up, and whether the PBX has told of that step or it is guessed.
func (s *state) upTold(l *leg) (top *leg, told bool) {
	if l.side == Endpoint {
		return nil, true
	}
	one := l
	if l.side == LocalTwo {
		one = l.other()
	}
	if one != nil && one.by != nil {
		return one.by, true
	}
	// Not yet told who dialled it: the first leg of the call did, directly or not.
	if root := l.site.legs[LegID(l.call)]; root != nil && root != l && root != one {
		return root, false
	}
	return nil, true
}

// guessed says whether something on the way up from l is still to be told of: who
// l is, who dialled a Local channel, or who transferred a leg that was talking to a phone
// and now dials elsewhere.
func (s *state) guessed(l *leg) bool {
	for range maxChain {
		top, told := s.upTold(l)
		if !told || !l.told() || l.talked && l.cause == nil {
			return true
		}
		if top == nil {
			break
		}
		l = top
	}
	return false
}

// payer finds who causes what l dials: whoever transferred or forwarded, else
// the endpoint at the top of the chain of Local channels. It is nobody when the
// top is not there to be seen. Caller ids say nothing here; anybody can write them.
func (s *state) payer(l *leg) (*account, string) {
	via := ""
	for range maxChain {
		if ext := s.forwarder(l); ext != nil {
			return ext, "forward"
		}
		if l.cause != nil {
			return l.cause, l.via
		}
		if l.placed {
			via = "originate"
		}
		top := s.up(l)
		if top == nil {
			break
		}
		l = top
	}
	if l.account != nil {
		if l.trunk() && via == "" {
			via = "trunk" // in from one trunk and out to another
		}
		return l.account, via
	}
	return nil, via
}

// forwarder is the extension at which l stands in the dial plan while it dials
// elsewhere: that extension has its calls forwarded. The plan alone is believed
// only for callers from outside; a phone may dial an internal number that is no
// extension, such as a speed dial, and then pays itself.
func (s *state) forwarder(l *leg) *account {
	if l.exten == "" || l.account != nil && l.account.Name == l.exten || !l.inside() {
		return nil
	}
	domain := l.domain
	if l.account != nil && l.account.Domain != "" {
		domain = l.account.Domain
	}
	key := Account{PBX: l.site.name, Domain: domain, Name: l.exten}
	if a := s.accounts[key]; a != nil && (a.phone || l.site.Phones != nil && l.site.Phones.MatchString(a.Name)) {
		return a
	}
	if l.trunk() || l.site.Phones != nil && l.site.Phones.MatchString(l.exten) {
		return s.account(key)
	}
	return nil
}
