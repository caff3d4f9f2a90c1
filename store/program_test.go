package store

import (
	"path/filepath"
	"testing"
)

// The file says which version writes it, through up- and downgrades.
func TestProgram(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	for _, tt := range []struct{ name, program, want string }{
		{"before there were versions", "", ""},
		{"the first", "1.0", "1.0"},
		{"an upgrade", "1.10", "1.10"},
		{"a restart", "1.10", "1.10"},
		{"a downgrade", "1.0", "1.0"},
		{"nothing said", "", "1.0"},
	} {
		s, err := Open(path, Options{Program: tt.program})
		if err != nil {
			t.Fatal(err)
		}
		got, since, err := s.Program(t.Context())
		if err != nil || got != tt.want || since.IsZero() != (tt.want == "") {
			t.Errorf("%s: got %q since %v, %v, want %q", tt.name, got, since, err, tt.want)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(path, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got, _, err := s.Program(t.Context()); err != nil || got != "1.0" {
		t.Errorf("read only: got %q, %v, want 1.0", got, err)
	}
}
