package store

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"pbxguard/guard"
)

// The chain of decisions:
//
//	hash(n) = SHA-256(hash(n-1) ‖ HMAC-SHA-256(salt(n), content(n)))
//
// Whoever changes, inserts or removes a row has to compute all later hashes
// anew, and then the latest differs from what was noted elsewhere. The salt lets
// a later version erase the content of a row, which is personal data, and keep
// its HMAC: the chain still holds, and nobody can find the telephone number by
// trying all of them.

// tail is the end of the chain, or of what has been verified of it.
type tail struct {
	seq  uint64 // 0: before the first decision
	hash [sha256.Size]byte
}

func (t tail) String() string {
	if t.seq == 0 {
		return ""
	}
	return hex.EncodeToString(t.hash[:])
}

// next is the tail after a decision has been appended.
func (t tail) next(salt []byte, d guard.Decision) tail {
	mac := hmac.New(sha256.New, salt)
	mac.Write(content(t.seq+1, d))
	h := sha256.New()
	h.Write(t.hash[:])
	h.Write(mac.Sum(nil))
	t.seq++
	h.Sum(t.hash[:0])
	return t
}

// content is what the chain says of a decision: each field with its length, so
// that no two decisions have the same.
func content(seq uint64, d guard.Decision) []byte {
	b := []byte{1} // of this encoding
	number := func(n int64) { b = binary.BigEndian.AppendUint64(b, uint64(n)) }
	text := func(s string) {
		number(int64(len(s)))
		b = append(b, s...)
	}
	number(int64(seq))
	number(int64(d.ID))
	number(nanos(d.At))
	number(int64(d.Action))
	if d.Enforced {
		number(1)
	} else {
		number(0)
	}
	for _, s := range []string{
		d.Rule, d.Reason, d.PBX, d.Account.PBX, d.Account.Domain, d.Account.Name, string(d.Call), string(d.Leg),
		d.Channel, d.Dialled, d.Number, d.Country, d.Class, string(addrBytes(d.Source)), d.By, d.Outcome,
	} {
		text(s)
	}
	number(int64(d.After))
	return b
}

// clipDecision makes d what the file will give back.
func clipDecision(d guard.Decision) guard.Decision {
	for _, s := range []*string{
		&d.Rule, &d.Reason, &d.PBX, (*string)(&d.Call), (*string)(&d.Leg), &d.Channel, &d.Dialled, &d.Number,
		&d.Country, &d.Class, &d.By, &d.Outcome,
	} {
		*s = clip(*s)
	}
	d.Account = clipAccount(d.Account)
	return d
}

const saltSize = 16

const insertDecision = `INSERT INTO decisions (seq, id, at, rule, reason, action, enforced, pbx, account, call, leg,
		channel, dialled, number, country, class, source, by, outcome, after, salt, hash)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// decision appends d to the chain.
func (t *transaction) decision(d guard.Decision) {
	d = clipDecision(d)
	salt := make([]byte, saltSize)
	rand.Read(salt) // never fails
	next := t.tail.next(salt, d)
	t.exec(insertDecision, int64(next.seq), int64(d.ID), nanos(d.At), t.text(d.Rule), d.Reason, int64(d.Action), d.Enforced,
		t.text(d.PBX), t.account(d.Account), string(d.Call), string(d.Leg), d.Channel, d.Dialled, d.Number,
		t.text(d.Country), t.text(d.Class), addrBytes(d.Source), t.text(d.By), t.text(d.Outcome), int64(d.After),
		salt, next.hash[:])
	if t.err == nil {
		t.tail = next
	}
}

const (
	readAnchor = `SELECT seq, hash FROM anchor`
	lastLink   = `SELECT seq, hash FROM decisions ORDER BY seq DESC LIMIT 1`
)

// readTail returns the end of the chain: the last decision, or what is left of
// it after pruning.
func readTail(q querier) (tail, error) {
	t, err := scanTail(q.QueryRow(lastLink))
	if errors.Is(err, sql.ErrNoRows) {
		t, err = scanTail(q.QueryRow(readAnchor))
	}
	if err != nil {
		return tail{}, fmt.Errorf("cannot read the end of the chain: %w", err)
	}
	return t, nil
}

func scanTail(row *sql.Row) (t tail, err error) {
	var hash []byte
	if err := row.Scan(&t.seq, &hash); err != nil {
		return tail{}, err
	}
	copy(t.hash[:], hash)
	return t, nil
}
