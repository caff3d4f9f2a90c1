package audit

// PasswordChecks describe the rules for secrets, which many checks apply: their
// findings name the rule in the evidence.
func PasswordChecks() []Check {
	const fix = "Give each account 20 or more random characters of its own, for example from: openssl rand -base64 24"
	return []Check{
		{ID: "PW-001", Severity: High, Title: "A secret is short or of few kinds of characters", Why: "Fewer than 12 characters, or none of upper case, lower case, digits or others: a robot finds it. Long random secrets of a machine pass without.", Fix: fix, Ref: "S004"},
		{ID: "PW-002", Severity: Critical, Title: "A secret follows from the account's name", Why: "Guessers try the name first: as it is, backwards, doubled, with a few characters more.", Fix: fix, Ref: "SIPVicious svcrack"},
		{ID: "PW-003", Severity: Critical, Title: "A secret is published", Why: "It is the default of a program or stands in its samples.", Fix: fix, Ref: "audit/published.tsv, with the origin of each"},
		{ID: "PW-004", Severity: Critical, Title: "A secret is a short number", Why: "Up to eight digits are what guessers count through.", Fix: fix, Ref: "SIPVicious svcrack"},
		{ID: "PW-005", Severity: High, Title: "Several accounts share a secret", Why: "One that leaks opens all.", Fix: fix, Ref: "S004"},
		{ID: "PW-006", Severity: High, Title: "A hashed secret is one that is tried first", Why: "A hash does not make a bad secret good: the realm is known.", Fix: fix, Ref: "Asterisk pjsip.conf.sample"},
		{ID: "PW-007", Severity: High, Title: "A PIN can be guessed", Why: "Fewer than 6 digits, the extension, a run, a year, or one that everybody chooses.", Fix: "Give 6 or more random digits.", Ref: "RBROT 2012 BX1419"},
		{ID: "PW-008", Severity: Medium, Title: "A secret contains what the site is called, or a year", Why: "Whoever means this company tries its name, its city and this year.", Fix: fix, Ref: "general practice"},
	}
}
