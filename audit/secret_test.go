package audit

import (
	"crypto/md5"
	"encoding/hex"
	"slices"
	"testing"
)

func rules(ws []Weakness) (ids []string) {
	for _, w := range ws {
		ids = append(ids, w.Rule)
	}
	return ids
}

func TestWeaknesses(t *testing.T) {
	o := Owner{Names: []string{"1001", "Anna Berg", "+31201234567"}, Words: []string{"Bakker"}, Year: 2026}
	tests := []struct {
		name, secret string
		want         []string
	}{
		{"the account", "1001", []string{"PW-002", "PW-004", "PW-001"}},
		{"backwards, doubled, longer", "10011001", []string{"PW-002", "PW-004", "PW-001"}},
		{"with a prefix", "pass1001", []string{"PW-002", "PW-001"}},
		{"the display name", "anna berg", []string{"PW-002", "PW-001"}},
		{"published and strong looking", "4webrEtHupHewu4", []string{"PW-003", "PW-001"}},
		{"published, other case", "cluecon", []string{"PW-003", "PW-001"}},
		{"eight digits", "83920174", []string{"PW-004", "PW-001"}},
		{"a long run of digits", "1234567890", []string{"PW-003", "PW-004", "PW-001", "PW-008"}},
		{"short", "Ab1!xyz", []string{"PW-001"}},
		{"no special character", "Ab1xyzKp93ws", []string{"PW-001"}},
		{"good", "vR7#kd92!mQx", nil},
		{"the site's name", "Bakker!2kd92mQ", []string{"PW-008"}},
		{"this year", "Zx!kdPmQx2026", []string{"PW-008"}},
		{"digits that hold a year", "Zx!kdPmQ520261", nil},
		{"FreePBX's 32 hexadecimal digits", "9f86d081884c7d659a2feaa0c55ad015", nil},
		{"FusionPBX's 20 characters", "k9Xw2LpQ7vRt4ZsB8nYc", nil},
		{"24 hexadecimal digits", "3fa97c1be0d58642a7b1c09d", nil},
		{"long and the same", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", []string{"PW-001"}},
		{"long and of words", "passwordpasswordpassword1", []string{"PW-001"}},
		{"long and doubled", "abc1xyz9abc1xyz9abc1xyz9abc1", []string{"PW-001"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := rules(Weaknesses(tt.secret, o)); !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestPIN(t *testing.T) {
	tests := []struct {
		name, pin string
		weak      bool
	}{
		{"none", "", true},
		{"the mailbox", "204", true},
		{"the end of the number", "4567", true},
		{"four digits", "8317", true},
		{"six the same", "777777", true},
		{"up", "456789", true},
		{"down over zero", "210987", true},
		{"a pattern", "121212", true},
		{"drawn", "830174", false},
		{"long", "83017429", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if ws := PIN(tt.pin, "204", "+31201234567"); (len(ws) > 0) != tt.weak {
				t.Errorf("got %v, want weak: %v", ws, tt.weak)
			}
		})
	}
}

func TestDigest(t *testing.T) {
	hash := func(s string) string { m := md5.Sum([]byte(s)); return hex.EncodeToString(m[:]) }
	names := []string{"100"}
	if ws := Digest(hash("100:asterisk:100pass"), "100", "asterisk", names); len(ws) != 1 {
		t.Errorf("got %v, want the guessable secret behind the hash to be found", ws)
	}
	if ws := Digest(hash("100:asterisk:vR7#kd92!mQx"), "100", "asterisk", names); len(ws) != 0 {
		t.Errorf("got %v, want nothing for a good secret", ws)
	}
	if ws := Digest("no hash", "100", "asterisk", names); len(ws) != 0 {
		t.Errorf("got %v, want nothing for what is no hash", ws)
	}
}
