package asterisk

import "pbxguard/guard"

// Named takes the name of a channel apart, such as a call record has it: the
// endpoint that it belongs to, or for a half of a Local channel, which belongs
// to nobody, what both halves have in common. The results are parts of name.
func Named(name []byte) (endpoint []byte, side guard.Side, pair []byte) { return named(name) }

// Called reads the first target of Dial's arguments, such as a call record has
// them: "PJSIP/0031900123456@trunk,60" calls the number at the endpoint. beyond
// says that the number is not the endpoint's own, as on a trunk.
func Called(data []byte) (endpoint, number []byte, beyond bool) {
	for i, c := range data {
		if c == ',' || c == '&' || c == '|' {
			data = data[:i]
			break
		}
	}
	return called(data)
}
