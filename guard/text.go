package guard

import "fmt"

// UnmarshalText reads what [Mode.MarshalText] wrote.
func (m *Mode) UnmarshalText(text []byte) error { return parse(m, modes[:], text, "mode") }

// UnmarshalText reads what [Action.MarshalText] wrote.
func (a *Action) UnmarshalText(text []byte) error { return parse(a, actions[:], text, "action") }

var proofs = [...]string{"unproven", "path"}

func (p Proof) String() string               { return proofs[p] }
func (p Proof) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText reads what [Proof.MarshalText] wrote.
func (p *Proof) UnmarshalText(text []byte) error { return parse(p, proofs[:], text, "proof") }

// parse sets v to the place that text has among names.
func parse[T ~uint8](v *T, names []string, text []byte, what string) error {
	for i, name := range names {
		if name == string(text) {
			*v = T(i)
			return nil
		}
	}
	return fmt.Errorf("no such %s: %q", what, text)
}
