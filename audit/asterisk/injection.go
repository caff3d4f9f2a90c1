package asterisk

import (
	"regexp"
	"strings"
)

// callerSays are the variables that a caller fills with what it likes.
var callerSays = []string{
	"${CALLERID(", "${CALLERIDNAME", "${CALLERIDNUM", "${CONNECTEDLINE(", "${REDIRECTING(", "${PJSIP_HEADER(", "${SIP_HEADER(", "${SIPURI", "${SIPDOMAIN", "${MESSAGE(",
	"${CDR(clid", "${CDR(src", "${BASE64_DECODE(${SMS_BASE64",
}

// harmless are the functions behind which nothing is left that a shell minds.
var harmless = []string{"FILTER(", "URIENCODE(", "BASE64_ENCODE(", "MD5(", "SHA1(", "LEN(", "REGEX("}

// commanded says which word of a caller a step puts into a command, or into an
// address that is asked.
func commanded(e *extension, s *step) (what string, command bool) {
	if len(s.inner) > 0 {
		return "", false // looked at by itself
	}
	text := inFunctions(s.args, "${SHELL(")
	switch {
	case s.is("System", "TrySystem"):
		text += s.args
	case s.is("MixMonitor", "Monitor"):
		if a := arguments(s.args); len(a) > 2 {
			text += strings.Join(a[2:], ",")
		}
	}
	if what = callers(e, text); what != "" {
		if strings.Contains(s.guard, `REGEX("^`) && strings.Contains(s.guard, what) {
			return "", false // of which only some characters are let through
		}
		return what, true
	}
	return callers(e, inFunctions(s.args, "${CURL(")), false
}

// inFunctions are the arguments of every call of a function in a text.
func inFunctions(text, function string) string {
	var b strings.Builder
	for {
		i := strings.Index(text, function)
		if i < 0 {
			return b.String()
		}
		open := i + len(function) - 1
		end := matching(text, open, '(', ')')
		if end < 0 {
			end = len(text)
		}
		b.WriteString(text[open+1:end] + " ")
		text = text[end:]
	}
}

// callers names what a caller says in a text, or "".
func callers(e *extension, text string) string {
	if text == "" {
		return ""
	}
	for _, v := range append(callerSays, e.copies()...) {
		for from := 0; ; {
			i := strings.Index(text[from:], v)
			if i < 0 {
				break
			}
			i += from
			if !mended(text, i) {
				end := matching(text, i+1, '{', '}')
				if end < 0 {
					end = min(len(text)-1, i+len(v))
				}
				return text[i : end+1]
			}
			from = i + len(v)
		}
	}
	if e.open() && unfiltered(text) && !digitsOnly(text) {
		return "${EXTEN}"
	}
	return ""
}

// digitsOnly tells whether every ${EXTEN} of a text stands within something
// harmless.
func digitsOnly(text string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], "${EXTEN")
		if i < 0 {
			return true
		}
		if !mended(text, from+i) {
			return false
		}
		from += i + 1
	}
}

// mended tells whether what stands at i goes through something harmless first.
func mended(text string, i int) bool {
	for _, f := range harmless {
		if within(text, i, f) {
			return true
		}
	}
	return false
}

// assigns is a Set of a variable to what the caller says.
var assigns = regexp.MustCompile(`^_{0,2}([A-Za-z]\w*)=(.*)$`)

// copies are the variables of an extension that were set to what a caller says,
// as "${NAME}".
func (e *extension) copies() (all []string) {
	for i := range e.steps {
		s := &e.steps[i]
		m := assigns.FindStringSubmatch(s.args)
		if !s.is("Set", "MSet") || m == nil {
			continue
		}
		for _, v := range callerSays {
			if at := strings.Index(m[2], v); at == 0 || at == 1 && m[2][0] == '"' {
				all = append(all, "${"+m[1]+"}")
			}
		}
	}
	return all
}

// within tells whether what stands at i is an argument of a function.
func within(text string, i int, function string) bool {
	for from := 0; ; {
		at := strings.Index(text[from:i], function)
		if at < 0 {
			return false
		}
		at += from
		if matching(text, at+len(function)-1, '(', ')') > i {
			return true
		}
		from = at + 1
	}
}
