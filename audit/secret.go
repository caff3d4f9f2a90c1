package audit

import (
	"bytes"
	"crypto/md5"
	"crypto/sha256"
	"crypto/sha512"
	_ "embed"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode"
)

// A Weakness is a rule that a secret breaks.
type Weakness struct {
	Rule     string // as in "PW-002"
	Severity Severity
	What     string // without the secret
}

// An Owner is whose secret it is: what a guesser knows about the account.
type Owner struct {
	Names []string // account, extension, mailbox, direct number, display name
	Words []string // of the company: its name, city, products
	Year  int      // the current one; 0: not known
}

// Lengths and strengths of rule PW-001.
const (
	minSecret  = 12 // characters, of all four kinds
	minMachine = 20 // characters of a secret that a machine made: FusionPBX makes 20, FreePBX 32
	minBits    = 96 // of the estimated strength of such a one
	minPIN     = 6  // digits
)

//go:embed published.tsv
var publishedList string

// published tells where a secret can be read by everybody.
func published(secret string) (where string, ok bool) {
	for line := range strings.Lines(publishedList) {
		s, from, isEntry := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		if isEntry && s[0] != '#' && strings.EqualFold(s, secret) {
			return from, true
		}
	}
	return "", false
}

// Weaknesses judges the secret of an account that the network can reach, by the
// rules PW-001 to PW-004 and PW-008. An empty secret is for the caller to judge.
func Weaknesses(secret string, o Owner) []Weakness {
	var ws []Weakness
	add := func(rule string, s Severity, format string, args ...any) {
		ws = append(ws, Weakness{rule, s, fmt.Sprintf(format, args...)})
	}
	if why := likeName(secret, o.Names); why != "" {
		add("PW-002", Critical, "it %s", why)
	}
	if where, ok := published(secret); ok {
		add("PW-003", Critical, "it is published: %s", where)
	}
	if n := digits(secret); n == len(secret) && (n <= 8 || isRun(secret)) {
		add("PW-004", Critical, "it is %d digits, which guessers try first", n)
	}
	if MachineMade(secret) {
		return ws
	}
	if missing := kindsMissing(secret); len(secret) < minSecret || missing != "" {
		why := fmt.Sprintf("it has %d characters", len(secret))
		if missing != "" {
			why += " and no " + missing
		}
		add("PW-001", High, "%s", why)
	}
	if what := guessable(secret, o); what != "" {
		add("PW-008", Medium, "it contains %s", what)
	}
	return ws
}

// likeName says how a secret follows from what the account is called, as
// guessers try it: as it is, backwards, twice, with up to four characters more.
func likeName(secret string, names []string) string {
	s := strings.ToLower(secret)
	for _, name := range names {
		n := strings.ToLower(strings.TrimSpace(name))
		switch {
		case n == "" || s == "":
		case s == n:
			return "equals a name or number of the account"
		case s == backwards(n):
			return "is a name or number of the account backwards"
		case s == n+n:
			return "is a name or number of the account twice"
		case len(n) >= 3 && len(s)-len(n) <= 4 && (strings.HasPrefix(s, n) || strings.HasSuffix(s, n)):
			return "is a name or number of the account with a few characters more"
		}
	}
	return ""
}

func backwards(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

// kindsMissing names the kinds of character that a secret lacks.
func kindsMissing(secret string) string {
	kinds := []struct {
		name string
		is   func(rune) bool
	}{
		{"upper-case letter", unicode.IsUpper},
		{"lower-case letter", unicode.IsLower},
		{"digit", unicode.IsDigit},
		{"special character", func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }},
	}
	var missing []string
	for _, k := range kinds {
		if !strings.ContainsFunc(secret, k.is) {
			missing = append(missing, k.name)
		}
	}
	return list(missing)
}

// MachineMade tells whether a secret is long and looks drawn by a machine. Such
// a one is strong without special characters: FreePBX makes 32 hexadecimal
// digits, FusionPBX 20 letters and digits.
func MachineMade(secret string) bool {
	return len(secret) >= minMachine && Strength(secret) >= minBits
}

// Strength estimates the bits a guesser must find. Words, runs and what stood
// before count as a single character.
func Strength(secret string) float64 {
	effective, lower := 0, strings.ToLower(secret)
	for i := 0; i < len(lower); effective++ {
		i += predictable(lower, i)
	}
	return float64(effective) * math.Log2(alphabet(secret))
}

// predictable is how many characters at i a guesser gets for the price of one.
func predictable(s string, i int) int {
	for _, w := range words {
		if strings.HasPrefix(s[i:], w) {
			return len(w)
		}
	}
	if i == 0 {
		return 1
	}
	n := 0
	for i+n < len(s) && (s[i+n] == s[i+n-1] || s[i+n] == s[i+n-1]+1) {
		n++
	}
	if n >= 2 {
		return n
	}
	for l := min(len(s)-i, i); l >= 4; l-- {
		if strings.Contains(s[:i], s[i:i+l]) {
			return l
		}
	}
	return 1
}

// alphabet is how many characters a machine chose from.
func alphabet(s string) float64 {
	only := func(set string) bool { return strings.Trim(s, set) == "" }
	const hexDigits = "0123456789abcdef"
	if only(hexDigits[:10]) {
		return 10
	}
	if only(hexDigits) || only(strings.ToUpper(hexDigits)) {
		return 16
	}
	n := 0.0
	for _, c := range []struct {
		is   func(rune) bool
		size float64
	}{{unicode.IsUpper, 26}, {unicode.IsLower, 26}, {unicode.IsDigit, 10}} {
		if strings.ContainsFunc(s, c.is) {
			n += c.size
		}
	}
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		n += 20
	}
	return n
}

// words are what people build secrets from. The longest of those that begin
// alike comes first.
var words = []string{
	"password", "passwort", "passwd", "pass", "welcome", "welkom", "secret", "admin", "letmein", "change", "company", "office",
	"asterisk", "freeswitch", "fusion", "freepbx", "extension", "phone", "telefoon", "telefon", "server", "default", "master",
	"qwerty", "azerty", "qwertz", "asdfgh", "zxcvbn", "12345", "summer", "winter", "spring", "autumn", "zomer", "january",
	"monday", "friday", "voip", "user", "test", "guest", "login", "correct", "horse", "battery", "staple", "this", "that", "long", "with",
}

// guessable says what of the site stands in a secret.
func guessable(secret string, o Owner) string {
	s := strings.ToLower(secret)
	for _, w := range o.Words {
		if len(w) >= 3 && strings.Contains(s, strings.ToLower(w)) {
			return "a word of the site"
		}
	}
	for _, run := range []string{"qwert", "azert", "qwertz", "asdfg", "zxcvb", "yxcvb", "12345", "54321", "1qaz2wsx"} {
		if strings.Contains(s, run) {
			return "a run of the keyboard"
		}
	}
	for y := o.Year - 1; o.Year > 0 && y <= o.Year+1; y++ {
		if hasNumber(s, fmt.Sprint(y)) {
			return "a year of these days"
		}
	}
	return ""
}

// hasNumber tells whether n stands in s with no further digit beside it.
func hasNumber(s, n string) bool {
	digit := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for from := 0; ; {
		i := strings.Index(s[from:], n)
		if i < 0 {
			return false
		}
		if i += from; !digit(i-1) && !digit(i+len(n)) {
			return true
		}
		from = i + 1
	}
}

// isRun tells whether digits go up, down or stay, all the way: 123456, 99999.
func isRun(s string) bool {
	if len(s) < 3 {
		return false
	}
	step := int(s[1]) - int(s[0])
	if step < -1 || step > 1 {
		return false
	}
	for i := 2; i < len(s); i++ {
		d := (int(s[i]) - int(s[i-1]) + 10) % 10 // 7890 is a run too
		if d != (step+10)%10 {
			return false
		}
	}
	return true
}

// commonPINs are the most chosen ones that no other part of PW-007 finds.
var commonPINs = []string{"1212", "7777", "1004", "6969", "2580", "0852", "1379", "4242", "121212", "123123", "112233", "159753", "147258", "131313"}

// PIN judges a PIN by rule PW-007. The names are those of [Owner].
func PIN(pin string, names ...string) []Weakness {
	why := ""
	switch {
	case pin == "":
		why = "it is empty"
	case likePIN(pin, names):
		why = "it is a number of its owner"
	case isRun(pin) || slices.Contains(commonPINs, pin):
		why = "it is one of those everybody tries"
	case len(pin) == 4 && (strings.HasPrefix(pin, "19") || strings.HasPrefix(pin, "20")):
		why = "it is a year"
	case len(pin) < minPIN:
		why = fmt.Sprintf("it has %d digits", len(pin))
	default:
		return nil
	}
	return []Weakness{{"PW-007", High, why}}
}

// likePIN tells whether a PIN is a name, or the end of a longer number.
func likePIN(pin string, names []string) bool {
	return slices.ContainsFunc(names, func(n string) bool {
		return pin == n || pin == backwards(n) || len(pin) >= 4 && len(pin) <= 6 && strings.HasSuffix(n, pin)
	})
}

// Worst is the severity of a secret with these weaknesses.
func Worst(ws []Weakness) Severity {
	worst := Info
	for _, w := range ws {
		if w.Severity.AtLeast(worst) {
			worst = w.Severity
		}
	}
	return worst
}

// Describe writes weaknesses for the evidence of a finding.
func Describe(ws []Weakness) string {
	var parts []string
	for _, w := range ws {
		parts = append(parts, w.What+" ("+w.Rule+")")
	}
	return strings.Join(parts, "; ")
}

// Candidates are the secrets that a guesser tries first on an account.
func Candidates(names []string) []string {
	var all []string
	for line := range strings.Lines(publishedList) {
		if s, _, ok := strings.Cut(line, "\t"); ok && s[0] != '#' {
			all = append(all, s)
		}
	}
	for n := range 10_000 {
		if n >= 100 && n < 1000 {
			all = append(all, fmt.Sprint(n))
		}
		all = append(all, fmt.Sprintf("%04d", n))
	}
	for n := 10_000; n < 100_000; n += 100 {
		all = append(all, fmt.Sprint(n), fmt.Sprint(n+1))
	}
	for digit := range 10 {
		for length := 5; length <= 8; length++ {
			same, run := "", ""
			for i := range length {
				same += fmt.Sprint(digit)
				run += fmt.Sprint((digit + i) % 10)
			}
			all = append(all, same, run)
		}
	}
	return append(all, NameCandidates(names)...)
}

// NameCandidates are those of them that follow from what an account is called.
func NameCandidates(names []string) (all []string) {
	for _, n := range slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "" }) {
		all = append(all, n, backwards(n), n+n)
		for _, more := range []string{"pass", "ext", "sip", "voip", "test", "user", "a", "1", "0", "12", "123", "1234", "!", "#"} {
			all = append(all, n+more, more+n)
		}
	}
	return all
}

// Digest judges a hashed secret, the hexadecimal hash of "user:realm:secret" as
// in HTTP digests, by rule PW-006. The algorithm follows from its length: MD5,
// SHA-256 or SHA-512/256 with 32 or 64 digits.
func Digest(hash, user, realm string, names []string) []Weakness {
	want, err := hex.DecodeString(strings.TrimSpace(hash))
	if err != nil {
		return nil
	}
	for _, c := range Candidates(names) {
		text := []byte(user + ":" + realm + ":" + c)
		if m := md5.Sum(text); bytes.Equal(m[:], want) {
			return []Weakness{{"PW-006", High, "the hash is that of a secret which guessers try first"}}
		}
		if len(want) != sha256.Size {
			continue
		}
		a, b := sha256.Sum256(text), sha512.Sum512_256(text)
		if bytes.Equal(a[:], want) || bytes.Equal(b[:], want) {
			return []Weakness{{"PW-006", High, "the hash is that of a secret which guessers try first"}}
		}
	}
	return nil
}
