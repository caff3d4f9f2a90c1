package demo

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the recording is part of the program
	"fmt"
)

//go:embed attack.ami.gz
var attack []byte

// Attack is a morning at an office of four phones, with two attackers, as an
// unguarded Asterisk 22 told it over AMI. One guesses passwords until he finds
// a weak one and calls Somalia; one has stolen a password; and a phone sends
// its calls on to a satellite.
func Attack() (*Recording, error) {
	zip, err := gzip.NewReader(bytes.NewReader(attack))
	if err != nil {
		return nil, fmt.Errorf("cannot read the recording: %w", err)
	}
	return Read(zip)
}

// Fraud lists the numbers in [Attack] that cost money.
func Fraud() []string {
	numbers := []string{"000972597562518", "90117777123456", "007777123456", "09001234567", "00881612345678", "00972597562518", "0037190112345"}
	for i := range 10 {
		numbers = append(numbers, fmt.Sprintf("00252612345%02d", i))
	}
	for i := range 8 {
		numbers = append(numbers, fmt.Sprintf("0025290770012%d", i))
	}
	return numbers
}
