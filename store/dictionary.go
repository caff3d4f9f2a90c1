package store

import "pbxguard/guard"

// dictionary remembers the row numbers of words and accounts that the file
// already has.
type dictionary struct {
	texts    map[string]int64
	accounts map[guard.Account]int64
}

// words is how many of each are remembered. There are some dozens of words and
// as many accounts as phones; more means that somebody makes them up.
const words = 8192

func newDictionary() dictionary {
	return dictionary{texts: map[string]int64{}, accounts: map[guard.Account]int64{}}
}

// An upsert that changes nothing returns the number of the row that is there.
const (
	internText = `INSERT INTO texts (text) VALUES (?)
		ON CONFLICT DO UPDATE SET text = excluded.text RETURNING id`
	internAccount = `INSERT INTO accounts (pbx, domain, name) VALUES (?, ?, ?)
		ON CONFLICT DO UPDATE SET name = excluded.name RETURNING id`
)

// text returns the row number of a word.
func (t *transaction) text(word string) int64 {
	word = clip(word)
	if id, ok := t.dict.texts[word]; ok || t.err != nil {
		return id
	}
	var id int64
	t.err = t.tx.QueryRow(internText, word).Scan(&id)
	remember(t.dict.texts, word, id, t.err)
	return id
}

// account returns the row number of an account.
func (t *transaction) account(a guard.Account) int64 {
	a = clipAccount(a)
	if id, ok := t.dict.accounts[a]; ok || t.err != nil {
		return id
	}
	var id int64
	t.err = t.tx.QueryRow(internAccount, a.PBX, a.Domain, a.Name).Scan(&id)
	remember(t.dict.accounts, a, id, t.err)
	return id
}

func remember[K comparable](m map[K]int64, key K, id int64, err error) {
	if err != nil {
		return
	}
	if len(m) >= words {
		clear(m)
	}
	m[key] = id
}

// longest is how much of a text is kept, in bytes. PBXs cap most of theirs
// below this; what is longer was made to be.
const longest = 1024

func clip(s string) string {
	if len(s) <= longest {
		return s
	}
	return s[:longest-len("…")] + "…"
}

func clipAccount(a guard.Account) guard.Account {
	return guard.Account{PBX: clip(a.PBX), Domain: clip(a.Domain), Name: clip(a.Name)}
}
