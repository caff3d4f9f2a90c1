package config

import (
	"errors"
	"regexp"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// lastWord asks go-toml's own decoder what is wrong with data, if anything. What
// it alone objects to, such as the 30th of February, is rare, so that its first
// objection is enough.
func lastWord(file string, data []byte) *Error {
	var ignored map[string]any
	err := toml.Unmarshal(data, &ignored)
	var fault *toml.DecodeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &fault):
		line, col := fault.Position()
		return &Error{File: file, Line: line, Col: col, Reason: syntaxReason(fault.Error())}
	}
	return &Error{File: file, Reason: syntaxReason(err.Error())}
}

// bracketed matches go-toml's faults of values that may go on for lines.
var bracketed = regexp.MustCompile("array|inline table|multiline")

// foreign matches what go-toml quotes of the document, which may be a secret.
var foreign = regexp.MustCompile(`( but got|:)? U\+[0-9A-F]+( '[^']*'|\S*)`)

// syntaxReason words a fault of go-toml's parser for who edits the file.
func syntaxReason(msg string) string {
	msg = strings.TrimPrefix(msg, "toml: ")
	switch {
	case strings.HasSuffix(msg, "at start of value"), strings.HasPrefix(msg, "expected keyword"):
		return `expected a value: text goes in quotes, as in key = "text"`
	case strings.HasPrefix(msg, "unable to parse float"):
		return "number out of range"
	case strings.HasPrefix(msg, "expected newline"):
		return "expected the end of the line"
	}
	return foreign.ReplaceAllString(msg, "")
}
