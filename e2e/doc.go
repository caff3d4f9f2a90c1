// Package e2e holds the tests of the whole: the real daemon against a real
// Asterisk, real SIP phones and attackers, and real nftables.
package e2e
