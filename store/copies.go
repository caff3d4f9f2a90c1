package store

// tableCopy says how to copy a table: from its begin, from its end, and to where.
type tableCopy struct{ name, begin, end, insert string }

// tableCopies has every table of the present schema.
var tableCopies = [...]tableCopy{
	{"texts", `SELECT ` + colsTexts + ` FROM texts ORDER BY id`,
		`SELECT ` + colsTexts + ` FROM texts ORDER BY id DESC`,
		`INSERT OR REPLACE INTO texts (` + colsTexts + `) VALUES (?, ?)`},
	{"accounts", `SELECT ` + colsAccounts + ` FROM accounts ORDER BY id`,
		`SELECT ` + colsAccounts + ` FROM accounts ORDER BY id DESC`,
		`INSERT OR REPLACE INTO accounts (` + colsAccounts + `) VALUES (?, ?, ?, ?)`},
	{"decisions", `SELECT ` + colsDecisions + ` FROM decisions ORDER BY seq`,
		`SELECT ` + colsDecisions + ` FROM decisions ORDER BY seq DESC`,
		`INSERT OR REPLACE INTO decisions (` + colsDecisions + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
	{"anchor", `SELECT ` + colsAnchor + ` FROM anchor ORDER BY one`,
		`SELECT ` + colsAnchor + ` FROM anchor ORDER BY one DESC`,
		`INSERT OR REPLACE INTO anchor (` + colsAnchor + `) VALUES (?, ?, ?, ?, ?)`},
	{"bans", `SELECT ` + colsBans + ` FROM bans ORDER BY prefix, since`,
		`SELECT ` + colsBans + ` FROM bans ORDER BY prefix DESC, since DESC`,
		`INSERT OR REPLACE INTO bans (` + colsBans + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
	{"bars", `SELECT ` + colsBars + ` FROM bars ORDER BY account`,
		`SELECT ` + colsBars + ` FROM bars ORDER BY account DESC`,
		`INSERT OR REPLACE INTO bars (` + colsBars + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`},
	{"standings", `SELECT ` + colsStandings + ` FROM standings ORDER BY account, source`,
		`SELECT ` + colsStandings + ` FROM standings ORDER BY account DESC, source DESC`,
		`INSERT OR REPLACE INTO standings (` + colsStandings + `) VALUES (?, ?, ?, ?, ?, ?)`},
	{"calls", `SELECT ` + colsCalls + ` FROM calls ORDER BY id`,
		`SELECT ` + colsCalls + ` FROM calls ORDER BY id DESC`,
		`INSERT OR REPLACE INTO calls (` + colsCalls + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
	{"auths", `SELECT ` + colsAuths + ` FROM auths ORDER BY id`,
		`SELECT ` + colsAuths + ` FROM auths ORDER BY id DESC`,
		`INSERT OR REPLACE INTO auths (` + colsAuths + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`},
	{"gaps", `SELECT ` + colsGaps + ` FROM gaps ORDER BY pbx, since`,
		`SELECT ` + colsGaps + ` FROM gaps ORDER BY pbx DESC, since DESC`,
		`INSERT OR REPLACE INTO gaps (` + colsGaps + `) VALUES (?, ?, ?, ?)`},
	{"meta", `SELECT ` + colsMeta + ` FROM meta ORDER BY name`,
		`SELECT ` + colsMeta + ` FROM meta ORDER BY name DESC`,
		`INSERT OR REPLACE INTO meta (` + colsMeta + `) VALUES (?, ?)`},
	{"hours", `SELECT ` + colsHours + ` FROM hours ORDER BY account, hour`,
		`SELECT ` + colsHours + ` FROM hours ORDER BY account DESC, hour DESC`,
		`INSERT OR REPLACE INTO hours (` + colsHours + `) VALUES (?, ?, ?, ?, ?, ?, ?)`},
	{"seen", `SELECT ` + colsSeen + ` FROM seen ORDER BY account, what, key`,
		`SELECT ` + colsSeen + ` FROM seen ORDER BY account DESC, what DESC, key DESC`,
		`INSERT OR REPLACE INTO seen (` + colsSeen + `) VALUES (?, ?, ?, ?, ?, ?)`},
	{"acts", `SELECT ` + colsActs + ` FROM acts ORDER BY id`,
		`SELECT ` + colsActs + ` FROM acts ORDER BY id DESC`,
		`INSERT OR REPLACE INTO acts (` + colsActs + `) VALUES (?, ?, ?, ?, ?)`},
}

const (
	colsTexts     = "id, text"
	colsAccounts  = "id, pbx, domain, name"
	colsDecisions = "seq, id, at, rule, reason, action, enforced, pbx, account, call, leg, channel, dialled, number, " +
		"country, class, source, by, outcome, after, salt, hash"
	colsAnchor    = "one, seq, hash, id, at"
	colsBans      = "prefix, since, until, rule, reason, times, proof, by, enforced, lifted, lifted_by"
	colsBars      = "account, at, until, rule, reason, by, off, scope"
	colsStandings = "account, source, first, last, registered, agent"
	colsCalls     = "id, call, pbx, payer, trunk, started, ended, talked, dialled, sent, number, country, class, via, " +
		"cause, source, killed, cost"
	colsAuths = "id, at, pbx, service, what, proof, source, port, account, count, span"
	colsGaps  = "pbx, since, until, reason"
	colsMeta  = "name, value"
	colsHours = "account, hour, calls, numbers, peak, abroad, talked"
	colsSeen  = "account, what, key, first, last, days"
	colsActs  = "id, kind, at, off, body"
)

// A word or an account that rows refer to and that could not be read gets a mark
// for a name, so that no later one is given its number.
const (
	lostTexts = `INSERT OR IGNORE INTO texts (id, text) SELECT id, '(lost ' || id || ')' FROM (
		SELECT outcome AS id FROM decisions UNION
		SELECT by FROM decisions UNION
		SELECT class FROM decisions UNION
		SELECT country FROM decisions UNION
		SELECT pbx FROM decisions UNION
		SELECT rule FROM decisions UNION
		SELECT lifted_by FROM bans UNION
		SELECT by FROM bans UNION
		SELECT rule FROM bans UNION
		SELECT by FROM bars UNION
		SELECT rule FROM bars UNION
		SELECT via FROM calls UNION
		SELECT class FROM calls UNION
		SELECT country FROM calls UNION
		SELECT pbx FROM calls UNION
		SELECT what FROM auths UNION
		SELECT service FROM auths UNION
		SELECT pbx FROM auths UNION
		SELECT pbx FROM gaps UNION
		SELECT what FROM seen UNION
		SELECT kind FROM acts
		) WHERE id IS NOT NULL`
	lostAccounts = `INSERT OR IGNORE INTO accounts (id, pbx, domain, name) SELECT id, '', '', '(lost ' || id || ')' FROM (
		SELECT account AS id FROM decisions UNION
		SELECT account FROM bars UNION
		SELECT account FROM standings UNION
		SELECT trunk FROM calls UNION
		SELECT payer FROM calls UNION
		SELECT account FROM hours UNION
		SELECT account FROM seen)`
	laterIDs = `UPDATE anchor SET id = max(id, ?)` // than any that was lost
)
