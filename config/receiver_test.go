package config

import (
	"strings"
	"testing"
)

func TestReceivers(t *testing.T) {
	const mail = "[[receiver]]\nname = \"m\"\ntype = \"mail\"\nserver = \"127.0.0.1:25\"\nfrom = \"a@example.org\"\nto = [\"b@example.org\"]\n"
	for _, tt := range []struct{ name, text, want string }{
		{"journal", "[[receiver]]\nname = \"log\"\n", ""},
		{"mail", mail, ""},
		{"mail without a receiver", strings.Replace(mail, "to = [\"b@example.org\"]\n", "", 1), "to: is needed"},
		{"no address", strings.Replace(mail, "b@example.org", "b", 1), "must be a mail address"},
		{"in the clear", strings.Replace(mail, "127.0.0.1:25", "mail.example.org:25\"\ntls = \"none", 1), "in the clear"},
		{"webhook in the clear", "[[receiver]]\nname = \"w\"\ntype = \"webhook\"\nurl = \"http://example.org/\"\nsecret = \"x\"\n", "must be https to another host"},
		{"two of one name", mail + mail, "another receiver has this name"},
		{"nameless", "[[receiver]]\ntype = \"journal\"\n", "needs a name"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("p.toml", []byte(tt.text), nil)
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
